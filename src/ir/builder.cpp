// SPDX-License-Identifier: Apache-2.0
// Instructions appended exactly, and calls copied in; front/promotion.cpp has the front ends'
// rules.
#include "ir/builder.h"
#include "support/fail.h"

#include <bit>

#include <flexion/error.h>

namespace flexion::ir {

Type Builder::float_type() const {
    const bool f64 = f_.role == Role::score_mod && f_.parameters[0].type == Type::f64;
    return f64 ? Type::f64 : Type::f32;
}

Value Builder::append(Inst inst) {
    if (f_.insts.size() >= kMaxInstructions) {
        flexion::fail<UserError>("flexion: a mod has more than {} operations", kMaxInstructions);
    }
    f_.insts.push_back(inst);
    return static_cast<Value>(f_.insts.size() - 1);
}

Value Builder::constant_bits(std::uint64_t bits, Type type) {
    return append({.op = Op::constant, .type = type, .bits = bits});
}

Value Builder::constant_float(double value, Type type) {
    if (type == Type::f64) return constant_bits(std::bit_cast<std::uint64_t>(value), type);
    return constant_bits(std::bit_cast<std::uint32_t>(static_cast<float>(value)), Type::f32);
}

Value Builder::constant_int(std::int64_t value, Type type) {
    if (type == Type::i64) return constant_bits(static_cast<std::uint64_t>(value), type);
    return constant_bits(static_cast<std::uint32_t>(value), Type::i32);
}

Value Builder::constant_bool(bool value) { return constant_bits(value ? 1 : 0, Type::boolean); }

Value Builder::emit(Op op, std::span<const Value> args, Type target) {
    std::array<Type, kMaxRank> types{};
    std::string given;
    Inst inst{.op = op, .count = static_cast<std::uint8_t>(args.size())};
    if (args.size() > kMaxRank) throw InternalError("Builder::emit: too many operands");
    for (std::size_t i = 0; i < args.size(); ++i) {
        types[i] = type(args[i]);
        inst.args[i] = args[i];
    }
    const auto result = result_type(op, {types.data(), args.size()}, target);
    if (!result) {
        for (std::size_t i = 0; i < args.size(); ++i) {
            given += (i == 0 ? "" : ", ") + std::string(name_of(types[i]));
        }
        flexion::fail<UserError>("flexion: {} does not take ({}); expected {}", info(op).name,
                                 given, describe(info(op).signature));
    }
    inst.type = *result;
    return append(inst);
}

Value Builder::cast(Value v, Type to) { return type(v) == to ? v : emit(Op::cast, {v}, to); }

Value Builder::load(int buffer, std::span<const Value> indices) {
    const BufferParameter& declared = f_.buffers[buffer];
    if (static_cast<int>(indices.size()) != declared.rank) {
        flexion::fail<UserError>(
            "flexion::Buffer: a captured tensor of rank {} was read with {} "
            "indices; give one for each dimension",
            declared.rank, indices.size());
    }
    Inst inst{.op = Op::load,
              .type = loaded_type(declared.dtype),
              .count = static_cast<std::uint8_t>(indices.size()),
              .index = static_cast<std::uint16_t>(buffer)};
    for (std::size_t i = 0; i < indices.size(); ++i) {
        if (is_float(type(indices[i]))) {
            flexion::fail<UserError>(
                "flexion::Buffer: index {} is {}; expected an integer: use "
                "to_i32 or to_i64",
                i, name_of(type(indices[i])));
        }
        inst.args[i] = indices[i];
    }
    return append(inst);
}

Value Builder::add_scalar(Type type, std::string name) {
    if (f_.parameters.size() >= kMaxParameters) {
        flexion::fail<UserError>("flexion: a mod takes more than {} parameters", kMaxParameters);
    }
    const auto number = f_.parameters.size();
    if (name.empty()) name = formatted("scalar{}", number - f_.builtin_parameters());
    f_.parameters.push_back({std::move(name), type});
    return append({.op = Op::parameter, .type = type, .index = static_cast<std::uint16_t>(number)});
}

int Builder::add_buffer(DType dtype, int rank, std::string name) {
    if (f_.buffers.size() >= kMaxBuffers) {
        flexion::fail<UserError>("flexion: a mod reads more than {} buffers", kMaxBuffers);
    }
    if (rank < 0 || rank > kMaxRank) {
        flexion::fail<UserError>("flexion::buffer: rank {}; expected 0 to {}", rank, kMaxRank);
    }
    if (name.empty()) name = "buffer" + std::to_string(f_.buffers.size());
    f_.buffers.push_back({std::move(name), dtype, rank});
    return static_cast<int>(f_.buffers.size() - 1);
}

void Builder::finish(std::span<Value> also) {
    // Parameters that are all in front already: a mod without run-time scalars.
    if (f_.scalar_count() == 0) return;
    const std::size_t count = f_.insts.size();
    std::vector<Value> moved(count);
    std::vector<Inst> insts(count);
    Value next = static_cast<Value>(f_.parameters.size());
    for (std::size_t v = 0; v < count; ++v) {
        const Inst& inst = f_.insts[v];
        moved[v] = inst.op == Op::parameter ? inst.index : next++;
    }
    for (std::size_t v = 0; v < count; ++v) {
        Inst inst = f_.insts[v];
        for (int i = 0; i < inst.count; ++i) inst.args[i] = moved[inst.args[i]];
        insts[moved[v]] = inst;
    }
    f_.insts = std::move(insts);
    for (Result& result : f_.results) {
        result.value = moved[result.value];
        for (Value& index : result.indices) index = moved[index];
    }
    for (Value& v : also) v = moved[v];
}

std::vector<Value> Builder::inline_call(const Function& callee, std::span<const Value> parameters,
                                        std::span<const int> buffers) {
    if (parameters.size() != callee.parameters.size() || buffers.size() != callee.buffers.size()) {
        throw InternalError("Builder::inline_call: parameters or buffers are missing");
    }
    std::vector<Value> copied(callee.insts.size());
    for (std::size_t v = 0; v < callee.insts.size(); ++v) {
        Inst inst = callee.insts[v];
        if (inst.op == Op::parameter) {
            copied[v] = cast(parameters[inst.index], inst.type);
            continue;
        }
        for (int i = 0; i < inst.count; ++i) inst.args[i] = copied[inst.args[i]];
        if (inst.op == Op::load) inst.index = static_cast<std::uint16_t>(buffers[inst.index]);
        copied[v] = append(inst);
    }
    std::vector<Value> results;
    for (const Result& result : callee.results) results.push_back(copied[result.value]);
    return results;
}

}  // namespace flexion::ir
