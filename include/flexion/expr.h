// SPDX-License-Identifier: Apache-2.0
// The language in which score_mod and mask_mod are written in C++: a lambda over Expr is run once,
// each operator records one IR op, and the result is a function that the back ends compile.
//
//   auto alibi  = fx::score_mod([&](fx::Expr s, fx::Expr b, fx::Expr h, fx::Expr q, fx::Expr k) {
//       return s + slopes[h] * (k - q); });
//   auto causal = fx::mask_mod([](fx::Expr b, fx::Expr h, fx::Expr q, fx::Expr k) { return q >= k;
//   });
//
// Types: scores are f32 (f64 in an f64 problem), indices i32, comparisons bool. A C++ number takes
// the type of the value that it meets. True division of integers gives f32. `and`, `or`, `not` of
// C++ do not trace: write & | ~ (on bool logical, on integers bitwise). Semantics are total:
// see docs/ir.md.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <flexion/export.h>
#include <flexion/tensor.h>

namespace flexion {
class Tracer;
namespace ir {
struct Function;
enum class Op : std::uint8_t;
enum class Type : std::uint8_t;
}  // namespace ir
}  // namespace flexion

namespace FLEXION_PUBLIC flexion {

/// A value in the mod being traced, or a number that has not met a typed value yet.
class Expr {
public:
    Expr(double number);  // NOLINT(google-explicit-constructor): numbers mix with expressions
    Expr(float number) : Expr(static_cast<double>(number)) {}  // NOLINT
    template <std::integral T>
    Expr(T number) : Expr(Integer{static_cast<std::int64_t>(number)}) {}  // NOLINT
    Expr(bool flag);                                                      // NOLINT

    /// A typed value: id in the function under construction. For the front ends, not for users.
    static Expr value(std::uint32_t id);

    enum class Kind : std::uint8_t { value, integer, real, flag };
    Kind kind() const { return kind_; }
    std::uint32_t id() const { return id_; }           ///< of a value
    std::int64_t integer() const { return integer_; }  ///< of an integer; flag: 0 or 1
    double real() const { return real_; }              ///< of a real number
    std::uint64_t trace() const { return trace_; }     ///< of a value: the trace it belongs to

    explicit operator bool() const = delete;  // a data-dependent `if`: write where(cond, a, b)

private:
    friend class Tracer;
    struct Integer {
        std::int64_t value;
    };
    explicit Expr(Integer number);
    Expr() = default;
    Kind kind_ = Kind::real;
    std::uint32_t id_ = 0;
    union {
        std::int64_t integer_ = 0;
        double real_;
        std::uint64_t trace_;
    };
};

Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);  ///< true division; integers give f32
Expr operator%(Expr a, Expr b);  ///< the result takes the divisor's sign, as in Python
Expr operator-(Expr a);
Expr operator~(Expr a);  ///< logical on bool, bitwise on integers
Expr operator!(Expr a);
Expr operator&(Expr a, Expr b);
Expr operator|(Expr a, Expr b);
Expr operator^(Expr a, Expr b);
Expr operator<<(Expr a, Expr b);
Expr operator>>(Expr a, Expr b);
Expr operator==(Expr a, Expr b);
Expr operator!=(Expr a, Expr b);
Expr operator<(Expr a, Expr b);
Expr operator<=(Expr a, Expr b);
Expr operator>(Expr a, Expr b);
Expr operator>=(Expr a, Expr b);

Expr floordiv(Expr a, Expr b);  ///< rounds towards minus infinity
Expr truncdiv(Expr a, Expr b);  ///< rounds towards zero
Expr rem(Expr a, Expr b);       ///< sign of the dividend
Expr where(Expr condition, Expr a, Expr b);
Expr clamp(Expr x, Expr low, Expr high);
Expr min(Expr a, Expr b);
Expr max(Expr a, Expr b);
Expr pow(Expr a, Expr b);
Expr fma(Expr a, Expr b, Expr c);
Expr abs(Expr a);
Expr exp(Expr a);
Expr exp2(Expr a);
Expr expm1(Expr a);
Expr log(Expr a);
Expr log2(Expr a);
Expr log1p(Expr a);
Expr sqrt(Expr a);
Expr rsqrt(Expr a);
Expr tanh(Expr a);
Expr sigmoid(Expr a);
Expr sin(Expr a);
Expr cos(Expr a);
Expr erf(Expr a);
Expr floor(Expr a);
Expr ceil(Expr a);
Expr round(Expr a);  ///< half to even
Expr trunc(Expr a);
Expr isinf(Expr a);
Expr isnan(Expr a);
Expr to_float(Expr a);  ///< f32, or f64 in an f64 problem
Expr to_i32(Expr a);
Expr to_i64(Expr a);
Expr to_bool(Expr a);

