// SPDX-License-Identifier: Apache-2.0
// The functions of the backward pass against double: products that are added, packing in columns,
// sums over tiles of gradients.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "backend/cpu/kernels/matrices.h"
#include "backend/cpu/kernels/micro/kernels.h"
#include "seed.h"

namespace flexion::cpu::test {
namespace {

using flexion::test::between;
using flexion::test::generator;

class BackwardKernelTest : public ::testing::TestWithParam<Isa> {
protected:
    void check_columns(DType dtype, int rows, int queries, int width, std::mt19937_64& random);
    void check_steps(DType dtype, int rows, int width, std::mt19937_64& random);
    void check_tiles(DType dtype, int rows, int lanes, std::mt19937_64& random);
};
INSTANTIATE_TEST_SUITE_P(All, BackwardKernelTest, ::testing::ValuesIn(runnable_isas()),
                         [](const auto& info) { return name_of(info.param); });

/// dV += P^T dO by columns of dO, and the result as rows.
void BackwardKernelTest::check_columns(DType dtype, int rows, int queries, int width,
                                       std::mt19937_64& random) {
    SCOPED_TRACE(std::string(name_of(dtype)) + " rows " + std::to_string(rows) + " queries " +
                 std::to_string(queries) + " width " + std::to_string(width));
    const PanelKernels& panel = panel_kernels(kernels_of(GetParam()), dtype);
    const BackwardKernels& kernels = backward_kernels(kernels_of(GetParam()), dtype);
    const int L = panel.lanes, e = panel.step_elements, bytes = panel.scalar_bytes;
    const int padded = (queries + L - 1) / L * L, columns = (width + L - 1) / L;
    const Matrix d_out(dtype, queries, width, 3, random);
    // P in rows: bf16 where a step is a pair, scalars elsewhere.
    const DType p_type = e == 2 ? DType::bf16 : bytes == 8 ? DType::f64 : DType::f32;
    const Matrix p(p_type, rows, padded, 8, random);
    Scalars packed(bytes, columns * (padded / e) * L, 99);
    kernels.pack_columns(d_out.data(), d_out.stride, queries, padded, width, packed.data());

    Scalars sums(bytes, columns * rows * L, 0), before(bytes, columns * rows * L, 0);
    sums.randomise(random);
    for (int i = 0; i < columns * rows * L; ++i) before.set(i, sums[i]);
    std::vector<char> soon(4096);
    Ahead ahead{};
    ahead.region[0] = {soon.data(), 256, 4, 16};
    kernels.add_rows(
        p.data(), p.stride, rows, padded / e, packed.data(), sums.data(),
        {columns, std::int64_t{padded} / e * L * bytes, std::int64_t{rows} * L * bytes}, &ahead, 3);
    const Matrix out(dtype, rows, width, 5, random);
    kernels.write_columns(sums.data(), rows, rows, width, 0.5, out.view.data, out.stride);
    const double rounding = dtype == DType::bf16 ? 4e-3 : dtype == DType::f16 ? 5e-4 : 0;
    for (int n = 0; n < rows; ++n) {
        for (int d = 0; d < width; ++d) {
            const std::int64_t at = (std::int64_t{d / L} * rows + n) * L + d % L;
            double want = before[at], weight = std::fabs(want);
            for (int q = 0; q < queries; ++q) {
                want += p(n, q) * d_out(q, d);
                weight += std::fabs(p(n, q) * d_out(q, d));
            }
            ASSERT_NEAR(sums[at], want, fine(bytes) * weight) << n << " " << d;
            ASSERT_NEAR(out(n, d), want / 2, fine(bytes) * weight + rounding * std::fabs(want));
        }
    }
}

TEST_P(BackwardKernelTest, ProductsByColumns) {
    std::mt19937_64 random = generator(91);
    for (const DType dtype : kFloats) {
        for (const int rows : {1, 5, 6, 7, 32, 45, 128})
            check_columns(dtype, rows, between(random, 1, 70), between(random, 1, 80), random);
        for (const int width : {1, 15, 16, 17, 32, 33, 64})
            check_columns(dtype, between(random, 1, 20), between(random, 1, 70), width, random);
    }
}

/// dQ^T += K^T dS^T.
void BackwardKernelTest::check_steps(DType dtype, int rows, int width, std::mt19937_64& random) {
    const PanelKernels& panel = panel_kernels(kernels_of(GetParam()), dtype);
    const BackwardKernels& kernels = backward_kernels(kernels_of(GetParam()), dtype);
    if (panel.step_elements != 1) return;  // one product with accumulate(), whose test makes pairs
    const int L = panel.lanes, bytes = panel.scalar_bytes;
    const Matrix k(bytes == 8 ? DType::f64 : DType::f32, rows, width, 4, random);
    const int stride = L * between(random, 1, 3);
    Scalars ds(bytes, rows * stride, 0), sums(bytes, width * L, 0), before(bytes, width * L, 0);
    ds.randomise(random), sums.randomise(random);
    const bool add = between(random, 0, 1) == 1;
    for (int i = 0; i < width * L && add; ++i) before.set(i, sums[i]);
    kernels.sum_steps(k.data(), k.stride, rows, width, ds.data(), std::int64_t{stride} * bytes,
                      sums.data(), add);
    for (int d = 0; d < width; ++d) {
        for (int lane = 0; lane < L; ++lane) {
            double want = before[d * L + lane], weight = std::fabs(want);
            for (int n = 0; n < rows; ++n) {
                want += k(n, d) * ds[n * stride + lane];
                weight += std::fabs(k(n, d) * ds[n * stride + lane]);
            }
            ASSERT_NEAR(sums[d * L + lane], want, fine(bytes) * weight);
        }
    }
}

TEST_P(BackwardKernelTest, ProductsByStepsAreAdded) {
    std::mt19937_64 random = generator(92);
    for (const DType dtype : kFloats)
        for (const int width : {1, 5, 6, 7, 64, 97})
            check_steps(dtype, between(random, 1, 40), width, random);
}

void BackwardKernelTest::check_tiles(DType dtype, int rows, int lanes, std::mt19937_64& random) {
    SCOPED_TRACE("rows " + std::to_string(rows) + " lanes " + std::to_string(lanes));
    const PanelKernels& panel = panel_kernels(kernels_of(GetParam()), dtype);
    const BackwardKernels& kernels = backward_kernels(kernels_of(GetParam()), dtype);
    const int L = panel.lanes, bytes = panel.scalar_bytes, room = rows + 3 * L;
    const double error = fine(bytes) * rows;
    Scalars v(bytes, rows * L, 0), sums(bytes, room, 99);
    for (int r = 0; r < rows; ++r)
        for (int i = 0; i < lanes; ++i) v.set(r * L + i, between(random, -500, 500) / 100.0);

    kernels.sum_over_rows(v.data(), rows, sums.data());
    for (int i = 0; i < L; ++i) {
        double want = 0;
        for (int r = 0; r < rows; ++r) want += v[r * L + i];
        ASSERT_NEAR(sums[i], want, error);
    }
    kernels.sum_over_lanes(v.data(), rows, sums.data());
    for (int r = 0; r < rows; ++r) {
        double want = 0;
        for (int i = 0; i < L; ++i) want += v[r * L + i];
        ASSERT_NEAR(sums[r], want, error);
    }
    Scalars scratch(bytes, kDiagonalSums * room, 99);
    kernels.sum_over_diagonals(v.data(), rows, sums.data(), scratch.data());
    for (int at = 0; at < rows + lanes - 1; ++at) {
        double want = 0;
        for (int r = 0; r < rows; ++r) {
            const int lane = at - (rows - 1) + r;
            if (lane >= 0 && lane < lanes) want += v[r * L + lane];
        }
        ASSERT_NEAR(sums[at], want, error) << at;
    }
    // Added where they belong, and nowhere else.
    const int step = rows + 5;
    Scalars plane(bytes, lanes * step, 1);
    kernels.add_transposed(v.data(), rows, lanes, plane.data(), step);
    for (int i = 0; i < lanes; ++i)
        for (int r = 0; r < step; ++r)
            ASSERT_NEAR(plane[i * step + r], 1 + (r < rows ? v[r * L + i] : 0), error);
    std::vector<std::int32_t> offsets(static_cast<std::size_t>(rows * L));
    std::vector<double> want(7, 0);
    for (std::size_t i = 0; i < offsets.size(); ++i) {
        offsets[i] = static_cast<std::int32_t>(between(random, 0, 6));
        want[static_cast<std::size_t>(offsets[i])] += v[static_cast<std::int64_t>(i)];
    }
    Scalars table(bytes, 7, 0);
    kernels.add_scattered(v.data(), offsets.data(), rows * L, table.data());
    for (int i = 0; i < 7; ++i) ASSERT_NEAR(table[i], want[static_cast<std::size_t>(i)], error * L);
}

TEST_P(BackwardKernelTest, TilesOfGradientsAreSummed) {
    std::mt19937_64 random = generator(93);
    for (const DType dtype : {DType::f32, DType::f64}) {
        const int L = panel_kernels(kernels_of(GetParam()), dtype).lanes;
        for (const int rows : {1, 2, 7, 8, 9, 16, 31, 100, 128})
            check_tiles(dtype, rows, static_cast<int>(between(random, 1, L)), random);
        check_tiles(dtype, 37, L, random);
    }
}

TEST_P(BackwardKernelTest, DotsOfRows) {
    std::mt19937_64 random = generator(94);
    for (const DType dtype : kFloats) {
        const PanelKernels& panel = panel_kernels(kernels_of(GetParam()), dtype);
        const BackwardKernels& kernels = backward_kernels(kernels_of(GetParam()), dtype);
        for (const int width : {1, 7, 8, 16, 33, 64}) {
            const Matrix x(dtype, 5, width, 1, random), y(dtype, 5, width, 2, random);
            Scalars sums(panel.scalar_bytes, 5, 99);
            kernels.row_dots(x.data(), x.stride, y.data(), y.stride, 5, width, sums.data());
            for (int r = 0; r < 5; ++r) {
                double want = 0, weight = 0;
                for (int d = 0; d < width; ++d) {
                    want += x(r, d) * y(r, d);
                    weight += std::fabs(x(r, d) * y(r, d));
                }
                ASSERT_NEAR(sums[r], want, fine(panel.scalar_bytes) * weight);
            }
        }
    }
}

}  // namespace
}  // namespace flexion::cpu::test
