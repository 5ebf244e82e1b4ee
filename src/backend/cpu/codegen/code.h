// SPDX-License-Identifier: Apache-2.0
// Writes LLVM IR as text: typed operands, one function per instruction, scalars splatted where they
// meet vectors.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/cpu/codegen/isa_traits.h"
#include "ir/function.h"

namespace flexion::cpu {

enum class Elem : std::uint8_t { i1, i8, i16, i32, i64, f16, f32, f64, ptr };
int bytes_of(Elem elem);
Elem elem_of(ir::Type type);
constexpr bool is_float(Elem e) { return e == Elem::f16 || e == Elem::f32 || e == Elem::f64; }

/// An LLVM type: a scalar (one lane) or a vector.
struct Ty {
    Elem elem = Elem::i32;
    int lanes = 1;
    bool operator==(const Ty&) const = default;
    Ty with(Elem other) const { return {other, lanes}; }
};
std::string name_of(Ty ty);    ///< "<8 x float>"
std::string suffix_of(Ty ty);  ///< "v8f32", as intrinsics are named

/// An operand: a register, or the text of a scalar constant that fits any number of lanes.
struct Val {
    Ty ty;
    std::string text;
    bool constant = false;
    bool is(std::int64_t value) const { return constant && text == std::to_string(value); }
};

/// The text of one module: internal helpers by name, each written once.
class ModuleText {
public:
    explicit ModuleText(Isa isa) : traits_(traits_of(isa)), isa_(isa) {}
    const IsaTraits& traits() const { return traits_; }
    Isa isa() const { return isa_; }
    /// True the first time: the caller then writes the helper with add().
    bool need(const std::string& name) { return helpers_.try_emplace(name).second; }
    void add(const std::string& name, std::string text) { helpers_[name] = std::move(text); }
    std::string text(const std::string& functions) const;
    /// Attributes of a function that is called from outside. The stack is aligned to a vector, else
    /// LLVM spills at 16 bytes, where half of the spills cross cache lines: a tile pass of softcap
    /// took twice the cycles, or not, by where its caller's frame lay.
    std::string attributes() const;

private:
    const IsaTraits& traits_;
    Isa isa_;
    std::map<std::string, std::string> helpers_;
};

/// What the blocks of one function share.
struct FunctionScope {
    explicit FunctionScope(ModuleText& module) : module(module) {}
    ModuleText& module;
    int next_id = 0;
    std::string prologue;  ///< head of the entry block: what is loaded once, whoever asks first
    std::map<std::string, Val> once;
};

/// Appends instructions. Several Codes of one scope are pieces of its text, laid out by the caller.
class Code {
public:
    explicit Code(FunctionScope& scope, std::string block = "entry")
        : scope_(scope), block_(std::move(block)) {}
    FunctionScope& scope() { return scope_; }
    const IsaTraits& traits() const { return scope_.module.traits(); }
    const std::string& text() const { return text_; }
    /// fadd, fsub and fmul may be fused with each other while this is set.
    bool contract = false;

    // ---- constants ----
    static Val real(Elem elem, double value);
    static Val integer(Elem elem, std::int64_t value);
    static Val flag(bool value) { return integer(Elem::i1, value); }
    static Val minus_infinity(Elem elem);
    /// lane + first, for each lane.
    static Val iota(Elem elem, int lanes, std::int64_t first = 0);

    // ---- text ----
    std::string fresh();
    void raw(std::string_view line);                  ///< one line, indented
    Val assign(Ty ty, std::string_view instruction);  ///< %v = instruction
    void label(const std::string& name);              ///< begins a block
    /// A label that no other block of the function has.
    std::string fresh_label(std::string_view stem);
    void append(const Code& piece);  ///< the blocks that `piece` holds, begun or finished
    /// Pieces of this block that use nothing of each other: one instruction of each in turn, so
    /// that a processor's window holds several of them; one after the other where one branches.
    void interleave(std::span<const Code> pieces);
    const std::string& block() const { return block_; }  ///< the label in force
    std::string operand(const Val& v, int lanes) const;  ///< without type; constants only widen
    std::string typed(const Val& v) const;               ///< "<8 x float> %v1"