/// A captured tensor, read inside mods by `buffer[i]`, `buffer[i][j]` or `buffer(i, j)`. Reading is
/// safe out of range: a negative index counts from the end once, then indices are clamped.
class Buffer {
public:
    /// An access with some of its indices given; becomes an Expr when all of them are.
    class Access {
    public:
        Access operator[](Expr index) const;
        operator Expr() const;  // NOLINT(google-explicit-constructor)

    private:
        friend class Buffer;
        std::shared_ptr<const TensorView> view_;
        std::vector<Expr> indices_;
    };
    Access operator[](Expr index) const;
    template <class... I>
    Expr operator()(I... index) const {
        return gather({Expr(index)...});
    }
    /// Reads at `indices`, one per dimension; UserError when the count is wrong.
    Expr gather(const std::vector<Expr>& indices) const;
    const TensorView& view() const { return *view_; }

private:
    friend Buffer buffer(const TensorView& view);
    std::shared_ptr<const TensorView> view_;  // identity of the capture
};

/// Captures a tensor of rank 0 to 6 and any DType. The memory is read at every call.
Buffer buffer(const TensorView& view);

/// A number that may change without recompiling: an argument of the kernel.
class Scalar {
public:
    operator Expr() const;  // NOLINT(google-explicit-constructor)

private:
    friend Scalar scalar(double value);
    friend Scalar scalar(std::int64_t value);
    struct Slot;
    std::shared_ptr<const Slot> slot_;
    friend class Tracer;
};
Scalar scalar(double value);        ///< f32 in the mod (f64 in an f64 problem)
Scalar scalar(std::int64_t value);  ///< i64 in the mod
inline Scalar scalar(int value) { return scalar(static_cast<std::int64_t>(value)); }

/// The value of a run-time scalar.
struct ScalarValue {
    bool is_integer = false;
    std::int64_t integer = 0;
    double real = 0;
};

/// What a mod reads besides its indices, in the order of its function's declarations.
struct Captures {
    std::vector<TensorView> buffers;
    std::vector<ScalarValue> scalars;
};

/// A traced score_mod(score, b, h, q, k) -> score. Empty means identity. Cheap to copy.
class ScoreMod {
public:
    using Callable = std::function<Expr(Expr score, Expr b, Expr h, Expr q, Expr k)>;
    ScoreMod() = default;
    /// Traces `callable` at once; UserError when it returns a bool or traces nothing typed.
    explicit ScoreMod(Callable callable);
    /// From IR text (docs/ir.md) and the buffers and scalars it declares, in order.
    static ScoreMod from_text(std::string_view text, Captures captures);

    explicit operator bool() const { return state_ != nullptr; }
    /// The function for scores of f32, or of f64 (traced at first use).
    const ir::Function& function(bool f64 = false) const;
    const Captures& captures(bool f64 = false) const;
    /// Where `buffer` stands in captures(f64).buffers, which has the order in which the compiler
    /// evaluated the callable; -1: not captured. Buffers of one view count as one, the first.
    int position(const Buffer& buffer, bool f64 = false) const;
    /// ir::structural_hash(function(f64)), computed when it was traced.
    std::uint64_t hash(bool f64 = false) const;
    Expr operator()(Expr score, Expr b, Expr h, Expr q, Expr k) const;

private:
    friend class Tracer;
    struct State;
    std::shared_ptr<State> state_;
};

/// A traced mask_mod(b, h, q, k) -> bool; true keeps the score. Empty means all true.
class MaskMod {
public:
    using Callable = std::function<Expr(Expr b, Expr h, Expr q, Expr k)>;
    MaskMod() = default;
    explicit MaskMod(Callable callable);
    static MaskMod from_text(std::string_view text, Captures captures);

    explicit operator bool() const { return state_ != nullptr; }
    const ir::Function& function() const;
    const Captures& captures() const;
    /// ir::structural_hash(function()), computed when it was traced.
    std::uint64_t hash() const;
    Expr operator()(Expr b, Expr h, Expr q, Expr k) const;

private:
    friend class Tracer;
    struct State;
    std::shared_ptr<State> state_;
};

template <class F>
ScoreMod score_mod(F&& f) {
    return ScoreMod(ScoreMod::Callable(std::forward<F>(f)));
}
template <class F>
MaskMod mask_mod(F&& f) {
    return MaskMod(MaskMod::Callable(std::forward<F>(f)));
}

MaskMod operator&(const MaskMod& a, const MaskMod& b);
MaskMod operator|(const MaskMod& a, const MaskMod& b);
MaskMod operator~(const MaskMod& a);
/// outer(inner(score, ...), ...)
ScoreMod compose(const ScoreMod& outer, const ScoreMod& inner);

}  // namespace flexion
