// SPDX-License-Identifier: Apache-2.0
// The vjp column: against finite differences where ops are smooth, against torch's rules elsewhere.
#include "ir/vjp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "ir/interpret.h"
#include "ir/op.h"
#include "ir/text.h"
#include "seed.h"

namespace flexion::ir {
namespace {

using Gradients = std::array<std::optional<double>, 3>;

/// f64 function of three scalars that returns op(x, y, z), and the row's gradients for g.
/// `operands`: values; select's condition is x != 0.
class VjpRow {
public:
    VjpRow(Op op, std::array<double, 3> operands, double g)
        : op_(op), tracer_(Role::score_mod, Type::f64) {
        Captures captures;
        std::array<Expr, 4> scalars{0.0, 0.0, 0.0, 0.0};
        for (std::size_t i = 0; i < 4; ++i) {
            scalars[i] = scalar(i < 3 ? operands[i] : g);
        }
        Expr x = scalars[0], y = scalars[1], z = scalars[2];
        if (op == Op::select) x = x != 0;
        const std::array<Expr, 3> all{x, y, z};
        std::vector<Value> args;
        for (int i = 0; i < info(op).arity; ++i) {
            args.push_back(tracer_.value(all[static_cast<std::size_t>(i)], "test"));
        }
        const Expr r = tracer_.wrap(tracer_.builder().emit(op, args, Type::f64));
        expand(scalars[3], r, x, y, z);
        // All results in one function: the value, then each gradient.
        std::vector<Value> ids{tracer_.value(to_float(r), "test")};
        for (const auto& gradient : gradients_) {
            if (gradient) ids.push_back(tracer_.value(*gradient, "test"));
        }
        Function& f = tracer_.builder().function();
        for (const Value id : ids) f.results.push_back({id, -1, {}});
        tracer_.builder().finish();
        for (std::size_t i = 0; i < 4; ++i) {
            captures.scalars.push_back({false, 0, i < 3 ? operands[i] : g});
        }
        verify(f);
        Interpreter interpreter(f, captures, Precision::typed);
        const auto& columns = interpreter.run({.count = 1});
        value = columns[0].real[0];
        std::size_t next = 1;
        for (std::size_t i = 0; i < 3; ++i) {
            if (gradients_[i]) gradients[i] = columns[next++].real[0];
        }
    }

    double value = 0;
    Gradients gradients;

private:
    template <class... G>
    void take(const G&... given) {
        std::size_t i = 0;
        const auto one = [&]<class T>(const T& gradient) {
            if constexpr (std::is_same_v<T, Expr>) gradients_[i] = gradient;
            ++i;
        };
        (one(given), ...);
        EXPECT_EQ(i, static_cast<std::size_t>(info(op_).arity))
            << info(op_).name << " has a gradient or `none` for each operand";
    }

    void expand(const Expr& g, const Expr& r, const Expr& x, const Expr& y, const Expr& z) {
        static_cast<void>(g), static_cast<void>(r);
        static_cast<void>(x), static_cast<void>(y), static_cast<void>(z);
        switch (op_) {
#define FLEXION_OP(name, arity, signature, ulp, eval, llvm_float, llvm_int, cuda, interval, ...) \
    case Op::name:                                                                               \
        take(__VA_ARGS__);                                                                       \
        break;
#include "ir/ops.def"
#undef FLEXION_OP
            default:
                break;
        }
    }