    // ---- instructions; operands of one lane are splatted to meet vectors ----
    Val binary(std::string_view op, Val a, Val b);
    Val add(Val a, Val b) { return binary("add", a, b); }
    Val sub(Val a, Val b) { return binary("sub", a, b); }
    Val mul(Val a, Val b) { return binary("mul", a, b); }
    Val sum(Val a, Val b);      ///< add, or one operand where the other is 0
    Val product(Val a, Val b);  ///< mul, or one operand where the other is 1, or 0
    Val and_(Val a, Val b) { return binary("and", a, b); }
    Val or_(Val a, Val b) { return binary("or", a, b); }
    Val xor_(Val a, Val b) { return binary("xor", a, b); }
    Val shl(Val a, int bits);
    Val lshr(Val a, int bits);
    Val fadd(Val a, Val b) { return binary(contract ? "fadd contract" : "fadd", a, b); }
    Val fsub(Val a, Val b) { return binary(contract ? "fsub contract" : "fsub", a, b); }
    Val fmul(Val a, Val b) { return binary(contract ? "fmul contract" : "fmul", a, b); }
    Val fdiv(Val a, Val b) { return binary("fdiv", a, b); }
    Val fneg(Val a);
    Val compare(std::string_view op_and_predicate, Val a, Val b);  ///< "icmp slt", "fcmp oeq"
    Val select(Val condition, Val a, Val b);
    Val convert(std::string_view op, Val a, Elem to);  ///< sext, trunc, sitofp, bitcast, ...
    Val intrinsic(std::string_view name, std::initializer_list<Val> args);  ///< llvm.NAME.SUFFIX
    Val splat(Val scalar, int lanes);
    Val shuffle(Val a, Val b, std::span<const int> lanes);
    Val extract(Val vector, int lane);
    Val any_lane(const Val& vector);  ///< i1: whether some bool or integer of it is not 0
    Val smin(Val a, Val b) { return intrinsic("smin", {a, b}); }
    Val smax(Val a, Val b) { return intrinsic("smax", {a, b}); }
    /// The larger; b where either is NaN (what one maxps gives).
    Val larger(Val a, Val b);
    /// a * b + c in one rounding where the target has the instruction, in one or two elsewhere.
    Val mad(Val a, Val b, Val c);
    /// c0 + x * (c1 + x * (...)).
    Val polynomial(Val x, std::span<const double> coefficients);

    // ---- memory ----
    Val gep(Elem elem, Val pointer, Val index);
    Val gep(Elem elem, Val pointer, std::int64_t index);
    /// `invariant`: captured memory and arguments, which nothing in the kernel writes.
    Val load(Ty ty, Val pointer, int align, bool invariant = false);
    void store(Val value, Val pointer, int align);

    // ---- control ----
    /// A phi whose second value comes from a block that is not written yet.
    void phi(const Val& result, const Val& first, const std::string& from, const Val& second,
             const std::string& second_from);
    void jump(const std::string& to);
    void branch(Val condition, const std::string& yes, const std::string& no);

private:
    Val widened(const Val& v, int lanes);

    FunctionScope& scope_;
    std::string text_;
    std::string block_;
};

/// A value carried from one round of a loop to the next; after the loop `next` holds the last one.
struct Carried {
    Val initial, now, next;
};
/// A loop of an i64 index from `start` in steps while it is below `end`; the first round always
/// runs. `body(code, index)` sets `next` of what is carried.
template <class Body>
void counted_loop(Code& c, std::string_view stem, const Val& start, const Val& end, int step,
                  std::span<Carried> carried, const Body& body) {
    const std::string head = c.fresh_label(stem), done = c.fresh_label("done");
    const Val index{{Elem::i64}, c.fresh()};
    Code round(c.scope(), head);
    for (Carried& value : carried) value.now = {value.initial.ty, c.fresh()};
    body(round, index);
    const Val next = round.add(index, Code::integer(Elem::i64, step));
    round.branch(round.compare("icmp slt", next, end), head, done);
    c.jump(head);
    const std::string before = c.block();
    c.label(head);
    c.phi(index, start, before, next, round.block());
    for (const Carried& value : carried)
        c.phi(value.now, value.initial, before, value.next, round.block());
    c.append(round);
    c.label(done);
}

}  // namespace flexion::cpu
