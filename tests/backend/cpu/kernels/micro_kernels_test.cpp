// SPDX-License-Identifier: Apache-2.0
// Every function of the tables against double: all tails of rows, depth and width, strides larger
// than rows, and memory that ends where a row ends.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "backend/cpu/kernels/forward_case.h"
#include "backend/cpu/kernels/matrices.h"
#include "backend/cpu/kernels/micro/kernels.h"
#include "seed.h"
#include "support/dtype.h"

namespace flexion::cpu::test {
namespace {

using flexion::test::between;
using flexion::test::generator;

class MicroKernelTest : public ::testing::TestWithParam<Isa> {
protected:
    void check_panel(DType dtype, int lanes, int rows, int depth, int width, std::int64_t pad,
                     std::mt19937_64& random);
    void check_stream(DType dtype, int rows, int keys, int depth, int width, std::int64_t pad,
                      std::mt19937_64& random);
};
INSTANTIATE_TEST_SUITE_P(All, MicroKernelTest, ::testing::ValuesIn(runnable_isas()),
                         [](const auto& info) { return name_of(info.param); });

void MicroKernelTest::check_panel(DType dtype, int lanes, int rows, int depth, int width,
                                  std::int64_t pad, std::mt19937_64& random) {
    SCOPED_TRACE(std::string(name_of(dtype)) + " lanes " + std::to_string(lanes) + " rows " +
                 std::to_string(rows) + " depth " + std::to_string(depth) + " width " +
                 std::to_string(width) + " pad " + std::to_string(pad));
    const PanelKernels& kernels = panel_kernels(kernels_of(GetParam()), dtype);
    const int L = kernels.lanes, e = kernels.step_elements;
    const int steps = (depth + e - 1) / e, p_steps = (rows + e - 1) / e;
    const Matrix q(dtype, lanes, depth, pad, random), k(dtype, rows, depth, pad, random);
    const Matrix v(dtype, rows, width, pad, random);
    Scalars panel(kernels.scalar_bytes, steps * L, 99), s(kernels.scalar_bytes, rows * L, 99);
    kernels.pack_queries(q.data(), q.stride, lanes, depth, 1, panel.data());

    // Keys, read in place or staged.
    const char* keys = k.data();
    std::int64_t k_stride = k.stride;
    const std::int64_t staged_k = (depth * kernels.key_bytes + 63) / 64 * 64 + 64;
    Scalars k_staged(4, rows * staged_k / 4, 99);
    if (kernels.must_stage_keys || depth % e != 0 || between(random, 0, 1) == 0) {
        kernels.stage_keys(k.data(), k.stride, rows, depth, k_staged.data(), staged_k);
        keys = k_staged.data(), k_stride = staged_k;
    }
    kernels.scores(keys, k_stride, rows, steps, panel.data(), s.data(), {});
    // The same panel as three of a run: the same bits.
    const std::int64_t s_bytes = std::int64_t{rows} * L * kernels.scalar_bytes;
    Scalars three(kernels.scalar_bytes, 3 * rows * L, 99);
    kernels.scores(keys, k_stride, rows, steps, panel.data(), three.data(), {3, 0, s_bytes});
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(std::memcmp(three.data() + i * s_bytes, s.data(), s_bytes), 0) << "panel " << i;
    int wrong = 0;
    for (int i = 0; i < rows; ++i)
        for (int lane = 0; lane < L; ++lane) {
            double expected = 0;
            for (int d = 0; d < depth && lane < lanes; ++d) expected += q(lane, d) * k(i, d);
            wrong += !(std::abs(s[i * L + lane] - expected) <=
                       fine(kernels.scalar_bytes) * (1 + std::sqrt(depth)));
        }
    EXPECT_EQ(wrong, 0) << "scores";

    // Values, and weights of a tile pass.
    const char* values = v.data();
    std::int64_t v_stride = v.stride;
    const std::int64_t staged_v = (width * kernels.value_bytes + 63) / 64 * 64;
    Scalars v_staged(4, rows * staged_v / 4, 99);
    if (kernels.must_stage_values || between(random, 0, 1) == 0) {
        kernels.stage_values(v.data(), v.stride, rows, width, v_staged.data(), staged_v);
        values = v_staged.data(), v_stride = staged_v;
    }
    Scalars p(kernels.scalar_bytes, rows * L, 0), weights(8, rows * L, 0);
    p.randomise(random);
    for (int i = 0; i < rows * L; ++i) weights.set(i, p[i]);
    Scalars pairs(4, p_steps * L, 0);
    if (e == 2) {
        auto* out = reinterpret_cast<std::uint32_t*>(pairs.data());
        for (int i = 0; i < rows; ++i)
            for (int lane = 0; lane < L; ++lane) {
                const std::uint16_t bits = float_to_bf16(static_cast<float>(p[i * L + lane]));
                weights.set(i * L + lane, bf16_to_float(bits));
                std::uint32_t& word = out[i / 2 * L + lane];
                word = i % 2 == 0 ? bits : word | static_cast<std::uint32_t>(bits) << 16;
            }
    }
    Scalars o(kernels.scalar_bytes, width * L, std::nan("")), alpha(kernels.scalar_bytes, L, 0);
    Scalars l(kernels.scalar_bytes, L, 0);
    alpha.randomise(random);
    for (int lane = 0; lane < L; ++lane) l.set(lane, lane % 3 == 1 ? 0 : 1 + lane * 0.25);
    const char* p_data = e == 2 ? pairs.data() : p.data();
    kernels.accumulate(values, v_stride, p_steps, width, p_data, o.data(), nullptr);
    kernels.accumulate(values, v_stride, p_steps, width, p_data, o.data(), alpha.data());
    wrong = 0;
    std::vector<double> expected(static_cast<std::size_t>(width * L));
    for (int d = 0; d < width; ++d)
        for (int lane = 0; lane < L; ++lane) {
            double sum = 0;
            for (int i = 0; i < rows; ++i) sum += v(i, d) * weights[i * L + lane];
            sum = sum * alpha[lane] + sum;
            expected[static_cast<std::size_t>(d * L + lane)] = sum;
            wrong += !(std::abs(o[d * L + lane] - sum) <=
                       fine(kernels.scalar_bytes) * (1 + std::sqrt(rows)) * 3);
        }
    EXPECT_EQ(wrong, 0) << "accumulate";

    Matrix out(dtype, lanes, width, pad, random);
    kernels.write_out(o.data(), l.data(), lanes, width, out.memory->data(), out.stride);
    wrong = 0;
    const double relative = dtype == DType::bf16 ? 0x1p-8 : dtype == DType::f16 ? 0x1p-10 : 0;
    for (int lane = 0; lane < lanes; ++lane)
        for (int d = 0; d < width; ++d) {
            const double value =
                l[lane] == 0 ? 0 : expected[static_cast<std::size_t>(d * L + lane)] / l[lane];
            wrong += !(std::abs(out(lane, d) - value) <=
                       (l[lane] == 0 ? 0
                                     : fine(kernels.scalar_bytes) * (1 + std::sqrt(rows)) * 3 +
                                           relative * std::abs(value)));
        }
    EXPECT_EQ(wrong, 0) << "write_out";
}

TEST_P(MicroKernelTest, PanelTails) {
    auto random = generator(11);
    for (DType dtype : kFloats) {
        const int L = panel_kernels(kernels_of(GetParam()), dtype).lanes;
        for (int n = 1; n <= 40; ++n) {
            check_panel(dtype, 1 + n % L, n, 1 + n * 3 % 41, 1 + n * 7 % 39, n % 4, random);
            check_panel(dtype, L, 41 - n, n, 41 - n, 0, random);
        }
        for (int i = 0; i < 40; ++i)
            check_panel(dtype, static_cast<int>(between(random, 1, L)),
                        static_cast<int>(between(random, 1, 160)),
                        static_cast<int>(between(random, 1, 130)),
                        static_cast<int>(between(random, 1, 130)), between(random, 0, 5), random);
        check_panel(dtype, L, 130, 512, 512, 0, random);
        check_panel(dtype, L, 64, 511, 511, 1, random);
        check_panel(dtype, L, 1, 257, 1, 0, random);
    }
}

void MicroKernelTest::check_stream(DType dtype, int rows, int keys, int depth, int width,
                                   std::int64_t pad, std::mt19937_64& random) {
    SCOPED_TRACE(std::string(name_of(dtype)) + " rows " + std::to_string(rows) + " keys " +
                 std::to_string(keys) + " depth " + std::to_string(depth) + " width " +
                 std::to_string(width) + " pad " + std::to_string(pad));
    const StreamKernels& kernels = stream_kernels(kernels_of(GetParam()), dtype);
    const auto whole = [&](int n) {
        return (n + kernels.chunk - 1) / kernels.chunk * kernels.chunk;
    };
    const int q_row = whole(depth), o_row = whole(width), s_row = whole(keys) + kernels.chunk;
    const Matrix q(dtype, rows, depth, pad, random), k(dtype, keys, depth, pad, random);
    const Matrix v(dtype, keys, width, pad, random);
    Scalars queries(kernels.scalar_bytes, rows * q_row, 99);
    Scalars s(kernels.scalar_bytes, rows * s_row, 77);
    for (int r = 0; r < rows; ++r)
        kernels.query(q.data() + r * q.stride, depth,
                      queries.data() + r * q_row * kernels.scalar_bytes);
    kernels.scores(k.data(), k.stride, keys, depth, queries.data(), q_row, rows, s.data(), s_row);
    int wrong = 0;
    for (int r = 0; r < rows; ++r)
        for (int n = 0; n < s_row; ++n) {
            double expected = 0;
            for (int d = 0; d < depth && n < keys; ++d) expected += q(r, d) * k(n, d);
            if (n >= keys) expected = 77;
            wrong += !(std::abs(s[r * s_row + n] - expected) <=
                       fine(kernels.scalar_bytes) * (1 + std::sqrt(depth)));
        }
    EXPECT_EQ(wrong, 0) << "scores";

    Scalars alpha(kernels.scalar_bytes, rows, 0.5), o(kernels.scalar_bytes, rows * o_row, 0);
    s.randomise(random);
    for (int turn = 0; turn < 2; ++turn)
        kernels.accumulate(v.data(), v.stride, keys, width, s.data(), s_row, rows, o.data(), o_row,
                           alpha.data());
    Matrix out(dtype, rows, width, pad, random);
    Scalars factor(kernels.scalar_bytes, 1, 0.75);
    wrong = 0;
    const double relative = dtype == DType::bf16 ? 0x1p-8 : dtype == DType::f16 ? 0x1p-10 : 0;
    for (int r = 0; r < rows; ++r) {
        kernels.write(o.data() + r * o_row * kernels.scalar_bytes, factor.data(), width,
                      out.memory->data() + r * out.stride);
        for (int d = 0; d < width; ++d) {
            double expected = 0;
            for (int n = 0; n < keys; ++n) {
                // By the bf16 dot product, weights are rounded too.
                const double weight = s[r * s_row + n];
                const bool dot = dtype == DType::bf16 && GetParam() == Isa::avx512_bf16;
                expected +=
                    v(n, d) *
                    (dot ? bf16_to_float(float_to_bf16(static_cast<float>(weight))) : weight);
            }
            expected *= 1.5 * 0.75;
            wrong += !(std::abs(out(r, d) - expected) <=
                       fine(kernels.scalar_bytes) * (1 + std::sqrt(keys)) * 3 +
                           relative * std::abs(expected));
        }
    }
    EXPECT_EQ(wrong, 0) << "accumulate, write";
}

TEST_P(MicroKernelTest, StreamTails) {
    auto random = generator(12);
    for (DType dtype : kFloats) {
        for (int rows = 1; rows <= 19; ++rows)
            for (int n : {1, 2, 7, 16, 33})
                check_stream(dtype, rows, n, 1 + rows * 5 % 70, 1 + n * rows % 70, n % 3, random);
        for (int i = 0; i < 40; ++i)
            check_stream(dtype, static_cast<int>(between(random, 1, 20)),
                         static_cast<int>(between(random, 1, 100)),
                         static_cast<int>(between(random, 1, 200)),
                         static_cast<int>(between(random, 1, 200)), between(random, 0, 5), random);
        check_stream(dtype, 1, 40, 512, 512, 0, random);
        check_stream(dtype, 1, 40, 511, 511, 0, random);
    }
}

TEST_P(MicroKernelTest, SixteenBitRoundingIsThatOfTheScalars) {
    // All results of one row of write_out against the scalar conversions, bit for bit: ties,
    // subnormals, overflow, infinities, NaN.
    auto random = generator(13);
    for (DType dtype : {DType::bf16, DType::f16}) {
        const PanelKernels& kernels = panel_kernels(kernels_of(GetParam()), dtype);
        const int L = kernels.lanes, width = 512;
        Scalars o(4, width * L, 0), l(4, L, 1);
        std::vector<float> values;
        for (int i = 0; i < width * L; ++i) {
            std::uint32_t bits = static_cast<std::uint32_t>(random());
            if (i % 4 == 0) bits &= 0xffff'8000u;  // ties
            if (i % 4 == 1) bits = (bits & 0x807f'ffffu) | (90 + i % 60) << 23;
            float x;
            std::memcpy(&x, &bits, sizeof x);
            values.push_back(x);
            reinterpret_cast<float*>(o.data())[i] = x;
        }
        std::vector<std::uint16_t> out(static_cast<std::size_t>(L * width));
        kernels.write_out(o.data(), l.data(), L, width, out.data(), width * 2);
        int wrong = 0;
        for (int lane = 0; lane < L; ++lane)
            for (int d = 0; d < width; ++d) {
                const float x = values[static_cast<std::size_t>(d * L + lane)];
                const std::uint16_t got = out[static_cast<std::size_t>(lane * width + d)];
                const std::uint16_t expected =
                    dtype == DType::bf16 ? float_to_bf16(x) : float_to_f16(x);
                const float back = dtype == DType::bf16 ? bf16_to_float(got) : f16_to_float(got);
                wrong += std::isnan(x) ? !std::isnan(back) : got != expected;
            }
        EXPECT_EQ(wrong, 0) << name_of(dtype);
    }
}

TEST_P(MicroKernelTest, SumsAndPeaks) {
    const IsaKernels& kernels = kernels_of(GetParam());
    EXPECT_EQ(kernels.isa, GetParam());
    EXPECT_GT(kernels.fma_loop(10), 0);
    EXPECT_EQ(kernels.bf16_dot_loop != nullptr, GetParam() == Isa::avx512_bf16);
    Scalars words(4, 512, 0);
    for (int i = 0; i < 512; ++i) words.set(i, i);
    EXPECT_EQ(kernels.sum_words(words.data(), 2048), 511 * 256.f);
}

}  // namespace
}  // namespace flexion::cpu::test
