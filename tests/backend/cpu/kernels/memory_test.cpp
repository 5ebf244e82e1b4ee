// SPDX-License-Identifier: Apache-2.0
// What the forward pass must not touch: memory past the tensors, blocks that no query visits; and
// what it must reach: elements more than 2^31 away.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>

#include "backend/cpu/kernels/forward_case.h"
#include "backend/cpu/kernels/guarded.h"
#include "seed.h"

namespace flexion::cpu::test {
namespace {

using flexion::test::between;
using flexion::test::generator;

constexpr DType kFloats[] = {DType::f32, DType::f64, DType::bf16, DType::f16};

class MemoryTest : public ::testing::TestWithParam<Isa> {};
INSTANTIATE_TEST_SUITE_P(All, MemoryTest, ::testing::ValuesIn(runnable_isas()),
                         [](const auto& info) { return name_of(info.param); });

TEST_P(MemoryTest, NothingPastTheTensorsIsTouched) {
    auto random = generator(31);
    for (DType dtype : kFloats)
        for (std::int64_t sq : {1, 3, 37, 130})
            for (std::int64_t d : {1, 5, 16, 63, 72}) {
                Case c{
                    .dtype = dtype, .Hq = 2, .Hkv = 1, .Sq = sq, .Skv = 131, .D = d, .Dv = d + 2};
                Data data(c, random);
                plan::LaunchArgs args = data.args(c);
                std::vector<std::unique_ptr<Guarded>> memory;
                const auto guard = [&](TensorView& view, const std::vector<char>& bytes) {
                    memory.push_back(std::make_unique<Guarded>(bytes.size()));
                    std::memcpy(memory.back()->data(), bytes.data(), bytes.size());
                    view.data = memory.back()->data();
                };
                guard(args.q, data.q.bytes), guard(args.k, data.k.bytes);
                guard(args.v, data.v.bytes), guard(args.out, data.out.bytes);
                forward_on(GetParam(), args, c);
                expect_right(c, args);
            }
}

TEST_P(MemoryTest, BlocksThatNoQueryVisitsMayBeUnmapped) {
    auto random = generator(32);
    const std::int64_t page = sysconf(_SC_PAGESIZE);
    for (DType dtype : kFloats)
        for (std::int64_t sq : {2, 150})
            for (int turn = 0; turn < 4; ++turn) {
                const std::int64_t D = 64, block = page / (D * size_of(dtype));
                Case c{.dtype = dtype, .Sq = sq, .Skv = block * 9 - 3};
                c.mask = hand::Mask::speckled;
                // Whole columns of blocks that nobody visits, among others of all kinds.
                const std::int64_t rows = (sq + 15) / 16, cols = 9;
                std::vector<std::uint8_t> kinds(static_cast<std::size_t>(rows * cols));
                bool visited[9];
                for (bool& v : visited) v = between(random, 0, 1) == 1;
                for (std::size_t i = 0; i < kinds.size(); ++i)
                    kinds[i] =
                        visited[i % 9] ? static_cast<std::uint8_t>(between(random, 0, 2)) : 0;
                c.block_mask = mask_of_kinds(kinds, 1, 1, {16, block}, sq, c.Skv, MaskMod());
                Data data(c, random);
                plan::LaunchArgs args = data.args(c);
                Sparse k(static_cast<std::size_t>(9 * page)), v(static_cast<std::size_t>(9 * page));
                std::memcpy(k.data(), data.k.bytes.data(), data.k.bytes.size());
                std::memcpy(v.data(), data.v.bytes.data(), data.v.bytes.size());
                args.k.data = k.data(), args.v.data = v.data();
                for (int col = 0; col < 9; ++col) {
                    bool any = false;
                    for (std::int64_t row = 0; row < rows; ++row)
                        any |= kinds[static_cast<std::size_t>(row * cols + col)] != 0;
                    if (any) continue;
                    mprotect(k.data() + col * page, static_cast<std::size_t>(page), PROT_NONE);
                    mprotect(v.data() + col * page, static_cast<std::size_t>(page), PROT_NONE);
                }
                forward_on(GetParam(), args, c);
                expect_right(c, args);
            }
}

TEST_P(MemoryTest, OffsetsPastTwoToTheThirtyOne) {
    auto random = generator(33);
    for (DType dtype : kFloats)
        for (std::int64_t sq : {2, 40}) {
            Case c{.dtype = dtype, .Hq = 2, .Hkv = 2, .Sq = sq, .Skv = 40, .D = 8, .Dv = 8};
            Data data(c, random);
            plan::LaunchArgs args = data.args(c);
            // 2^26 elements from row to row: the 40th row of the second head is past 2^32.
            const std::int64_t row = std::int64_t{1} << 26;
            std::vector<std::unique_ptr<Sparse>> memory;
            const auto spread = [&](TensorView& view) {
                const TensorView dense = view;
                view.strides = {0, view.shape[2] * row, row, 1};
                const std::int64_t count = view.shape[1] * view.shape[2] * row;
                memory.push_back(
                    std::make_unique<Sparse>(static_cast<std::size_t>(count * size_of(dtype))));
                view.data = memory.back()->data();
                for (std::int64_t h = 0; h < view.shape[1]; ++h)
                    for (std::int64_t s = 0; s < view.shape[2]; ++s)
                        for (std::int64_t d = 0; d < view.shape[3]; ++d)
                            set_element(view, 0, h, s, d, element(dense, 0, h, s, d));
            };
            spread(args.q), spread(args.k), spread(args.v), spread(args.out);
            forward_on(GetParam(), args, c);
            expect_right(c, args);
        }
}

TEST_P(MemoryTest, NegativeAndZeroStrides) {
    auto random = generator(34);
    for (std::int64_t sq : {2, 40}) {
        Case c{.Hq = 2, .Hkv = 2, .Sq = sq, .Skv = 50, .D = 16, .Dv = 16};
        Data data(c, random);
        plan::LaunchArgs args = data.args(c);
        // Keys backwards; one value row for all keys of a head.
        args.k.data = static_cast<char*>(args.k.data) + (c.Skv - 1) * args.k.strides[2] * 4;
        args.k.strides[2] = -args.k.strides[2];
        args.v.strides[2] = 0;
        forward_on(GetParam(), args, c);
        expect_right(c, args);
    }
}

}  // namespace
}  // namespace flexion::cpu::test
