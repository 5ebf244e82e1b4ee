// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/backward/buffer_sums.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/kernels/micro/half.h"
#include "backend/cpu/kernels/scratch.h"
#include "passes/passes.h"
#include "support/fail.h"

namespace flexion::cpu {
namespace {

constexpr std::int64_t kAtATime = 1 << 14;  // elements that one task clears or writes

std::int64_t elements_of(const TensorView& t) {
    std::int64_t n = 1;
    for (int i = 0; i < t.rank; ++i) n *= t.shape[i];
    return n;
}

bool contiguous(const TensorView& t) {
    std::int64_t stride = 1;
    for (int i = t.rank; i-- > 0; stride *= t.shape[i])
        if (t.shape[i] != 1 && t.strides[i] != stride) return false;
    return true;
}

template <class T>
void store(char* p, DType dtype, T value) {
    switch (dtype) {
        case DType::f64:
            *reinterpret_cast<double*>(p) = static_cast<double>(value);
            break;
        case DType::bf16:
            *reinterpret_cast<Bf16*>(p) = to_bf16(static_cast<float>(value));
            break;
        case DType::f16:
            *reinterpret_cast<Half*>(p) = to_half(static_cast<float>(value));
            break;
        default:
            *reinterpret_cast<float*>(p) = static_cast<float>(value);
    }
}

}  // namespace

GatherSum gather_sum(const plan::Gather& gather, std::uint64_t assumptions) {
    switch (gather.along) {
        case plan::Along::nothing:
            return GatherSum::all;
        case plan::Along::query:
            return GatherSum::rows;
        case plan::Along::key:
            return GatherSum::lanes;
        case plan::Along::diagonal:
            return plan::in_range(gather, assumptions) ? GatherSum::diagonals
                                                       : GatherSum::distances;
        case plan::Along::both:
            break;
    }
    return gather.injective && plan::in_range(gather, assumptions) ? GatherSum::written
                                                                   : GatherSum::scattered;
}

BufferSums::BufferSums(const plan::BackwardArgs& args, const PanelKernels& panel,
                       const BackwardKernels& kernels)
    : kernels_(kernels), lanes_(panel.lanes), scalar_bytes_(panel.scalar_bytes) {
    const DType sums = scalar_bytes_ == 8 ? DType::f64 : DType::f32;
    std::vector<int> number(args.d_buffers.size(), -1);
    for (std::size_t i = 0; i < args.d_buffers.size(); ++i) {
        if (args.d_buffers[i].data == nullptr) continue;
        number[i] = static_cast<int>(buffers_.size());
        Buffer buffer;
        buffer.out = args.d_buffers[i];
        buffer.elements = elements_of(buffer.out);
        elements_ += buffer.elements;
        buffers_.push_back(buffer);
    }
    if (args.derivative == nullptr) return;
    const std::vector<plan::Gather>& gathers = args.derivative->gathers;
    for (const plan::Gather& gather : gathers) {
        Gather g;
        g.sum = gather_sum(gather, args.assumptions);
        g.buffer = number.at(gather.buffer);
        invariant(g.buffer >= 0, "a gather's gradient was asked for");
        if (!has_offsets(g.sum)) find_place(args, gather, g);
        Buffer& buffer = buffers_[g.buffer];
        if (has_offsets(g.sum) && buffer.elements >= std::int64_t{1} << 31) {
            fail<Unsupported>(
                "flexion::attention_backward: the gradient of captured buffer {} is summed over a "
                "computed index, for which {} elements are too many on the cpu; at most 2^31 - 1",
                gather.buffer, buffer.elements);
        }
        const auto same = [&](const plan::Gather& other) { return other.buffer == gather.buffer; };
        buffer.shared =
            g.sum == GatherSum::written && std::count_if(gathers.begin(), gathers.end(), same) == 1;
        if (buffer.shared) {
            const bool all_b = (gather.depends & passes::kOnB) != 0 || args.call.batch() == 1;
            const bool all_h = (gather.depends & passes::kOnH) != 0 || args.call.q_heads() == 1;
            if (!all_b || !all_h) pairs_together_ = true;
        }
        gathers_.push_back(g);
    }
    for (Buffer& buffer : buffers_) {
        const int index = static_cast<int>(&buffer - buffers_.data());
        const bool used = std::any_of(gathers_.begin(), gathers_.end(),
                                      [&](const Gather& g) { return g.buffer == index; });
        // An empty buffer reads as one element: so does its gradient.
        const std::int64_t size =
            static_cast<std::int64_t>(aligned(static_cast<std::size_t>(
                std::max<std::int64_t>(buffer.elements, 1) * scalar_bytes_))) /
            scalar_bytes_;
        if (!used) continue;
        if (!buffer.shared) {
            buffer.copy_at = copy_elements_;
            copy_elements_ += size;
        } else if (buffer.out.dtype == sums && contiguous(buffer.out) && buffer.elements > 0) {
            buffer.direct = static_cast<char*>(buffer.out.data);
        } else {
            buffer.shared_at = shared_elements_;
            shared_elements_ += size;
        }
    }
}

/// The affine indices of a gather as one affine offset.
void BufferSums::find_place(const plan::BackwardArgs& args, const plan::Gather& gather,
                            Gather& to) const {
    const passes::Facts facts = passes::uniformity(args.derivative->function);
    const Captures& captures = *args.call.mods.score_captures;
    const TensorView& buffer = captures.buffers[gather.buffer];
    std::int64_t stride = 1;
    for (int d = buffer.rank; d-- > 0; stride *= buffer.shape[d]) {
        const passes::Affine& form = facts.unclamped[gather.indices[d]];
        invariant(form.known, "an access that stays in range has affine indices");
        std::int64_t constant = form.constant;
        for (std::size_t i = 0; i < form.scalars.size(); ++i)
            constant += form.scalars[i] * captures.scalars[i].integer;
        to.constant += stride * constant;
        to.b += stride * form.b;
        to.h += stride * form.h;
        to.q += stride * form.q;
        to.k += stride * form.k;
    }
}

std::int64_t BufferSums::tile_bytes(int rows) const {
    if (gathers_.empty()) return 0;
    return (1 + kDiagonalSums) * (rows + 2 * lanes_) * scalar_bytes_ + 128;
}

void BufferSums::place(char* copies, char* shared, const Executor& executor) {
    copies_ = copies, shared_ = shared;
    for (Buffer& buffer : buffers_) {
        if (!buffer.shared) continue;
        if (buffer.direct == nullptr) buffer.direct = shared + buffer.shared_at * scalar_bytes_;
        const std::int64_t n = std::max<std::int64_t>(buffer.elements, 1);
        executor.run((n + kAtATime - 1) / kAtATime, [&](std::int64_t i, int) {
            const std::int64_t begin = i * kAtATime, end = std::min(begin + kAtATime, n);
            std::memset(buffer.direct + begin * scalar_bytes_, 0,
                        static_cast<std::size_t>((end - begin) * scalar_bytes_));
        });
    }
}

void BufferSums::clear_copy(std::int64_t task) const {
    if (copy_elements_ > 0)
        std::memset(copies_ + task * copy_bytes(), 0, static_cast<std::size_t>(copy_bytes()));
}

void BufferSums::add(std::int64_t task, const TileArgs& tile, const BackwardTile& from,
                     char* scratch) const {
    for (std::size_t i = 0; i < gathers_.size(); ++i) {
        const Gather& gather = gathers_[i];
        const Buffer& buffer = buffers_[gather.buffer];
        char* to = buffer.shared ? buffer.direct
                                 : copies_ + task * copy_bytes() + buffer.copy_at * scalar_bytes_;
        const auto at = static_cast<std::int64_t>(i);
        const char* values = static_cast<const char*>(from.values) + at * from.value_bytes;
        const auto* offsets = reinterpret_cast<const std::int32_t*>(
            reinterpret_cast<const char*>(from.offsets) + at * from.offset_bytes);
        if (scalar_bytes_ == 8)
            add<double>(gather, tile, values, offsets, to, scratch);
        else
            add<float>(gather, tile, values, offsets, to, scratch);
    }
}

template <class T>
void BufferSums::add(const Gather& gather, const TileArgs& tile, const void* values,
                     const std::int32_t* offsets, char* to, char* scratch) const {
    T* out = reinterpret_cast<T*>(to);
    T* sums = reinterpret_cast<T*>(scratch);
    const int rows = tile.rows;
    const std::int64_t first = gather.constant + gather.b * tile.b + gather.h * tile.h +
                               gather.q * tile.q0 + gather.k * tile.k0;
    switch (gather.sum) {
        case GatherSum::all: {
            kernels_.sum_over_rows(values, rows, sums);
            T total = 0;
            for (int i = 0; i < tile.lanes; ++i) total += sums[i];
            out[offsets[0]] += total;
            break;
        }
        case GatherSum::rows:
            kernels_.sum_over_rows(values, rows, sums);
            for (int i = 0; i < tile.lanes; ++i) out[offsets[i]] += sums[i];
            break;
        case GatherSum::lanes:
            kernels_.sum_over_lanes(values, rows, sums);
            for (int i = 0; i < rows; ++i) out[offsets[i]] += sums[i];
            break;
        case GatherSum::diagonals:
        case GatherSum::distances: {
            const std::int64_t room = rows + 2 * lanes_;
            kernels_.sum_over_diagonals(values, rows, sums, sums + room / lanes_ * lanes_);
            const int count = rows + tile.lanes - 1;
            if (gather.sum == GatherSum::diagonals) {
                // gather.k is -gather.q: the diagonal of lane - row moves by gather.q.
                T* diagonal = out + first - gather.q * (rows - 1);
                for (int i = 0; i < count; ++i) diagonal[i * gather.q] += sums[i];
                break;
            }
            // A diagonal begins in the first row or in the first lane.
            for (int i = 0; i < rows - 1; ++i)
                out[offsets[(rows - 1 - i) * std::int64_t{lanes_}]] += sums[i];
            for (int i = rows - 1; i < count; ++i) out[offsets[i - (rows - 1)]] += sums[i];
            break;
        }
        case GatherSum::written: {
            if (gather.k == 1) {
                kernels_.add_transposed(values, rows, tile.lanes, out + first, gather.q);
                break;
            }
            const T* v = static_cast<const T*>(values);
            for (int i = 0; i < rows; ++i, v += lanes_)
                for (int lane = 0; lane < tile.lanes; ++lane)
                    out[first + i * gather.k + lane * gather.q] += v[lane];
            break;
        }
        case GatherSum::scattered:
            kernels_.add_scattered(values, offsets, std::int64_t{rows} * lanes_, out);
            break;
    }
}

template <class T>
void BufferSums::write(const Buffer& buffer, std::int64_t tasks, std::int64_t begin,
                       std::int64_t end) const {
    const int rank = buffer.out.rank;
    const std::int64_t step = copy_elements_;
    for (std::int64_t i = begin; i < end; ++i) {
        T sum = 0;
        if (buffer.shared) {
            sum = reinterpret_cast<const T*>(buffer.direct)[i];
        } else if (buffer.copy_at >= 0) {
            const T* p = reinterpret_cast<const T*>(copies_) + buffer.copy_at + i;
            for (std::int64_t task = 0; task < tasks; ++task) sum += p[task * step];
        }
        std::int64_t offset = 0, rest = i;
        for (int d = rank; d-- > 0; rest /= buffer.out.shape[d])
            offset += rest % buffer.out.shape[d] * buffer.out.strides[d];
        store(static_cast<char*>(buffer.out.data) + offset * size_of(buffer.out.dtype),
              buffer.out.dtype, sum);
    }
}

void BufferSums::finish(std::int64_t tasks, const Executor& executor) const {
    for (const Buffer& buffer : buffers_) {
        if (buffer.shared && buffer.shared_at < 0) continue;  // written where it belongs
        executor.run((buffer.elements + kAtATime - 1) / kAtATime, [&](std::int64_t i, int) {
            const std::int64_t begin = i * kAtATime;
            const std::int64_t end = std::min(begin + kAtATime, buffer.elements);
            if (scalar_bytes_ == 8)
                write<double>(buffer, tasks, begin, end);
            else
                write<float>(buffer, tasks, begin, end);
        });
    }
}

}  // namespace flexion::cpu
