// SPDX-License-Identifier: Apache-2.0
// The text of types, constants and instructions.
#include "backend/cpu/codegen/code.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "support/fail.h"

namespace flexion::cpu {
namespace {

constexpr const char* kElemNames[] = {"i1",   "i8",    "i16",    "i32", "i64",
                                      "half", "float", "double", "ptr"};
constexpr const char* kElemSuffixes[] = {"i1",  "i8",  "i16", "i32", "i64",
                                         "f16", "f32", "f64", "p0"};
constexpr int kElemBytes[] = {1, 1, 2, 4, 8, 2, 4, 8, 8};

}  // namespace

int bytes_of(Elem elem) { return kElemBytes[static_cast<int>(elem)]; }

Elem elem_of(ir::Type type) {
    constexpr Elem kElems[] = {Elem::f32, Elem::f64, Elem::i32, Elem::i64, Elem::i1};
    return kElems[static_cast<int>(type)];
}

std::string name_of(Ty ty) {
    const char* elem = kElemNames[static_cast<int>(ty.elem)];
    return ty.lanes == 1 ? std::string(elem) : formatted("<{} x {}>", ty.lanes, elem);
}

std::string suffix_of(Ty ty) {
    const char* elem = kElemSuffixes[static_cast<int>(ty.elem)];
    return ty.lanes == 1 ? std::string(elem) : formatted("v{}{}", ty.lanes, elem);
}

std::string ModuleText::attributes() const {
    return formatted("nounwind alignstack({})", vector_lanes(isa_) * bytes_of(Elem::f32));
}

std::string ModuleText::text(const std::string& functions) const {
    std::string out;
    for (const auto& [name, text] : helpers_) out += text;
    return out + functions + "!0 = !{}\n";
}

// ---- constants ----
Val Code::real(Elem elem, double value) {
    // LLVM writes float constants as the double of equal value.
    if (elem == Elem::f32) value = static_cast<float>(value);
    return {{elem}, formatted("0x{:016X}", std::bit_cast<std::uint64_t>(value)), true};
}

Val Code::integer(Elem elem, std::int64_t value) {
    if (elem == Elem::i1) return {{elem}, value != 0 ? "true" : "false", true};
    return {{elem}, std::to_string(value), true};
}

Val Code::minus_infinity(Elem elem) { return real(elem, -std::numeric_limits<double>::infinity()); }

Val Code::iota(Elem elem, int lanes, std::int64_t first) {
    if (lanes == 1) return integer(elem, first);
    std::string text = "<";
    for (int i = 0; i < lanes; ++i) {
        append_format(&text, "{}{} {}", i == 0 ? "" : ", ", kElemNames[static_cast<int>(elem)],
                      first + i);
    }
    return {{elem, lanes}, text + ">", true};
}

// ---- text ----
std::string Code::fresh() { return formatted("%v{}", scope_.next_id++); }

void Code::raw(std::string_view line) { append_format(&text_, "  {}\n", line); }

Val Code::assign(Ty ty, std::string_view instruction) {
    Val result{ty, fresh()};
    append_format(&text_, "  {} = {}\n", result.text, instruction);
    return result;
}

void Code::label(const std::string& name) {
    append_format(&text_, "{}:\n", name);
    block_ = name;
}

void Code::append(const Code& piece) {
    text_ += piece.text_;
    block_ = piece.block_;
}

std::string Code::fresh_label(std::string_view stem) {
    return formatted("{}{}", stem, scope_.next_id++);
}

void Code::interleave(std::span<const Code> pieces) {
    for (const Code& piece : pieces) {
        if (piece.block_ == block_) continue;
        for (const Code& each : pieces) append(each);
        return;
    }
    std::vector<std::size_t> at(pieces.size());
    for (bool more = true; more;) {
        more = false;
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            const std::string& text = pieces[i].text_;
            if (at[i] == text.size()) continue;
            const std::size_t end = text.find('\n', at[i]) + 1;
            text_.append(text, at[i], end - at[i]);
            at[i] = end;
            more = true;
        }
    }
}

std::string Code::operand(const Val& v, int lanes) const {
    if (!v.constant || v.ty.lanes > 1 || lanes == 1) return v.text;
    return formatted("splat ({} {})", kElemNames[static_cast<int>(v.ty.elem)], v.text);
}

std::string Code::typed(const Val& v) const {
    return formatted("{} {}", name_of(v.ty), operand(v, v.ty.lanes));
}

Val Code::widened(const Val& v, int lanes) {
    if (v.ty.lanes == lanes) return v;
    invariant(v.ty.lanes == 1, "operands of an instruction have equal lanes");
    if (v.constant) return {{v.ty.elem, lanes}, operand(v, lanes), true};
    return splat(v, lanes);
}

// ---- instructions ----
Val Code::binary(std::string_view op, Val a, Val b) {
    const int lanes = std::max(a.ty.lanes, b.ty.lanes);
    a = widened(a, lanes), b = widened(b, lanes);
    return assign(a.ty, formatted("{} {} {}, {}", op, name_of(a.ty), a.text, b.text));
}

Val Code::sum(Val a, Val b) { return a.is(0) ? b : b.is(0) ? a : add(a, b); }

Val Code::product(Val a, Val b) {
    if (a.is(0) || b.is(1)) return a;
    return b.is(0) || a.is(1) ? b : mul(a, b);
}

