// SPDX-License-Identifier: Apache-2.0
// Every row of the table, on every type it takes, over special values and random ones, against an
// independent computation in wider arithmetic.
#include "ir/op.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "ir/evaluate.h"
#include "random_function.h"

namespace flexion::ir {
namespace {

using test::between;
using Wide = __int128;
using Long = long double;  // 64 bits of precision: an exact result rounds to 0.5 + 2^-10 ulp of f64

template <class T>
T wrapped(Wide value) {
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(value));
}

Wide floor_quotient(Wide x, Wide y) {
    const Wide quotient = x / y;
    return quotient * y != x && (x < 0) != (y < 0) ? quotient - 1 : quotient;
}

template <class T>
T power(T base, T exponent) {
    if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
    // base^exponent mod 2^width by the binary digits from the top.
    T result = 1;
    for (int bit = 62; bit >= 0; --bit) {
        result = wrapped<T>(Wide{result} * result);
        if ((std::int64_t{exponent} >> bit & 1) != 0) result = wrapped<T>(Wide{result} * base);
    }
    return result;
}

/// The value of an op of integers that yields an integer.
template <class T>
std::optional<T> expected_integer(Op op, Wide x, Wide y, Wide z) {
    const int width = sizeof(T) * 8;
    switch (op) {
        case Op::add:
            return wrapped<T>(x + y);
        case Op::sub:
            return wrapped<T>(x - y);
        case Op::mul:
            return wrapped<T>(x * y);
        case Op::neg:
            return wrapped<T>(-x);
        case Op::abs:
            return wrapped<T>(x < 0 ? -x : x);
        case Op::min:
            return static_cast<T>(x < y ? x : y);
        case Op::max:
            return static_cast<T>(x < y ? y : x);
        case Op::clamp:
            return static_cast<T>(z < y ? z : x < y ? y : x > z ? z : x);
        case Op::truncdiv:
            return y == 0 ? 0 : wrapped<T>(x / y);
        case Op::rem:
            return y == 0 ? 0 : wrapped<T>(x % y);
        case Op::floordiv:
            return y == 0 ? 0 : wrapped<T>(floor_quotient(x, y));
        case Op::mod:
            return y == 0 ? 0 : wrapped<T>(x - floor_quotient(x, y) * y);
        case Op::pow:
            return power<T>(static_cast<T>(x), static_cast<T>(y));
        case Op::bit_and:
            return static_cast<T>(x & y);
        case Op::bit_or:
            return static_cast<T>(x | y);
        case Op::bit_xor:
            return static_cast<T>(x ^ y);
        case Op::bit_not:
            return static_cast<T>(-x - 1);
        case Op::shl:
            return y < 0 || y >= width ? 0 : wrapped<T>(x * (Wide{1} << y));
        case Op::shr:
            if (y < 0 || y >= width) return x < 0 ? -1 : 0;
            return static_cast<T>(floor_quotient(x, Wide{1} << y));
        default:
            return std::nullopt;
    }
}

template <class V>
std::optional<bool> expected_comparison(Op op, V x, V y) {
    switch (op) {
        case Op::eq:
            return !(x < y) && !(y < x) && x == x && y == y;
        case Op::ne:
            return !(x == y);
        case Op::lt:
            return y > x;
        case Op::le:
            return y >= x;
        case Op::gt:
            return y < x;
        case Op::ge:
            return y <= x;
        default:
            return std::nullopt;
    }
}

std::optional<bool> expected_logical(Op op, bool x, bool y) {
    switch (op) {
        case Op::eq:
            return x == y;
        case Op::ne:
            return x != y;
        case Op::logical_and:
            return x ? y : false;
        case Op::logical_or:
            return x ? true : y;
        case Op::logical_xor:
            return x ? !y : y;
        case Op::logical_not:
            return x ? false : true;
        default:
            return std::nullopt;
    }
}

/// -1, 0 and 1 in the order that has -0 below +0.
int total_order(Long x, Long y) {
    if (x < y || (x == y && std::signbit(x) && !std::signbit(y))) return -1;
    return x > y || (x == y && !std::signbit(x) && std::signbit(y)) ? 1 : 0;
}

Long lower(Long x, Long y) {
    if (std::isnan(x) || std::isnan(y)) return NAN;
    return total_order(x, y) <= 0 ? x : y;
}
Long upper(Long x, Long y) {
    if (std::isnan(x) || std::isnan(y)) return NAN;
    return total_order(x, y) >= 0 ? x : y;
}

/// glibc's powl(-inf, -2^63) is inf, so signs are put on here.
Long signed_power(Long x, Long y) {
    const bool negate = std::signbit(x) && std::fabs(y) < 0x1p63L && fmodl(y, 2) != 0;
    if (x < 0 && std::isfinite(x) && y != truncl(y)) return NAN;
    const Long magnitude = powl(fabsl(x), y);
    return negate && y == truncl(y) ? -magnitude : magnitude;
}

/// The exact value of an op of reals, or very nearly. T: the type whose quotients are rounded.
template <class T>
std::optional<Long> expected_real(Op op, Long x, Long y, Long z) {
    const T quotient = static_cast<T>(x) / static_cast<T>(y);
    switch (op) {
        case Op::add:
            return x + y;
        case Op::sub:
            return x - y;
        case Op::mul:
            return x * y;
        case Op::div:
            return x / y;
        case Op::floordiv:
            return floorl(quotient);
        case Op::truncdiv:
            return truncl(quotient);
        case Op::rem:
            return fmodl(x, y);
        case Op::mod: {
            const Long rest = fmodl(x, y);
            return rest != 0 && std::signbit(rest) != std::signbit(y) ? rest + y : rest;
        }
        case Op::neg:
            return -x;
        case Op::abs:
            return std::signbit(x) ? -x : x;
        case Op::min:
            return lower(x, y);
        case Op::max:
            return upper(x, y);
        case Op::clamp:
            return lower(upper(x, y), z);
        case Op::pow:
            return signed_power(x, y);
        case Op::fma:
            return fmal(x, y, z);
        case Op::exp:
            return expl(x);
        case Op::exp2:
            return exp2l(x);
        case Op::expm1:
            return expm1l(x);
        case Op::log:
            return logl(x);
        case Op::log2:
            return log2l(x);
        case Op::log1p:
            return log1pl(x);
        case Op::sqrt:
            return sqrtl(x);
        case Op::rsqrt:
            return 1 / sqrtl(x);
        case Op::tanh:
            return tanhl(x);
        case Op::sigmoid:
            return 1 / (1 + expl(-x));
        case Op::sin:
            return sinl(x);
        case Op::cos:
            return cosl(x);
        case Op::erf:
            return erfl(x);
        case Op::floor:
            return floorl(x);
        case Op::ceil:
            return ceill(x);
        case Op::round:
            return roundevenl(x);
        case Op::trunc:
            return truncl(x);
        default:
            return std::nullopt;
    }
}

template <class T>
T value_of(std::uint64_t bits) {
    T value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

template <class T>
std::uint64_t bits_of(T value) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}

/// |got - exact| in units of the last place of `exact` in T; 0 for equal ones, NaNs included.
template <class T>
double ulps(T got, Long exact) {
    const T rounded = static_cast<T>(exact);
    if (std::isnan(rounded) || std::isnan(got))
        return std::isnan(rounded) && std::isnan(got) ? 0 : 1e30;
    if (got == rounded) return 0;
    if (std::isinf(got) || std::isinf(rounded)) return 1e30;
    const Long size =
        std::fmax(std::fabs(static_cast<Long>(rounded)), std::numeric_limits<T>::min());
    const Long unit = ldexpl(1, ilogbl(size) - (std::numeric_limits<T>::digits - 1));
    return static_cast<double>(fabsl(got - exact) / unit);
}

/// f32 is computed through double, f64 by the C library: their own bounds, not the compiled code's.
template <class T>
double allowed_ulps(const OpInfo& row) {
    if (row.ulp_f32 == 0) return 0.5 + 0x1p-9;
    return sizeof(T) == 4 ? 0.5 + 0x1p-9 : 4;
}

struct OpCase {
    Op op;
    Type type;
};
void PrintTo(const OpCase& c, std::ostream* out) {
    *out << ir::info(c.op).name << "." << name_of(c.type);
}

class OpTest : public testing::TestWithParam<OpCase> {
protected:
    Op op() const { return GetParam().op; }
    Type type() const { return GetParam().type; }

