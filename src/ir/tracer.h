// SPDX-License-Identifier: Apache-2.0
// The trace that Expr's operators append to: a function under construction and what it captures.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include <flexion/expr.h>

#include "ir/builder.h"
#include "ir/function.h"

namespace flexion {

/// A function with what it reads. The identities, one for each capture, let two mods that captured
/// the same Buffer or Scalar share it when one is called inside the other.
struct Traced {
    ir::Function function;
    Captures captures;
    std::vector<std::shared_ptr<const void>> buffer_identities;
    std::vector<std::shared_ptr<const void>> scalar_identities;
    std::uint64_t hash = 0;  ///< structural_hash(function)
};

/// UserError when no mod can read `view`: rank, dtype, extents, memory.
void check_capture(const char* where, const TensorView& view);

/// While it lives, the innermost Tracer of this thread is what Expr's operators append to. A stack:
/// a mod may trace another one.
class Tracer {
public:
    Tracer(ir::Role role, ir::Type score_type);
    /// Continues `f`, whose values Expr::value(id) then names. Captures cannot be added.
    explicit Tracer(ir::Function f);
    ~Tracer();
    Tracer(const Tracer&) = delete;
    Tracer& operator=(const Tracer&) = delete;

    /// The innermost one; UserError that names `what` where there is none.
    static Tracer& current(const char* what);

    std::uint64_t serial() const { return serial_; }
    ir::Builder& builder() { return builder_; }
    Expr parameter(int number) const { return wrap(static_cast<ir::Value>(number)); }
    Expr wrap(ir::Value v) const;

    /// UserError when the value belongs to another trace.
    ir::Operand operand(const Expr& e, const char* what) const;
    ir::Value value(const Expr& e, const char* what);
    Expr apply(ir::Op op, std::initializer_list<Expr> operands);

    int capture(const std::shared_ptr<const TensorView>& view);
    Expr capture(const Scalar& scalar);
    /// The buffer of a capture that another front end knows by `identity`.
    int capture_buffer(const std::shared_ptr<const void>& identity, const TensorView& view);
    /// A run-time scalar of its own, whatever its value.
    Expr add_scalar(const ScalarValue& value, ir::Type type);
    /// Calls `callee` with these built-in arguments; returns its first result.
    Expr call(const Traced& callee, std::initializer_list<Expr> arguments, const char* what);

    /// The function as built so far with `result` as its only result, hashed; the trace is spent.
    Traced finish(ir::Value result);
    /// Mods of what another front end traced: the role and the score's type must be right.
    static ScoreMod score_mod(Traced traced);
    static MaskMod mask_mod(Traced traced);
    ir::Function take_function();

private:
    ir::Value capture_scalar(const std::shared_ptr<const void>& identity, const ScalarValue& value);
    ir::Value append_scalar(const std::shared_ptr<const void>& identity, const ScalarValue& value,
                            ir::Type type);

    Traced traced_;
    ir::Builder builder_;
    std::vector<ir::Value> scalars_;  // of each captured scalar
    std::uint64_t serial_;
    Tracer* outer_;
};

}  // namespace flexion
