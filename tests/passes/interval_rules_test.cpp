// SPDX-License-Identifier: Apache-2.0
// Every op's interval rule contains what the op gives on members of its operands.
#include <gtest/gtest.h>

#include "ir/evaluate.h"
#include "ir/op.h"
#include "passes/interval/interval.h"
#include "passes/special_values.h"
#include "seed.h"

namespace flexion::passes {
namespace {

using ir::Op;
using ir::Type;
using test::between;

bool contains(const Interval& interval, Type type, std::uint64_t bits) {
    if (!ir::is_float(type)) {
        const std::int64_t x = test::integer_from(type, bits);
        return interval.lo <= x && x <= interval.hi;
    }
    const double x = test::real_from(type, bits);
    return std::isnan(x) ? interval.nan : interval.contains(x);
}

/// The smallest interval of some values.
Interval around(Type type, const std::vector<std::uint64_t>& values) {
    Interval result =
        ir::is_float(type) ? reals(kInfinity, -kInfinity) : integers(INT64_MAX, INT64_MIN);
    for (std::uint64_t bits : values) {
        if (!ir::is_float(type)) {
            const std::int64_t x = test::integer_from(type, bits);
            result = hull(result, integers(x, x));
        } else if (const double x = test::real_from(type, bits); std::isnan(x)) {
            result.nan = true;
        } else {
            result = hull(result, reals(x, x));
        }
    }
    return result;
}

class IntervalRules : public testing::TestWithParam<int> {};

TEST_P(IntervalRules, ContainWhatTheOpGives) {
    const Op op = static_cast<Op>(GetParam());
    const ir::OpInfo& info = ir::info(op);
    auto random = test::generator(GetParam());
    int checked = 0;
    for (Type type : test::kTypes) {
        for (Type target : test::kTypes) {
            const bool is_cast = info.signature == ir::Signature::cast;
            if (!ir::array_kernel(op, type, target) || (!is_cast && target != Type::f32)) continue;
            std::vector<Type> types(info.arity, type);
            if (info.signature == ir::Signature::select) types[0] = Type::boolean;
            const Type result = *ir::result_type(op, types, target);
            for (int trial = 0; trial < test::scaled(1000); ++trial) {
                // Few members make points and narrow intervals likely.
                const auto members = static_cast<std::size_t>(between(random, 1, 3));
                std::vector<std::vector<std::uint64_t>> choices(info.arity);
                Operands o{op, type, result};
                Interval* const slots[] = {&o.x, &o.y, &o.z};
                for (int i = 0; i < info.arity; ++i) {
                    const auto pool = test::special_bits(types[i]);
                    while (choices[i].size() < members)
                        choices[i].push_back(pool[between(random, 0, pool.size() - 1)]);
                    *slots[i] = around(types[i], choices[i]);
                    for (std::uint64_t bits : pool) {
                        if (members > 1 && contains(*slots[i], types[i], bits))
                            choices[i].push_back(bits);
                    }
                }
                const Interval bounds = interval_rule(op)(o);
                for (int sample = 0; sample < 30; ++sample) {
                    std::array<std::uint64_t, 3> args{};
                    for (int i = 0; i < info.arity; ++i)
                        args[i] = choices[i][between(random, 0, choices[i].size() - 1)];
                    const auto value = ir::evaluate(
                        op, type, result, {args.data(), static_cast<std::size_t>(info.arity)});
                    ++checked;
                    ASSERT_TRUE(contains(bounds, result, value))
                        << info.name << " on " << ir::name_of(type) << std::hex << ": " << args[0]
                        << ", " << args[1] << ", " << args[2] << " gives " << value << std::dec
                        << ", not in [" << bounds.lo << ", " << bounds.hi << "] or ["
                        << bounds.least << ", " << bounds.greatest << "] nan " << bounds.nan;
                }
            }
        }
    }
    EXPECT_GT(checked, 0);
}

INSTANTIATE_TEST_SUITE_P(Ops, IntervalRules, testing::Range(ir::kFirstTableOp, ir::op_count()),
                         [](const auto& instance) {
                             return ir::info(static_cast<Op>(instance.param)).name;
                         });

/// What masks compare stays exact: single values in, a single value out.
TEST(IntervalRules, PointsOfExactOpsStayPoints) {
    for (Op op : {Op::add, Op::sub, Op::mul, Op::floordiv, Op::mod, Op::min, Op::max, Op::abs}) {
        const auto three = integers(3, 3), minus = integers(-5, -5);
        const Interval r = interval_rule(op)({op, Type::i32, Type::i32, minus, three});
        EXPECT_EQ(r.lo, r.hi) << ir::info(op).name;
        const Interval f =
            interval_rule(op)({op, Type::f32, Type::f32, reals(-5, -5), reals(3, 3)});
        EXPECT_EQ(f.least, f.greatest) << ir::info(op).name;
        EXPECT_FALSE(f.nan);
    }
}

}  // namespace
}  // namespace flexion::passes