    std::uint64_t run(std::span<const std::uint64_t> bits, Type target) const {
        return evaluate(op(), type(), target,
                        bits.first(static_cast<std::size_t>(info(op()).arity)));
    }

    std::string describe(std::span<const std::uint64_t> bits) const {
        std::string text(info(op()).name);
        text.append(".").append(name_of(type()));
        for (int i = 0; i < info(op()).arity; ++i) {
            text += ' ';
            text += with_type(type(), [&]<class T>(std::type_identity<T>) {
                return std::to_string(value_of<T>(bits[static_cast<std::size_t>(i)]));
            });
        }
        return text;
    }

    template <class T>
    void check(std::span<const std::uint64_t> bits) const {
        if (op() == Op::cast) return check_casts<T>(bits[0]);
        if (op() == Op::select) return check_select(bits);
        const T x = value_of<T>(bits[0]), y = value_of<T>(bits[1]), z = value_of<T>(bits[2]);
        const std::uint64_t got = run(bits, type());
        if constexpr (std::is_same_v<T, bool>) {
            ASSERT_EQ(std::optional<bool>(got != 0), expected_logical(op(), x, y))
                << describe(bits);
        } else if (const auto truth = expected_comparison(op(), x, y)) {
            ASSERT_EQ(got, *truth ? 1u : 0u) << describe(bits);
        } else if constexpr (std::is_floating_point_v<T>) {
            check_real(bits, x, y, z, got);
        } else {
            const auto expected = expected_integer<T>(op(), x, y, z);
            ASSERT_TRUE(expected.has_value()) << "no expectation for " << info(op()).name;
            ASSERT_EQ(value_of<T>(got), *expected) << describe(bits);
        }
    }

