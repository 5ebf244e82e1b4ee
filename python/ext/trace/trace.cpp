// SPDX-License-Identifier: Apache-2.0
// Runs mods, and collects what they capture.
#include "trace/trace.h"

#include <limits>

#include "errors.h"
#include "ir/text.h"
#include "trace/lift.h"
#include "trace/literals.h"
#include "trace/values.h"

namespace flexion::python {
namespace {

thread_local Trace* t_innermost = nullptr;

/// Integers up to this are i32: positions are below 2^31 - 2^16, and their sum with one of 2^30 is
/// what compiled torch computes in 32 bits too.
constexpr std::int64_t kSmallScalar = std::int64_t{1} << 30;

/// Where NumPy and torch put their own words in the place of an error of ours, or cannot know what
/// they were given, says it with the place.
void explain(const nb::python_error& error) {
    const std::string message = error.what();
    const auto says = [&](const char* words) { return message.find(words) != std::string::npos; };
    if (error.matches(PyExc_IndexError) && says("only integers, slices")) {
        throw TraceFailure(
            place_of(error) +
            "a NumPy array is indexed by a traced value, and NumPy does not ask Flexion; capture "
            "torch.from_numpy(array) or flexion.Buffer(array) instead");
    }
    if (error.matches(PyExc_RuntimeError) && says("Could not infer dtype of flexion._C")) {
        throw TraceFailure(
            place_of(error) +
            "torch.tensor(x) of a traced value; it is a tensor already, and torch.full_like(x, 2) "
            "makes a constant");
    }
}

/// What a mod returned must be one value; calls it.
Expr run(nb::handle callable, std::span<nb::object> arguments, const char* kind) {
    if (!PyCallable_Check(callable.ptr())) {
        fail<UserError>("flexion: the {} is of type {}; expected a callable", kind,
                        nb::cast<std::string>(callable.type().attr("__name__")));
    }
    PyObject* raw[5];
    for (std::size_t i = 0; i < arguments.size(); ++i) raw[i] = arguments[i].ptr();
    nb::object result;
    try {
        result = nb::steal(PyObject_Vectorcall(callable.ptr(), raw, arguments.size(), nullptr));
        if (!result.is_valid()) throw nb::python_error();
    } catch (nb::python_error& error) {
        explain(error);
        throw;
    }
    if (const Value* value = value_of(result)) return value->expr;
    if (nb::isinstance<nb::bool_>(result) && arguments.size() == 4) {
        return Expr(nb::cast<bool>(result));
    }
    const Torch* torch = loaded_torch();
    if (PyNumber_Check(result.ptr()) && !part_of(result) && !(torch && torch->is_tensor(result))) {
        trace_fail("expected output of {} to be a tensor. Got type {}; return the value itself",
                   kind, nb::cast<std::string>(nb::str(result.type())));
    }
    if (result.is_none()) {
        trace_fail("expected output of {} to be a tensor. Got None; is a `return` missing?", kind);
    }
    Lifted lifted = lift(result.ptr());
    if (lifted.array) {
        trace_fail("the {} returned an array of {} values; expected one value", kind,
                   lifted.array->elements.size());
    }
    return lifted.scalar;
}

TracedMod run_in(Trace& trace, nb::handle callable, const char* kind, int first_parameter) {
    nb::object arguments[5];
    const int count = first_parameter == 0 ? 4 : 5;
    for (int i = 0; i < count; ++i) arguments[i] = wrap(trace.tracer().parameter(i));
    return trace.finish(run(callable, {arguments, static_cast<std::size_t>(count)}, kind));
}

ScalarValue scalar_value(nb::handle object) {
    ScalarValue value;
    if (PyLong_Check(object.ptr())) {
        value.is_integer = true;
        value.integer = nb::cast<std::int64_t>(object);
    } else {
        value.real = PyFloat_AsDouble(object.ptr());
        if (value.real == -1 && PyErr_Occurred()) throw nb::python_error();
    }
    return value;
}

Captures captures_of(std::span<const Input> captured, std::span<const nb::object> scalars) {
    Captures captures;
    for (const Input& input : captured) captures.buffers.push_back(input.view);
    for (const nb::object& scalar : scalars) captures.scalars.push_back(scalar_value(scalar));
    return captures;
}

void read_into(TracedMod& mod, nb::sequence captured, nb::sequence scalars) {
    for (nb::handle tensor : captured) {
        mod.captured.push_back(read_tensor(tensor, "a captured tensor"));
    }
    for (nb::handle scalar : scalars) mod.scalars.push_back(nb::borrow(scalar));
}

}  // namespace

Trace::Trace(ir::Role role, ir::Type score_type, Reading reading)
    : tracer_(role, score_type), reading_(reading), outer_(t_innermost) {
    t_innermost = this;
}

Trace::~Trace() { t_innermost = outer_; }

Trace& Trace::current() {
    if (!t_innermost) {
        trace_fail(
            "a value of a mod is used after its mod has returned; values exist only while the mod "
            "runs, so do not keep them");
    }
    return *t_innermost;
}

ir::Type Trace::type_of(const Expr& value) {
    return builder().type(tracer_.value(value, "flexion"));
}

int Trace::number_of(nb::handle tensor) {
    for (std::size_t i = 0; i < captured_.size(); ++i) {
        if (captured_[i].object.is(tensor)) return static_cast<int>(i);
    }
    Input input = reading_ == Reading::memory ? read_tensor(tensor, "a captured tensor")
                                              : describe_tensor(tensor, "a captured tensor");
    const std::shared_ptr<const void> identity(std::shared_ptr<const void>(), tensor.ptr());
    buffers_.push_back(tracer_.capture_buffer(identity, input.view));
    captured_.push_back(std::move(input));
    return static_cast<int>(captured_.size()) - 1;
}

const Input& Trace::capture(nb::handle tensor) {
    return captured_[static_cast<std::size_t>(number_of(tensor))];
}

Expr Trace::load(nb::handle tensor, std::span<const Expr> indices) {
    const int number = number_of(tensor);
    std::array<ir::Value, kMaxRank> values{};
    for (std::size_t i = 0; i < indices.size(); ++i) {
        values[i] = tracer_.value(indices[i], "flexion");
        if (ir::is_float(builder().type(values[i]))) {
            trace_fail("index {} of a captured tensor is a float; expected an integer: use .long()",
                       i);
        }
    }
    ir::Value loaded =
        builder().load(buffers_[static_cast<std::size_t>(number)], {values.data(), indices.size()});
    // Scores are computed in f32 unless the problem is f64; masks keep every bit.
    if (builder().type(loaded) == ir::Type::f64 &&
        builder().function().role == ir::Role::score_mod) {
        loaded = builder().cast(loaded, float_type());
    }
    return tracer_.wrap(loaded);
}

Expr Trace::number(nb::handle object, bool captured) {
    PyObject* number = object.ptr();
    ScalarValue value;
    ir::Type type = float_type();
    if (PyLong_Check(number)) {
        int overflow = 0;
        value.integer = PyLong_AsLongLongAndOverflow(number, &overflow);
        value.is_integer = true;
        if (overflow != 0) trace_fail("an integer does not fit 64 bits");
        type = value.integer >= -kSmallScalar && value.integer <= kSmallScalar ? ir::Type::i32
                                                                               : ir::Type::i64;
        if (!captured && is_literal(number)) return Expr(value.integer);
    } else if (PyFloat_Check(number)) {
        value.real = PyFloat_AsDouble(number);
        if (!captured && is_literal(number)) return Expr(value.real);
    } else {  // a number that only torch's compiler knows
        const Torch* torch = loaded_torch();
        value.is_integer = torch && nb::isinstance(object, torch->sym_int);
        if (value.is_integer) type = ir::Type::i32;
    }
    scalars_.push_back(nb::borrow(object));
    return tracer_.add_scalar(value, type);
}

TracedMod Trace::finish(const Expr& result) {
    const bool is_score = builder().function().role == ir::Role::score_mod;
    ir::Value value = tracer_.value(result, "flexion");
    const ir::Type type = builder().type(value);
    if (is_score && type == ir::Type::boolean) {
        trace_fail(
            "the score_mod returned a bool; expected a score: write torch.where(condition, score, "
            "-float(\"inf\")), or use a mask_mod");
    }
    value = builder().cast(value, is_score ? float_type() : ir::Type::boolean);
    TracedMod mod;
    mod.f64 = float_type() == ir::Type::f64;
    mod.readable = reading_ == Reading::memory;
    mod.captured = std::move(captured_);
    mod.scalars = std::move(scalars_);
    if (is_score) {
        mod.score = Tracer::score_mod(tracer_.finish(value));
    } else {
        mod.mask = Tracer::mask_mod(tracer_.finish(value));
    }
    return mod;
}

TracedMod trace_score_mod(nb::handle callable, bool f64, Reading reading) {
    Trace trace(ir::Role::score_mod, f64 ? ir::Type::f64 : ir::Type::f32, reading);
    return run_in(trace, callable, "score_mod", 1);
}

TracedMod trace_mask_mod(nb::handle callable, Reading reading) {
    Trace trace(ir::Role::mask_mod, ir::Type::f32, reading);
    return run_in(trace, callable, "mask_mod", 0);
}

TracedMod score_mod_from_ir(const std::string& text, nb::sequence captured, nb::sequence scalars) {
    TracedMod mod;
    read_into(mod, captured, scalars);
    mod.score = ScoreMod::from_text(text, captures_of(mod.captured, mod.scalars));
    mod.f64 = ir::parse(text).parameters[0].type == ir::Type::f64;
    return mod;
}

TracedMod mask_mod_from_ir(const std::string& text, nb::sequence captured, nb::sequence scalars) {
    TracedMod mod;
    read_into(mod, captured, scalars);
    mod.mask = MaskMod::from_text(text, captures_of(mod.captured, mod.scalars));
    return mod;
}

TracedMod with_captured(const TracedMod& mod, std::vector<Input> captured) {
    TracedMod result;
    result.f64 = mod.f64;
    result.scalars = mod.scalars;
    Traced traced;
    traced.function = mod.function();
    traced.hash = mod.hash();
    traced.captures.scalars =
        (mod.score ? mod.score.captures(mod.f64) : mod.mask.captures()).scalars;
    for (const Input& input : captured) {
        traced.captures.buffers.push_back(input.view);
        traced.buffer_identities.emplace_back(std::shared_ptr<const void>(), input.object.ptr());
    }
    for (std::size_t i = 0; i < captured.size(); ++i) {
        const ir::BufferParameter& declared = traced.function.buffers[i];
        if (captured[i].view.dtype != declared.dtype || captured[i].view.rank != declared.rank) {
            fail<UserError>(
                "flexion: captured tensor {} is {} of rank {}; the mod reads {} of rank {}", i,
                flexion::name_of(captured[i].view.dtype), captured[i].view.rank,
                flexion::name_of(declared.dtype), declared.rank);
        }
    }
    for (const nb::object& scalar : mod.scalars) {
        traced.scalar_identities.emplace_back(std::shared_ptr<const void>(), scalar.ptr());
    }
    result.captured = std::move(captured);
    if (mod.score) {
        result.score = Tracer::score_mod(std::move(traced));
    } else {
        result.mask = Tracer::mask_mod(std::move(traced));
    }
    return result;
}

}  // namespace flexion::python
