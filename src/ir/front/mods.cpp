// SPDX-License-Identifier: Apache-2.0
// score_mods and mask_mods: traced functions that can be called, combined and read from text.
#include <algorithm>
#include <limits>
#include <mutex>
#include <optional>

#include <flexion/error.h>
#include <flexion/expr.h>

#include "ir/text.h"
#include "ir/tracer.h"
#include "support/fail.h"

namespace flexion {
namespace {

using ir::Role;
using ir::Type;

Traced trace_score(const ScoreMod::Callable& callable, Type score_type) {
    constexpr const char* kName = "flexion::score_mod";
    Tracer tracer(Role::score_mod, score_type);
    const Expr result = callable(tracer.parameter(0), tracer.parameter(1), tracer.parameter(2),
                                 tracer.parameter(3), tracer.parameter(4));
    if (result.kind() != Expr::Kind::value) {
        flexion::fail<UserError>(
            "{}: the lambda returned a plain number; expected an expression, "
            "such as the score that it was given",
            kName);
    }
    const ir::Value value = tracer.value(result, kName);
    if (tracer.builder().type(value) == Type::boolean) {
        flexion::fail<UserError>(
            "{}: the lambda returned a bool; expected a score: write "
            "where(condition, score, -INFINITY), or use mask_mod",
            kName);
    }
    return tracer.finish(tracer.builder().cast(value, score_type));
}

Traced trace_mask(const MaskMod::Callable& callable) {
    constexpr const char* kName = "flexion::mask_mod";
    Tracer tracer(Role::mask_mod, Type::f32);
    const Expr result = callable(tracer.parameter(0), tracer.parameter(1), tracer.parameter(2),
                                 tracer.parameter(3));
    const ir::Value value = tracer.value(result, kName);
    const Type type = tracer.builder().type(value);
    if (type != Type::boolean) {
        flexion::fail<UserError>(
            "{}: the lambda returned {}; expected a bool: write a "
            "comparison, or to_bool",
            kName, ir::name_of(type));
    }
    return tracer.finish(value);
}

void check_buffer(const char* where, const ir::BufferParameter& declared, const TensorView& given) {
    check_capture(where, given);
    if (given.dtype != declared.dtype || given.rank != declared.rank) {
        flexion::fail<UserError>("{}: @{} is declared {} of rank {}, got {} of rank {}", where,
                                 declared.name, name_of(declared.dtype), declared.rank,
                                 name_of(given.dtype), given.rank);
    }
}

/// The value in the form that the parameter's type asks for.
ScalarValue checked_scalar(const char* where, const ir::Parameter& declared, ScalarValue given) {
    if (ir::is_float(declared.type)) {
        if (given.is_integer) given.real = static_cast<double>(given.integer);
        given.is_integer = false;
        return given;
    }
    std::int64_t low = std::numeric_limits<std::int64_t>::min();
    std::int64_t high = std::numeric_limits<std::int64_t>::max();
    if (declared.type == Type::i32) {
        low = std::numeric_limits<std::int32_t>::min();
        high = std::numeric_limits<std::int32_t>::max();
    } else if (declared.type == Type::boolean) {
        low = 0;
        high = 1;
    }
    if (!given.is_integer || given.integer < low || given.integer > high) {
        flexion::fail<UserError>(
            "{}: %{} is declared {}, got {}", where, declared.name, ir::name_of(declared.type),
            given.is_integer ? formatted("{}", given.integer) : formatted("{}", given.real));
    }
    return given;
}

Traced from_function(const char* where, ir::Function f, Captures captures, Role role) {
    if (f.role != role) {
        flexion::fail<UserError>("{}: the text is a {}", where,
                                 f.role == Role::score_mod ? "score_mod" : "mask_mod");
    }
    if (captures.buffers.size() != f.buffers.size()) {
        flexion::fail<UserError>("{}: the text declares {} buffers, got {}", where,
                                 f.buffers.size(), captures.buffers.size());
    }
    if (static_cast<int>(captures.scalars.size()) != f.scalar_count()) {
        flexion::fail<UserError>("{}: the text declares {} scalars, got {}", where,
                                 f.scalar_count(), captures.scalars.size());
    }
    Traced traced;
    for (std::size_t i = 0; i < f.buffers.size(); ++i) {
        check_buffer(where, f.buffers[i], captures.buffers[i]);
        traced.buffer_identities.push_back(std::make_shared<const TensorView>(captures.buffers[i]));
    }
    for (std::size_t i = 0; i < captures.scalars.size(); ++i) {
        ScalarValue& value = captures.scalars[i];
        value = checked_scalar(where, f.parameters[f.builtin_parameters() + i], value);
        traced.scalar_identities.push_back(std::make_shared<const ScalarValue>(value));
    }
    traced.function = std::move(f);
    traced.captures = std::move(captures);
    traced.hash = ir::structural_hash(traced.function);
    return traced;
}

}  // namespace

// ---- score_mod ----

struct ScoreMod::State {
    Callable callable;  // empty for a mod from text
    Type traced_type = Type::f32;
    Traced traced;
    std::once_flag f64_once;
    std::optional<Traced> f64;