    template <class T>
    void check_real(std::span<const std::uint64_t> bits, T x, T y, T z, std::uint64_t got) const {
        if (op() == Op::isnan) {
            ASSERT_EQ(got, !(x <= 0) && !(x >= 0) ? 1u : 0u) << describe(bits);
            return;
        }
        if (op() == Op::isinf) {
            const T top = std::numeric_limits<T>::max();
            ASSERT_EQ(got, x > top || x < -top ? 1u : 0u) << describe(bits);
            return;
        }
        const auto expected = expected_real<T>(op(), x, y, z);
        ASSERT_TRUE(expected.has_value()) << "no expectation for " << info(op()).name;
        ASSERT_LE(ulps(value_of<T>(got), *expected), allowed_ulps<T>(info(op())))
            << describe(bits) << " got " << value_of<T>(got) << " exact " << *expected;
        if (info(op()).ulp_f32 == 0 && *expected == 0) {  // signs of zeros
            ASSERT_EQ(std::signbit(value_of<T>(got)), std::signbit(*expected)) << describe(bits);
        }
    }

    template <class From>
    void check_casts(std::uint64_t bits) const {
        const From x = value_of<From>(bits);
        const auto cast = [&](Type target) {
            return evaluate(Op::cast, type(), target, {&bits, 1});
        };
        const std::string shown = "cast of " + std::to_string(x);
        ASSERT_EQ(cast(Type::boolean), x == From{} ? 0u : 1u) << shown;
        ASSERT_LE(ulps(value_of<float>(cast(Type::f32)), static_cast<Long>(x)), 0.5) << shown;
        ASSERT_LE(ulps(value_of<double>(cast(Type::f64)), static_cast<Long>(x)), 0.5) << shown;
        ASSERT_EQ(value_of<std::int32_t>(cast(Type::i32)), integer<std::int32_t>(x)) << shown;
        ASSERT_EQ(value_of<std::int64_t>(cast(Type::i64)), integer<std::int64_t>(x)) << shown;
    }

    template <class To, class From>
    static To integer(From x) {
        if constexpr (std::is_floating_point_v<From>) {
            if (std::isnan(x)) return 0;
            const Long whole = truncl(static_cast<Long>(x));
            if (whole > static_cast<Long>(std::numeric_limits<To>::max())) {
                return std::numeric_limits<To>::max();
            }
            if (whole < static_cast<Long>(std::numeric_limits<To>::min())) {
                return std::numeric_limits<To>::min();
            }
            return static_cast<To>(whole);
        } else {
            return wrapped<To>(x);
        }
    }

