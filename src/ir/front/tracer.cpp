// SPDX-License-Identifier: Apache-2.0
// The stack of traces of a thread, and captures by identity.
#include "ir/tracer.h"
#include "support/fail.h"

#include <atomic>
#include <span>

#include <flexion/error.h>

namespace flexion {
namespace {

thread_local Tracer* innermost = nullptr;

std::uint64_t next_serial() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

}  // namespace

struct Scalar::Slot {
    ScalarValue value;
};

Scalar scalar(double value) {
    Scalar s;
    s.slot_ = std::make_shared<const Scalar::Slot>(Scalar::Slot{{false, 0, value}});
    return s;
}

Scalar scalar(std::int64_t value) {
    Scalar s;
    s.slot_ = std::make_shared<const Scalar::Slot>(Scalar::Slot{{true, value, 0}});
    return s;
}

Scalar::operator Expr() const { return Tracer::current("flexion::Scalar").capture(*this); }

Expr Expr::value(std::uint32_t id) { return Tracer::current("flexion::Expr::value").wrap(id); }

Tracer::Tracer(ir::Role role, ir::Type score_type) : Tracer(ir::make_function(role, score_type)) {}

Tracer::Tracer(ir::Function f)
    : traced_{std::move(f), {}, {}, {}},
      builder_(traced_.function),
      serial_(next_serial()),
      outer_(innermost) {
    innermost = this;
}

Tracer::~Tracer() { innermost = outer_; }

Tracer& Tracer::current(const char* what) {
    if (innermost == nullptr) {
        flexion::fail<UserError>(
            "{} was used outside of a mod; expressions exist only while "
            "score_mod or mask_mod runs the lambda it was given",
            what);
    }
    return *innermost;
}

ir::Operand Tracer::operand(const Expr& e, const char* what) const {
    switch (e.kind()) {
        case Expr::Kind::integer:
            return ir::Operand::of_integer(e.integer());
        case Expr::Kind::real:
            return ir::Operand::of_real(e.real());
        case Expr::Kind::flag:
            return ir::Operand::of_flag(e.integer() != 0);
        case Expr::Kind::value:
            break;
    }
    if (e.trace() != serial_) {
        flexion::fail<UserError>(
            "{} got a value of another mod; an expression may be used only "
            "in the call of the lambda that made it: do not keep it",
            what);
    }
    return e.id();
}

ir::Value Tracer::value(const Expr& e, const char* what) {
    return builder_.materialize(operand(e, what));
}

Expr Tracer::apply(ir::Op op, std::initializer_list<Expr> operands) {
    std::array<ir::Operand, 3> converted{ir::kNoValue, ir::kNoValue, ir::kNoValue};
    std::size_t count = 0;
    for (const Expr& e : operands) converted[count++] = operand(e, "flexion::Expr");
    return wrap(builder_.apply(op, {converted.data(), count}));
}

int Tracer::capture(const std::shared_ptr<const TensorView>& view) {
    return capture_buffer(view, *view);
}

Expr Tracer::capture(const Scalar& scalar) {
    return wrap(capture_scalar(scalar.slot_, scalar.slot_->value));
}

int Tracer::capture_buffer(const std::shared_ptr<const void>& identity, const TensorView& view) {
    auto& known = traced_.buffer_identities;
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (known[i] == identity) return static_cast<int>(i);
    }
    const int number = builder_.add_buffer(view.dtype, view.rank);
    known.push_back(identity);
    traced_.captures.buffers.push_back(view);
    return number;
}

ir::Value Tracer::capture_scalar(const std::shared_ptr<const void>& identity,
                                 const ScalarValue& value) {
    auto& known = traced_.scalar_identities;
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (known[i] == identity) return scalars_[i];
    }
    return append_scalar(identity, value, value.is_integer ? ir::Type::i64 : builder_.float_type());
}

ir::Value Tracer::append_scalar(const std::shared_ptr<const void>& identity,
                                const ScalarValue& value, ir::Type type) {
    const ir::Value v = builder_.add_scalar(type);
    traced_.scalar_identities.push_back(identity);
    traced_.captures.scalars.push_back(value);
    scalars_.push_back(v);
    return v;
}

Expr Tracer::add_scalar(const ScalarValue& value, ir::Type type) {
    // An address that no other capture has; nothing lies there.
    static std::atomic<std::uintptr_t> next{1};
    const auto* address = reinterpret_cast<const void*>(next += 2);
    return wrap(append_scalar({std::shared_ptr<const void>(), address}, value, type));
}

Expr Tracer::call(const Traced& callee, std::initializer_list<Expr> arguments, const char* what) {
    std::vector<ir::Value> parameters;
    for (const Expr& e : arguments) parameters.push_back(value(e, what));
    for (std::size_t i = 0; i < callee.scalar_identities.size(); ++i) {
        parameters.push_back(
            capture_scalar(callee.scalar_identities[i], callee.captures.scalars[i]));
    }
    std::vector<int> buffers;
    for (std::size_t i = 0; i < callee.buffer_identities.size(); ++i) {
        buffers.push_back(capture_buffer(callee.buffer_identities[i], callee.captures.buffers[i]));
    }
    return wrap(builder_.inline_call(callee.function, parameters, buffers).front());
}

Traced Tracer::finish(ir::Value result) {
    traced_.function.results = {ir::Result{result, -1, {}}};
    builder_.finish();
    traced_.hash = ir::structural_hash(traced_.function);
    return std::move(traced_);
}

ir::Function Tracer::take_function() { return std::move(traced_.function); }

}  // namespace flexion
