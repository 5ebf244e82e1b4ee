// SPDX-License-Identifier: Apache-2.0
// Sums over a tile of gradients of a captured buffer: v[row][lane], rows are keys, lanes queries,
// all lanes of a panel present (those past the last query are 0). Every sum has one order, so that
// results are the same from run to run.
#pragma once

#include "backend/cpu/kernels/micro/kernels.h"
#include "backend/cpu/kernels/micro/vec.h"

namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE {

/// out[lane] = the sum over rows.
template <class Vec>
void sum_over_rows(const void* v, int rows, void* out) {
    constexpr int kLanes = Vec::kLanes;
    const auto* p = static_cast<const typename Vec::Scalar*>(v);
    auto* to = static_cast<typename Vec::Scalar*>(out);
    // Four sums hide the latency of an addition.
    typename Vec::V even[2] = {Vec::zero(), Vec::zero()}, odd[2] = {Vec::zero(), Vec::zero()};
    for (int r = 0; r < rows; ++r, p += 2 * kLanes) {
        even[0] = even[0] + Vec::load(p);
        even[1] = even[1] + Vec::load(p + kLanes);
        if (++r == rows) break;
        p += 2 * kLanes;
        odd[0] = odd[0] + Vec::load(p);
        odd[1] = odd[1] + Vec::load(p + kLanes);
    }
    Vec::store(to, even[0] + odd[0]);
    Vec::store(to + kLanes, even[1] + odd[1]);
}

/// out[row] = the sum over lanes; out has room for rows rounded up to whole vectors.
template <class Vec>
void sum_over_lanes(const void* v, int rows, void* out) {
    constexpr int kLanes = Vec::kLanes;
    const auto* p = static_cast<const typename Vec::Scalar*>(v);
    auto* to = static_cast<typename Vec::Scalar*>(out);
    for (int first = 0; first < rows; first += kLanes) {
        typename Vec::V r[kLanes];
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) {
            const auto* row = p + std::int64_t{first + i} * 2 * kLanes;
            r[i] = first + i < rows ? Vec::load(row) + Vec::load(row + kLanes) : Vec::zero();
        }
        ShuffleOf<Vec>::transpose(r);
        typename Vec::V sum = r[0];
#pragma GCC unroll 16
        for (int i = 1; i < kLanes; ++i) sum = sum + r[i];
        Vec::store(to + first, sum);
    }
}

/// out[lane - row + rows - 1] = the sum over that diagonal; out: rows + lanes rounded up to whole
/// vectors. scratch: kDiagonalSums times that.
template <class Vec>
void sum_over_diagonals(const void* v, int rows, void* out, void* scratch) {
    constexpr int kLanes = Vec::kLanes;
    using Scalar = typename Vec::Scalar;
    const auto* p = static_cast<const Scalar*>(v);
    auto* sums = static_cast<Scalar*>(scratch);
    const std::int64_t size = (rows + 2 * kLanes + kLanes - 1) / kLanes * kLanes;
    for (std::int64_t i = 0; i < kDiagonalSums * size; i += kLanes)
        Vec::store(sums + i, Vec::zero());
    for (int r = 0; r < rows; ++r, p += 2 * kLanes) {
        Scalar* at = sums + r % kDiagonalSums * size + (rows - 1 - r);
        Vec::write(at, Vec::read(at) + Vec::load(p));
        Vec::write(at + kLanes, Vec::read(at + kLanes) + Vec::load(p + kLanes));
    }
    for (std::int64_t i = 0; i < size; i += kLanes) {
        typename Vec::V sum = Vec::load(sums + i);
        for (int j = 1; j < kDiagonalSums; ++j) sum = sum + Vec::load(sums + j * size + i);
        Vec::store(static_cast<Scalar*>(out) + i, sum);
    }
}

/// to[lane * lane_step + row] += v[row][lane], steps in scalars: keys are next to each other.
template <class Vec>
void add_transposed(const void* v, int rows, int lanes, void* to, std::int64_t lane_step) {
    constexpr int kLanes = Vec::kLanes;
    using Scalar = typename Vec::Scalar;
    for (int lane = 0; lane < lanes; lane += kLanes) {
        const int n = lanes - lane < kLanes ? lanes - lane : kLanes;
        const auto* p = static_cast<const Scalar*>(v) + lane;
        Scalar* out = static_cast<Scalar*>(to) + lane * lane_step;
        for (int row = 0; row < rows; row += kLanes) {
            const int left = rows - row;
            typename Vec::V r[kLanes];
#pragma GCC unroll 16
            for (int i = 0; i < kLanes; ++i)
                r[i] = i < left ? Vec::load(p + std::int64_t{row + i} * 2 * kLanes) : Vec::zero();
            ShuffleOf<Vec>::transpose(r);
#pragma GCC unroll 16
            for (int i = 0; i < kLanes; ++i) {
                if (i >= n) continue;
                Scalar* at = out + i * lane_step + row;
                if (left >= kLanes)
                    Vec::write(at, Vec::read(at) + r[i]);
                else
                    write_first<Vec>(at, read_first<Vec>(at, left) + r[i], left);
            }
        }
    }
}

/// to[offsets[row][lane]] += v[row][lane], one after the other.
template <class Vec>
void add_scattered(const void* v, const std::int32_t* offsets, std::int64_t count, void* to) {
    const auto* p = static_cast<const typename Vec::Scalar*>(v);
    auto* out = static_cast<typename Vec::Scalar*>(to);
    for (std::int64_t i = 0; i < count; ++i) out[offsets[i]] += p[i];
}

}  // namespace flexion::cpu::FLEXION_KERNEL_NAMESPACE
