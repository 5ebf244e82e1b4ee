// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/forward_case.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <flexion/masks.h>

#include "backend/cpu/kernels/forward.h"
#include "seed.h"
#include "support/dtype.h"

namespace flexion::cpu::test {
namespace {

constexpr double kMinusInf = -std::numeric_limits<double>::infinity();

Tensor make(const Case& c, std::int64_t B, std::int64_t H, std::int64_t S, std::int64_t D,
            std::mt19937_64& random) {
    Tensor t;
    t.view.dtype = c.dtype;
    t.view.rank = 4;
    const std::int64_t row = D + c.pad;
    t.view.shape = {B, H, S, D};
    t.view.strides = c.bshd ? std::array<std::int64_t, kMaxRank>{S * H * row, row, H * row, 1}
                            : std::array<std::int64_t, kMaxRank>{H * S * row, S * row, row, 1};
    t.bytes.resize(static_cast<std::size_t>(B * H * S * row * size_of(c.dtype)));
    t.view.data = t.bytes.data();
    std::normal_distribution<double> normal;
    for (std::int64_t b = 0; b < B; ++b)
        for (std::int64_t h = 0; h < H; ++h)
            for (std::int64_t s = 0; s < S; ++s)
                for (std::int64_t d = 0; d < D; ++d)
                    set_element(t.view, b, h, s, d, normal(random));
    return t;
}

/// 0, 1 or 2: how block (row of q, column of k) is listed.
int kind_at(const Case& c, std::int64_t b, std::int64_t h, std::int64_t q, std::int64_t k) {
    if (!c.block_mask) return 2;
    const BlockMask& m = c.block_mask;
    const std::int64_t row = q / m.block_size().q, col = k / m.block_size().kv;
    for (const BlockRun& run : m.row(m.B() == 1 ? 0 : b, m.H() == 1 ? 0 : h, row))
        if (run.begin() <= col && col < run.end()) return run.full() ? 2 : 1;
    return 0;
}

double tolerance(const Case& c, double value) {
    switch (c.dtype) {
        case DType::f64:
            return 1e-11;
        case DType::f32:
            return 2e-5;
        case DType::f16:
            return 2e-5 + std::abs(value) * 0x1p-10;
        default:  // P may be bf16 too
            return 0.02;
    }
}

}  // namespace

std::string Case::to_string() const {
    return std::string(name_of(dtype)) + " B=" + std::to_string(B) + " Hq=" + std::to_string(Hq) +
           " Hkv=" + std::to_string(Hkv) + " Sq=" + std::to_string(Sq) +
           " Skv=" + std::to_string(Skv) + " D=" + std::to_string(D) + " Dv=" + std::to_string(Dv) +
           " kv_batch=" + std::to_string(kv_batch) + " bshd=" + std::to_string(bshd) +
           " pad=" + std::to_string(pad) + " score=" + std::to_string(static_cast<int>(score)) +
           " mask=" + std::to_string(static_cast<int>(mask)) + " block=" +
           (block_mask ? std::to_string(block_mask.block_size().q) + "x" +
                             std::to_string(block_mask.block_size().kv) + " of " +
                             std::to_string(block_mask.B()) + "," + std::to_string(block_mask.H())
                       : "none");
}

double element(const TensorView& view, std::int64_t b, std::int64_t h, std::int64_t s,
               std::int64_t d) {
    const char* p =
        static_cast<const char*>(view.data) +
        (b * view.strides[0] + h * view.strides[1] + s * view.strides[2] + d) * size_of(view.dtype);
    switch (view.dtype) {
        case DType::f32:
            return *reinterpret_cast<const float*>(p);
        case DType::f64:
            return *reinterpret_cast<const double*>(p);
        case DType::bf16:
            return bf16_to_float(*reinterpret_cast<const std::uint16_t*>(p));
        default:
            return f16_to_float(*reinterpret_cast<const std::uint16_t*>(p));
    }
}

void set_element(const TensorView& view, std::int64_t b, std::int64_t h, std::int64_t s,
                 std::int64_t d, double value) {
    char* p =
        static_cast<char*>(view.data) +
        (b * view.strides[0] + h * view.strides[1] + s * view.strides[2] + d) * size_of(view.dtype);
    switch (view.dtype) {
        case DType::f32:
            *reinterpret_cast<float*>(p) = static_cast<float>(value);
            break;
        case DType::f64:
            *reinterpret_cast<double*>(p) = value;
            break;
        case DType::bf16:
            *reinterpret_cast<std::uint16_t*>(p) = float_to_bf16(static_cast<float>(value));
            break;
        default:
            *reinterpret_cast<std::uint16_t*>(p) = float_to_f16(static_cast<float>(value));
    }
}

Data::Data(const Case& c, std::mt19937_64& random)
    : q(make(c, c.B, c.Hq, c.Sq, c.D, random)),
      k(make(c, c.kv_batch == 0 ? c.B : c.kv_batch, c.Hkv, c.Skv, c.D, random)),
      v(make(c, c.kv_batch == 0 ? c.B : c.kv_batch, c.Hkv, c.Skv, c.Dv, random)),
      out(make(c, c.B, c.Hq, c.Sq, c.Dv, random)),
      lse(static_cast<std::size_t>(c.B * c.Hq * c.Sq * (c.dtype == DType::f64 ? 8 : 4))),
      max(lse.size()),
      mask_mod(masks::causal()) {}

plan::LaunchArgs Data::args(const Case& c) {
    plan::LaunchArgs a;
    a.q = q.view, a.k = k.view, a.v = v.view, a.out = out.view;
    a.q.data = q.bytes.data(), a.k.data = k.bytes.data();
    a.v.data = v.bytes.data(), a.out.data = out.bytes.data();
    const DType type = c.dtype == DType::f64 ? DType::f64 : DType::f32;
    a.lse = TensorView::dense(lse.data(), type, {c.B, c.Hq, c.Sq});
    a.max_scores = TensorView::dense(max.data(), type, {c.B, c.Hq, c.Sq});
    a.scale = 1 / std::sqrt(static_cast<double>(c.D));
    if (c.block_mask) a.block_mask = &c.block_mask;
    if (c.mask != hand::Mask::none) {
        a.mods.mask = &mask_mod.function();
        a.mods.mask_captures = &mask_mod.captures();
    }
    return a;
}

void expect_right(const Case& c, const plan::LaunchArgs& args) {
    std::vector<double> scores(static_cast<std::size_t>(c.Skv));
    const auto statistic = [&](const TensorView& t, std::int64_t b, std::int64_t h,
                               std::int64_t q) {
        const std::int64_t i = (b * c.Hq + h) * c.Sq + q;
        return t.dtype == DType::f64 ? static_cast<const double*>(t.data)[i]
                                     : static_cast<const float*>(t.data)[i];
    };
    int failures = 0;
    for (std::int64_t b = 0; b < c.B; ++b) {
        for (std::int64_t h = 0; h < c.Hq; ++h) {
            const std::int64_t kb = args.k.shape[0] == 1 ? 0 : b, kh = h / (c.Hq / c.Hkv);
            for (std::int64_t q = 0; q < c.Sq; ++q) {
                double top = kMinusInf, sum = 0;
                for (std::int64_t k = 0; k < c.Skv; ++k) {
                    double s = 0;
                    const int kind = kind_at(c, b, h, q, k);
                    if (kind == 2 || (kind == 1 && hand::mask_of(c.mask, b, h, q, k))) {
                        for (std::int64_t d = 0; d < c.D; ++d)
                            s += element(args.q, b, h, q, d) * element(args.k, kb, kh, k, d);
                        s = hand::score_of(c.score, s * args.scale, h, q, k);
                    } else {
                        s = kMinusInf;
                    }
                    scores[static_cast<std::size_t>(k)] = s;
                    top = std::max(top, s);
                }
                for (double& s : scores) sum += s = top == kMinusInf ? 0 : std::exp(s - top);
                const auto near = [&](double value, double expected, double within,
                                      const char* what, std::int64_t d) {
                    const bool ok = expected == kMinusInf ? value == expected
                                                          : std::abs(value - expected) <= within;
                    if (!ok && ++failures <= 3)
                        ADD_FAILURE() << c.to_string() << ": " << what << " of b=" << b
                                      << " h=" << h << " q=" << q << " d=" << d << " is " << value
                                      << ", expected " << expected;
                };
                const double fine = c.dtype == DType::f64 ? 1e-11 : 3e-5;
                const double wide = fine * (1 + std::abs(top == kMinusInf ? 0 : top));
                near(statistic(args.max_scores, b, h, q), top, wide, "max", 0);
                near(statistic(args.lse, b, h, q), sum == 0 ? kMinusInf : top + std::log(sum), wide,
                     "lse", 0);
                for (std::int64_t d = 0; d < c.Dv; ++d) {
                    double o = 0;
                    for (std::int64_t k = 0; k < c.Skv; ++k)
                        if (const double p = scores[static_cast<std::size_t>(k)]; p != 0)
                            o += p * element(args.v, kb, kh, k, d);
                    o = sum == 0 ? 0 : o / sum;
                    near(element(args.out, b, h, q, d), o, sum == 0 ? 0 : tolerance(c, o), "out",
                         d);
                }
            }
        }
    }
    EXPECT_EQ(failures, 0) << c.to_string();
}

void forward_on(Isa isa, const plan::LaunchArgs& args, const Case& c) {
    hand::Provider provider(isa, c.score, c.mask);
    forward(args, provider, isa);
}

void run_and_check(Isa isa, const Case& c, std::mt19937_64& random, const Executor& executor) {
    SCOPED_TRACE(name_of(isa));
    Data data(c, random);
    plan::LaunchArgs args = data.args(c);
    args.executor = executor;
    forward_on(isa, args, c);
    expect_right(c, args);
}

BlockMask mask_of_kinds(const std::vector<std::uint8_t>& kinds, std::int64_t B, std::int64_t H,
                        BlockSize block, std::int64_t Sq, std::int64_t Skv, const MaskMod& mod) {
    const std::int64_t rows = (Sq + block.q - 1) / block.q;
    const std::int64_t cols = (Skv + block.kv - 1) / block.kv;
    BlockTable tables[2] = {{B, H, rows, cols, {}, {}}, {B, H, rows, cols, {}, {}}};
    for (int t = 0; t < 2; ++t) {
        for (std::int64_t row = 0; row < B * H * rows; ++row) {
            std::int32_t count = 0;
            for (const bool listed : {true, false})
                for (std::int64_t col = 0; col < cols; ++col)
                    if ((kinds[static_cast<std::size_t>(row * cols + col)] == t + 1) == listed) {
                        tables[t].indices.push_back(static_cast<std::int32_t>(col));
                        count += listed;
                    }
            tables[t].num_blocks.push_back(count);
        }
    }
    return BlockMask::from_kv_blocks(tables[0], &tables[1], block, mod, Sq, Skv);
}

BlockMask causal_mask(BlockSize block, std::int64_t Sq, std::int64_t Skv) {
    std::vector<std::uint8_t> kinds;
    for (std::int64_t q = 0; q < Sq; q += block.q)
        for (std::int64_t k = 0; k < Skv; k += block.kv)
            kinds.push_back(k + block.kv - 1 <= q ? 2 : k <= std::min(q + block.q, Sq) - 1 ? 1 : 0);
    return mask_of_kinds(kinds, 1, 1, block, Sq, Skv, masks::causal());
}

BlockMask random_mask(std::mt19937_64& random, std::int64_t B, std::int64_t H, BlockSize block,
                      std::int64_t Sq, std::int64_t Skv) {
    const std::int64_t rows = (Sq + block.q - 1) / block.q;
    const std::int64_t cols = (Skv + block.kv - 1) / block.kv;
    std::vector<std::uint8_t> kinds(static_cast<std::size_t>(B * H * rows * cols));
    const std::int64_t empty = flexion::test::between(random, 0, 3);
    for (std::uint8_t& kind : kinds)
        kind = static_cast<std::uint8_t>(
            std::max<std::int64_t>(flexion::test::between(random, -empty, 2), 0));
    return mask_of_kinds(kinds, B, H, block, Sq, Skv, masks::causal());
}

}  // namespace flexion::cpu::test