    void check_select(std::span<const std::uint64_t> bits) const {
        for (const std::uint64_t condition : {0, 1}) {
            const std::uint64_t operands[] = {condition, bits[1], bits[2]};
            ASSERT_EQ(run(operands, type()), condition != 0 ? bits[1] : bits[2]);
        }
    }
};

TEST_P(OpTest, EqualsAnIndependentComputation) {
    auto random =
        test::generator(static_cast<std::uint64_t>(op()) * 8 + static_cast<std::uint64_t>(type()));
    with_type(type(), [&]<class T>(std::type_identity<T>) {
        std::vector<std::uint64_t> specials;
        if constexpr (std::is_same_v<T, bool>) {
            specials = {0, 1};
        } else {
            for (const T x : test::special_values<T>()) specials.push_back(bits_of(x));
        }
        for (const std::uint64_t x : specials) {
            for (const std::uint64_t y : specials) {
                const std::uint64_t bits[] = {x, y, test::pick(random, specials)};
                check<T>(bits);
                if (HasFatalFailure()) return;
            }
        }
        for (int i = 0; i < 3000; ++i) {
            const std::uint64_t bits[] = {test::random_bits(random, type()),
                                          test::random_bits(random, type()),
                                          test::random_bits(random, type())};
            check<T>(bits);
            if (HasFatalFailure()) return;
        }
    });
}

std::vector<OpCase> all_cases() {
    std::vector<OpCase> cases;
    for (int i = kFirstTableOp; i < op_count(); ++i) {
        for (const Type type : {Type::f32, Type::f64, Type::i32, Type::i64, Type::boolean}) {
            const Op op = static_cast<Op>(i);
            if (accepts(info(op).signature, type)) cases.push_back({op, type});
        }
    }
    return cases;
}

INSTANTIATE_TEST_SUITE_P(Table, OpTest, testing::ValuesIn(all_cases()), [](const auto& each) {
    return std::string(ir::info(each.param.op).name).append("_").append(name_of(each.param.type));
});

// ---- the rows as data
// -----------------------------------------------------------------------------

TEST(OpTable, HasACodeColumnForEveryTypeItTakes) {
    for (const OpCase& c : all_cases()) {
        const OpInfo& row = info(c.op);
        EXPECT_NE(is_float(c.type) ? row.llvm_float : row.llvm_int, nullptr) << row.name;
        EXPECT_NE(array_kernel(c.op, c.type, Type::f32), nullptr) << row.name;
    }
}

TEST(OpTable, ColumnsNameEveryOperand) {
    for (int i = kFirstTableOp; i < op_count(); ++i) {
        const OpInfo& row = info(static_cast<Op>(i));
        for (const char* column : {row.llvm_float, row.llvm_int, row.cuda}) {
            if (column == nullptr) continue;
            for (int operand = 0; operand < 3; ++operand) {
                const bool named = std::string_view(column).find("$" + std::to_string(operand)) !=
                                   std::string_view::npos;
                EXPECT_EQ(named, operand < row.arity) << row.name << ": " << column;
            }
        }
    }
}

TEST(OpTable, FindsOpsByName) {
    for (int i = kFirstTableOp; i < op_count(); ++i) {
        EXPECT_EQ(find_op(info(static_cast<Op>(i)).name), static_cast<Op>(i));
    }
    EXPECT_EQ(find_op("load"), std::nullopt);
    EXPECT_EQ(find_op(""), std::nullopt);
}

TEST(OpTable, ResultTypes) {
    const auto type = [](Op op, std::vector<Type> args, Type target = Type::f32) {
        return result_type(op, args, target);
    };
    EXPECT_EQ(type(Op::add, {Type::i64, Type::i64}), Type::i64);
    EXPECT_EQ(type(Op::add, {Type::i64, Type::i32}), std::nullopt);
    EXPECT_EQ(type(Op::add, {Type::boolean, Type::boolean}), std::nullopt);
    EXPECT_EQ(type(Op::add, {Type::f32}), std::nullopt);
    EXPECT_EQ(type(Op::div, {Type::i32, Type::i32}), std::nullopt);
    EXPECT_EQ(type(Op::lt, {Type::f64, Type::f64}), Type::boolean);
    EXPECT_EQ(type(Op::eq, {Type::boolean, Type::boolean}), Type::boolean);
    EXPECT_EQ(type(Op::select, {Type::boolean, Type::i32, Type::i32}), Type::i32);
    EXPECT_EQ(type(Op::select, {Type::i32, Type::i32, Type::i32}), std::nullopt);
    EXPECT_EQ(type(Op::select, {Type::boolean, Type::boolean, Type::boolean}), Type::boolean);
    EXPECT_EQ(type(Op::cast, {Type::boolean}, Type::i64), Type::i64);
    EXPECT_EQ(type(Op::isnan, {Type::f32}), Type::boolean);
    EXPECT_EQ(type(Op::load, {Type::i32}), std::nullopt);
}

}  // namespace
}  // namespace flexion::ir