    const Traced& get(bool want_f64) {
        if (want_f64 == (traced_type == Type::f64)) return traced;
        if (callable == nullptr) {
            flexion::fail<UserError>(
                "flexion::ScoreMod: this score_mod was read from text whose score is "
                "{}; a problem of "
                "{} needs one whose score is {}",
                ir::name_of(traced_type), want_f64 ? "f64" : "f32, bf16 or f16",
                want_f64 ? "f64" : "f32");
        }
        std::call_once(f64_once, [this] { f64 = trace_score(callable, Type::f64); });
        return *f64;
    }
};

ScoreMod::ScoreMod(Callable callable) : state_(std::make_shared<State>()) {
    if (callable == nullptr) throw UserError("flexion::score_mod: got an empty function");
    state_->traced = trace_score(callable, Type::f32);
    state_->callable = std::move(callable);
}

ScoreMod ScoreMod::from_text(std::string_view text, Captures captures) {
    return Tracer::score_mod(from_function("flexion::ScoreMod::from_text", ir::parse(text),
                                           std::move(captures), Role::score_mod));
}

const ir::Function& ScoreMod::function(bool f64) const {
    if (state_ == nullptr) throw UserError("flexion::ScoreMod::function: the mod is empty");
    return state_->get(f64).function;
}

const Captures& ScoreMod::captures(bool f64) const {
    if (state_ == nullptr) throw UserError("flexion::ScoreMod::captures: the mod is empty");
    return state_->get(f64).captures;
}

int ScoreMod::position(const Buffer& buffer, bool f64) const {
    const TensorView& view = buffer.view();
    const std::vector<TensorView>& all = captures(f64).buffers;
    const auto same = [&](const TensorView& other) {
        return other.data == view.data && other.dtype == view.dtype && other.rank == view.rank &&
               other.shape == view.shape && other.strides == view.strides;
    };
    const auto found = std::find_if(all.begin(), all.end(), same);
    return found == all.end() ? -1 : static_cast<int>(found - all.begin());
}

std::uint64_t ScoreMod::hash(bool f64) const {
    if (state_ == nullptr) throw UserError("flexion::ScoreMod::hash: the mod is empty");
    return state_->get(f64).hash;
}

Expr ScoreMod::operator()(Expr score, Expr b, Expr h, Expr q, Expr k) const {
    if (state_ == nullptr) return score;
    constexpr const char* kName = "flexion::ScoreMod";
    Tracer& tracer = Tracer::current(kName);
    const bool f64 = tracer.builder().float_type() == Type::f64;
    return tracer.call(state_->get(f64), {score, b, h, q, k}, kName);
}

ScoreMod Tracer::score_mod(Traced traced) {
    ScoreMod mod;
    mod.state_ = std::make_shared<ScoreMod::State>();
    mod.state_->traced_type = traced.function.parameters[0].type;
    mod.state_->traced = std::move(traced);
    return mod;
}

ScoreMod compose(const ScoreMod& outer, const ScoreMod& inner) {
    if (!outer) return inner;
    if (!inner) return outer;
    return score_mod([outer, inner](Expr s, Expr b, Expr h, Expr q, Expr k) {
        return outer(inner(s, b, h, q, k), b, h, q, k);
    });
}

// ---- mask_mod ----

struct MaskMod::State {
    Traced traced;
};

MaskMod::MaskMod(Callable callable) {
    if (callable == nullptr) throw UserError("flexion::mask_mod: got an empty function");
    state_ = std::make_shared<State>(State{trace_mask(callable)});
}

MaskMod Tracer::mask_mod(Traced traced) {
    MaskMod mod;
    mod.state_ = std::make_shared<MaskMod::State>(MaskMod::State{std::move(traced)});
    return mod;
}

MaskMod MaskMod::from_text(std::string_view text, Captures captures) {
    return Tracer::mask_mod(from_function("flexion::MaskMod::from_text", ir::parse(text),
                                          std::move(captures), Role::mask_mod));
}

const ir::Function& MaskMod::function() const {
    if (state_ == nullptr) throw UserError("flexion::MaskMod::function: the mod is empty");
    return state_->traced.function;
}

const Captures& MaskMod::captures() const {
    if (state_ == nullptr) throw UserError("flexion::MaskMod::captures: the mod is empty");
    return state_->traced.captures;
}

std::uint64_t MaskMod::hash() const {
    if (state_ == nullptr) throw UserError("flexion::MaskMod::hash: the mod is empty");
    return state_->traced.hash;
}

Expr MaskMod::operator()(Expr b, Expr h, Expr q, Expr k) const {
    if (state_ == nullptr) return true;
    constexpr const char* kName = "flexion::MaskMod";
    return Tracer::current(kName).call(state_->traced, {b, h, q, k}, kName);
}

MaskMod operator&(const MaskMod& a, const MaskMod& b) {
    if (!a) return b;
    if (!b) return a;
    return mask_mod(
        [&](Expr bi, Expr h, Expr q, Expr k) { return a(bi, h, q, k) & b(bi, h, q, k); });
}

MaskMod operator|(const MaskMod& a, const MaskMod& b) {
    if (!a || !b) return {};
    return mask_mod(
        [&](Expr bi, Expr h, Expr q, Expr k) { return a(bi, h, q, k) | b(bi, h, q, k); });
}

MaskMod operator~(const MaskMod& a) {
    return mask_mod([&](Expr b, Expr h, Expr q, Expr k) { return ~a(b, h, q, k); });
}

}  // namespace flexion
