// SPDX-License-Identifier: Apache-2.0
// Functions as canonical text.
#include <bit>
#include <charconv>
#include <cmath>

#include "ir/op.h"
#include "ir/text.h"
#include "support/format.h"

namespace flexion::ir {
namespace {

std::string value_name(const Function& f, Value v) {
    if (v < f.insts.size() && f.insts[v].op == Op::parameter &&
        f.insts[v].index < f.parameters.size()) {
        return "%" + f.parameters[f.insts[v].index].name;
    }
    return formatted("%{}", v);
}

std::string buffer_name(const Function& f, int buffer) {
    if (buffer >= 0 && buffer < static_cast<int>(f.buffers.size())) {
        return "@" + f.buffers[buffer].name;
    }
    return formatted("@{}", buffer);
}

template <class Values>
std::string value_list(const Function& f, const Values& values) {
    std::string text;
    for (const Value v : values) {
        if (!text.empty()) text += ", ";
        text += value_name(f, v);
    }
    return text;
}

template <class Real, class Bits>
std::string real_text(Bits bits) {
    constexpr Bits kQuietNan = sizeof(Bits) == 4 ? Bits{0x7fc00000} : Bits(0x7ff8000000000000);
    const Real value = std::bit_cast<Real>(bits);
    if (std::isnan(value)) return bits == kQuietNan ? "nan" : formatted("nan:{:#x}", bits);
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return {digits, end};
}

std::string constant_text(std::uint64_t bits, Type type) {
    switch (type) {
        case Type::f32:
            return real_text<float>(static_cast<std::uint32_t>(bits));
        case Type::f64:
            return real_text<double>(bits);
        case Type::i32:
            return formatted("{}", static_cast<std::int32_t>(bits));
        case Type::i64:
            return formatted("{}", static_cast<std::int64_t>(bits));
        case Type::boolean:
            return bits != 0 ? "true" : "false";
    }
    return "?";
}

/// The type written behind the op's name: the target of a cast, else the operands', where it says
/// something: f32 is left out, and logical ops have bools only.
std::string suffix(const Function& f, const Inst& inst) {
    if (inst.op == Op::cast) return formatted(".{}", name_of(inst.type));
    if (inst.count == 0 || inst.count > kMaxRank) return "";
    if (info(inst.op).signature == Signature::logical) return "";
    const Value last = inst.args[inst.count - 1];
    if (last >= f.insts.size()) return "";
    const Type type = f.insts[last].type;
    return type == Type::f32 ? "" : formatted(".{}", name_of(type));
}

}  // namespace

bool is_name(std::string_view text) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    if (text.empty() || text.size() > kMaxNameBytes || !letter(text[0])) return false;
    for (const char c : text) {
        if (!letter(c) && !(c >= '0' && c <= '9')) return false;
    }
    return true;
}

std::string print_instruction(const Function& f, Value v) {
    const Inst& inst = f.insts[v];
    const std::string left = formatted("%{} = ", v);
    if (static_cast<int>(inst.op) >= op_count()) {
        return left + formatted("op#{}", static_cast<int>(inst.op));
    }
    const std::span<const Value> args(inst.args.data(), std::min<int>(inst.count, kMaxRank));
    switch (inst.op) {
        case Op::parameter:
            return left + formatted("parameter.{} {}", name_of(inst.type), inst.index);
        case Op::constant:
            return left + formatted("constant.{} {}", name_of(inst.type),
                                    constant_text(inst.bits, inst.type));
        case Op::load:
            return left + formatted("load {}[{}]", buffer_name(f, inst.index), value_list(f, args));
        default:
            return left +
                   formatted("{}{} {}", info(inst.op).name, suffix(f, inst), value_list(f, args));
    }
}

std::string print_results(const Function& f) {
    std::string text = "return";
    const char* separator = " ";
    for (const Result& result : f.results) {
        text += separator;
        separator = ", ";
        if (result.buffer >= 0) {
            text +=
                formatted("{}[{}]: ", buffer_name(f, result.buffer), value_list(f, result.indices));
        }
        text += value_name(f, result.value);
    }
    return text;
}

std::string print(const Function& f) {
    std::string text = formatted("flexion.ir {}\n{} {}(", kTextVersion,
                                 f.role == Role::score_mod ? "score_mod" : "mask_mod", f.name);
    const char* separator = "";
    for (const Parameter& parameter : f.parameters) {
        text += formatted("{}%{}: {}", separator, parameter.name, name_of(parameter.type));
        separator = ", ";
    }
    for (const BufferParameter& buffer : f.buffers) {
        text += formatted("{}@{}: {}[", separator, buffer.name, name_of(buffer.dtype));
        for (int i = 0; i < buffer.rank; ++i) text += i == 0 ? "?" : ", ?";
        text += "]";
        separator = ", ";
    }
    text += ") {\n";
    for (Value v = 0; v < f.insts.size(); ++v) {
        if (f.insts[v].op != Op::parameter) text += "  " + print_instruction(f, v) + "\n";
    }
    return text + "  " + print_results(f) + "\n}\n";
}

}  // namespace flexion::ir