Val Code::shl(Val a, int bits) { return binary("shl", a, integer(a.ty.elem, bits)); }
Val Code::lshr(Val a, int bits) { return binary("lshr", a, integer(a.ty.elem, bits)); }

Val Code::fneg(Val a) { return assign(a.ty, formatted("fneg {}", typed(a))); }

Val Code::compare(std::string_view op_and_predicate, Val a, Val b) {
    const int lanes = std::max(a.ty.lanes, b.ty.lanes);
    a = widened(a, lanes), b = widened(b, lanes);
    return assign({Elem::i1, lanes},
                  formatted("{} {} {}, {}", op_and_predicate, name_of(a.ty), a.text, b.text));
}

Val Code::select(Val condition, Val a, Val b) {
    const int lanes = std::max({condition.ty.lanes, a.ty.lanes, b.ty.lanes});
    a = widened(a, lanes), b = widened(b, lanes);  // a scalar condition chooses whole vectors
    return assign(a.ty, formatted("select {}, {}, {}", typed(condition), typed(a), typed(b)));
}

Val Code::convert(std::string_view op, Val a, Elem to) {
    const Ty ty = a.ty.with(to);
    return assign(ty, formatted("{} {} to {}", op, typed(a), name_of(ty)));
}

Val Code::intrinsic(std::string_view name, std::initializer_list<Val> args) {
    int lanes = 1;
    for (const Val& v : args) lanes = std::max(lanes, v.ty.lanes);
    const Ty ty{args.begin()->ty.elem, lanes};
    std::string list;
    for (const Val& v : args) {
        if (!list.empty()) list += ", ";
        list += typed(widened(v, lanes));
    }
    return assign(ty, formatted("call {} @llvm.{}.{}({})", name_of(ty), name, suffix_of(ty), list));
}

Val Code::splat(Val scalar, int lanes) {
    if (scalar.ty.lanes == lanes || scalar.constant) return widened(scalar, lanes);
    const Ty ty{scalar.ty.elem, lanes};
    const Val first =
        assign(ty, formatted("insertelement {} poison, {}, i64 0", name_of(ty), typed(scalar)));
    return assign(ty, formatted("shufflevector {0} {1}, {0} poison, <{2} x i32> zeroinitializer",
                                name_of(ty), first.text, lanes));
}

Val Code::shuffle(Val a, Val b, std::span<const int> lanes) {
    std::string mask;
    for (int lane : lanes) append_format(&mask, "{}i32 {}", mask.empty() ? "" : ", ", lane);
    const int count = static_cast<int>(lanes.size());
    return assign({a.ty.elem, count}, formatted("shufflevector {}, {}, <{} x i32> <{}>", typed(a),
                                                typed(b), count, mask));
}

Val Code::any_lane(const Val& vector) {
    const Elem elem = vector.ty.elem;
    const Val bits =
        assign({elem}, formatted("call {} @llvm.vector.reduce.or.{}({})", name_of({elem}),
                                 suffix_of(vector.ty), typed(vector)));
    return elem == Elem::i1 ? bits : compare("icmp ne", bits, integer(elem, 0));
}

Val Code::extract(Val vector, int lane) {
    if (vector.ty.lanes == 1) return vector;
    return assign({vector.ty.elem}, formatted("extractelement {}, i64 {}", typed(vector), lane));
}

Val Code::larger(Val a, Val b) { return select(compare("fcmp ogt", a, b), a, b); }

Val Code::mad(Val a, Val b, Val c) {
    return intrinsic(traits().fma ? "fma" : "fmuladd", {a, b, c});
}

Val Code::polynomial(Val x, std::span<const double> coefficients) {
    Val sum = real(x.ty.elem, coefficients.back());
    for (std::size_t i = coefficients.size() - 1; i-- > 0;)
        sum = mad(sum, x, real(x.ty.elem, coefficients[i]));
    return sum;
}

// ---- memory ----
Val Code::gep(Elem elem, Val pointer, Val index) {
    return assign(
        {Elem::ptr, std::max(pointer.ty.lanes, index.ty.lanes)},
        formatted("getelementptr {}, {}, {}", name_of(Ty{elem}), typed(pointer), typed(index)));
}

Val Code::gep(Elem elem, Val pointer, std::int64_t index) {
    return index == 0 ? pointer : gep(elem, pointer, integer(Elem::i64, index));
}

Val Code::load(Ty ty, Val pointer, int align, bool invariant) {
    return assign(ty, formatted("load {}, {}, align {}{}", name_of(ty), typed(pointer), align,
                                invariant ? ", !invariant.load !0" : ""));
}

void Code::store(Val value, Val pointer, int align) {
    raw(formatted("store {}, {}, align {}", typed(value), typed(pointer), align));
}

// ---- control ----
void Code::phi(const Val& result, const Val& first, const std::string& from, const Val& second,
               const std::string& second_from) {
    raw(formatted("{} = phi {} [ {}, %{} ], [ {}, %{} ]", result.text, name_of(result.ty),
                  operand(first, result.ty.lanes), from, operand(second, result.ty.lanes),
                  second_from));
}

void Code::jump(const std::string& to) { raw(formatted("br label %{}", to)); }

void Code::branch(Val condition, const std::string& yes, const std::string& no) {
    raw(formatted("br {}, label %{}, label %{}", typed(condition), yes, no));
}

}  // namespace flexion::cpu