    Op op_;
    Tracer tracer_;
    std::array<std::optional<Expr>, 3> gradients_;
};

bool takes_reals(Op op) { return accepts(info(op).signature, Type::f64); }

TEST(Vjp, AgreesWithFiniteDifferences) {
    auto random = test::generator(3);
    std::uniform_real_distribution<double> between(0.3, 1.7);
    for (int i = kFirstTableOp; i < op_count(); ++i) {
        const Op op = static_cast<Op>(i);
        if (!takes_reals(op)) continue;
        for (int trial = 0; trial < 30; ++trial) {
            std::array<double, 3> at{between(random), between(random), between(random)};
            if (op == Op::clamp && at[1] > at[2]) std::swap(at[1], at[2]);
            const double g = between(random);
            const VjpRow row(op, at, g);
            for (int k = 0; k < info(op).arity; ++k) {
                const auto index = static_cast<std::size_t>(k);
                if (!row.gradients[index]) continue;
                constexpr double kStep = 1e-6;
                auto up = at, down = at;
                up[index] += kStep;
                down[index] -= kStep;
                const VjpRow above(op, up, g), below(op, down, g);
                // A step over an edge of min, floor or remainder is no derivative.
                const double slope = (above.value - below.value) / (2 * kStep);
                if (std::fabs(slope) > 1e4) continue;
                EXPECT_NEAR(*row.gradients[index], g * slope, 1e-6 * (1 + std::fabs(slope)))
                    << info(op).name << " operand " << k << " at " << at[0] << ", " << at[1] << ", "
                    << at[2];
            }
        }
    }
}

TEST(Vjp, NothingFlowsThroughSteps) {
    for (const Op op : {Op::floor, Op::ceil, Op::round, Op::trunc, Op::floordiv, Op::truncdiv,
                        Op::eq, Op::lt, Op::isnan}) {
        for (const auto& gradient : VjpRow(op, {1.5, 0.5, 0}, 1).gradients) {
            EXPECT_FALSE(gradient.has_value()) << info(op).name;
        }
    }
}

/// What torch 2.13 gives for g = 2.
TEST(Vjp, EdgesAreTorchs) {
    constexpr double kNan = NAN;
    const struct {
        Op op;
        std::array<double, 3> at;
        std::array<double, 3> expected;
    } cases[] = {
        {Op::max, {1, 1, 0}, {1, 1, 0}},
        {Op::min, {1, 1, 0}, {1, 1, 0}},
        {Op::max, {2, 1, 0}, {2, 0, 0}},
        {Op::min, {2, 1, 0}, {0, 2, 0}},
        {Op::max, {kNan, 1, 0}, {2, 2, 0}},
        {Op::abs, {0, 0, 0}, {0, 0, 0}},
        {Op::abs, {-3, 0, 0}, {-2, 0, 0}},
        {Op::clamp, {1, 1, 3}, {2, 0, 0}},
        {Op::clamp, {3, 1, 3}, {2, 0, 0}},
        {Op::clamp, {0, 1, 3}, {0, 2, 0}},
        {Op::clamp, {4, 1, 3}, {0, 0, 2}},
        {Op::clamp, {4, 3, 1}, {0, 0, 2}},
        {Op::pow, {0, 0, 0}, {0, 0, 0}},
        {Op::pow, {0, 2, 0}, {0, 0, 0}},
        {Op::pow, {3, 0, 0}, {0, 2 * std::log(3.0), 0}},
        {Op::pow, {-2, 2, 0}, {-8, kNan, 0}},
        {Op::select, {1, 5, 7}, {0, 2, 0}},
        {Op::select, {0, 5, 7}, {0, 0, 2}},
        {Op::mod, {7, 2, 0}, {2, -6, 0}},
        {Op::mod, {-7, 2, 0}, {2, 8, 0}},
        {Op::rem, {-7, 2, 0}, {2, 6, 0}},
        {Op::sqrt, {0, 0, 0}, {INFINITY, 0, 0}},
        {Op::div, {6, 3, 0}, {2.0 / 3, -4.0 / 3, 0}},
    };
    for (const auto& c : cases) {
        const VjpRow row(c.op, c.at, 2);
        for (std::size_t k = 0; k < 3; ++k) {
            const double got = row.gradients[k].value_or(0);
            if (std::isnan(c.expected[k])) {
                EXPECT_TRUE(std::isnan(got)) << info(c.op).name << " operand " << k;
            } else {
                EXPECT_DOUBLE_EQ(got, c.expected[k])
                    << info(c.op).name << "(" << c.at[0] << ", " << c.at[1] << ") operand " << k;
            }
        }
    }
}

TEST(Vjp, CastPassesTheGradientInTheOperandsType) {
    Tracer tracer(Role::score_mod, Type::f64);
    const Expr x = tracer.wrap(tracer.builder().constant_float(1, Type::f32));
    const Expr g = tracer.parameter(0);
    const Expr back = cast_like(g, x);
    EXPECT_EQ(tracer.builder().type(back.id()), Type::f32);
    EXPECT_EQ(cast_like(g, g).id(), g.id());
}

}  // namespace
}  // namespace flexion::ir
