// SPDX-License-Identifier: Apache-2.0
// What a well-formed function is.
#include <set>
#include <string>

#include <flexion/error.h>

#include "ir/op.h"
#include "ir/text.h"
#include "support/fail.h"

namespace flexion::ir {
namespace {

class Verifier {
public:
    Verifier(const Function& f, const char* where) : f_(f), where_(where) {}

    void run() {
        header();
        for (Value v = 0; v < f_.insts.size(); ++v) instruction(v);
        results();
    }

private:
    [[noreturn]] void fail(const std::string& what) const {
        flexion::fail<UserError>("{}: {} {}: {}", where_,
                                 f_.role == Role::score_mod ? "score_mod" : "mask_mod", f_.name,
                                 what);
    }
    [[noreturn]] void fail_at(Value v, const std::string& what) const {
        fail(formatted("`{}`: {}", print_instruction(f_, v), what));
    }

    void unique_name(std::set<std::string>& seen, const char* kind, const std::string& name) const {
        if (!is_name(name)) {
            fail(formatted("the {} name \"{}\" is not an identifier of at most {} characters", kind,
                           name.substr(0, 40), kMaxNameBytes));
        }
        if (!seen.insert(name).second) fail(formatted("two {}s are named \"{}\"", kind, name));
    }

    void header() const {
        if (f_.role != Role::score_mod && f_.role != Role::mask_mod) fail("no such role");
        if (!is_name(f_.name)) fail("the function's name is not an identifier");
        limit("instructions", f_.insts.size(), kMaxInstructions);
        limit("parameters", f_.parameters.size(), kMaxParameters);
        limit("buffers", f_.buffers.size(), kMaxBuffers);
        limit("results", f_.results.size(), kMaxResults);
        std::set<std::string> parameters;
        for (const Parameter& p : f_.parameters) {
            unique_name(parameters, "parameter", p.name);
            if (!is_type(p.type)) fail(formatted("parameter %{} has no valid type", p.name));
        }
        std::set<std::string> buffers;
        for (const BufferParameter& b : f_.buffers) {
            unique_name(buffers, "buffer", b.name);
            if (b.rank < 0 || b.rank > kMaxRank) {
                fail(formatted("buffer @{} has rank {}; expected 0 to {}", b.name, b.rank,
                               kMaxRank));
            }
            if (b.dtype > DType::boolean) fail(formatted("buffer @{} has no valid dtype", b.name));
        }
        const int builtin = f_.builtin_parameters();
        if (static_cast<int>(f_.parameters.size()) < builtin) {
            fail(formatted("got {} parameters; expected at least {}: {}", f_.parameters.size(),
                           builtin, f_.role == Role::score_mod ? "s, b, h, q, k" : "b, h, q, k"));
        }
        for (int i = 0; i < builtin; ++i) {
            const Parameter& p = f_.parameters[i];
            const bool score = f_.role == Role::score_mod && i == 0;
            if (score ? !is_float(p.type) : p.type != Type::i32) {
                fail(formatted("parameter %{} is {}; expected {}", p.name, name_of(p.type),
                               score ? "f32 or f64" : "i32"));
            }
        }
        if (f_.insts.size() < f_.parameters.size()) fail("parameters without an instruction");
    }

    void limit(const char* what, std::size_t count, std::size_t most) const {
        if (count > most) fail(formatted("{} {}; at most {} are allowed", count, what, most));
    }

    static bool is_type(Type type) { return type <= Type::boolean; }

    void instruction(Value v) const {
        const Inst& inst = f_.insts[v];
        if (static_cast<int>(inst.op) >= op_count()) fail_at(v, "no such op");
        if (!is_type(inst.type)) fail(formatted("value %{} has no valid type", v));
        const bool leading = v < f_.parameters.size();
        if (leading != (inst.op == Op::parameter)) {
            fail_at(v, "parameters come first, and nothing else is one");
        }
        if (inst.count > kMaxRank) fail_at(v, "too many operands");
        for (int i = 0; i < kMaxRank; ++i) {
            if (i >= inst.count && inst.args[i] != 0) fail_at(v, "an unused operand is not 0");
            if (i < inst.count && inst.args[i] >= v) {
                fail_at(v, formatted("%{} is used before its definition", inst.args[i]));
            }
        }
        if (inst.reserved != 0 || inst.spare != 0) fail_at(v, "a reserved field is not 0");
        if (inst.op != Op::constant && inst.bits != 0) fail_at(v, "bits outside a constant");
        if (inst.op != Op::parameter && inst.op != Op::load && inst.index != 0) {
            fail_at(v, "an index outside parameter and load");
        }
        switch (inst.op) {
            case Op::parameter:
                return parameter(v, inst);
            case Op::constant:
                return constant(v, inst);
            case Op::load:
                return load(v, inst);
            default:
                return table_op(v, inst);
        }
    }

    void parameter(Value v, const Inst& inst) const {
        if (inst.index != v || inst.count != 0) fail_at(v, "parameters are numbered in order");
        if (inst.type != f_.parameters[v].type) {
            fail_at(v, formatted("the parameter is declared {}", name_of(f_.parameters[v].type)));
        }
    }

    void constant(Value v, const Inst& inst) const {
        if (inst.count != 0) fail_at(v, "a constant has no operands");
        const bool narrow = inst.type == Type::f32 || inst.type == Type::i32;
        if ((narrow && inst.bits >> 32 != 0) || (inst.type == Type::boolean && inst.bits > 1)) {
            fail_at(v, formatted("bits {:#x} do not fit {}", inst.bits, name_of(inst.type)));
        }
    }

    void load(Value v, const Inst& inst) const {
        if (inst.index >= f_.buffers.size()) fail_at(v, "no such buffer");
        const BufferParameter& buffer = f_.buffers[inst.index];
        if (inst.count != buffer.rank) {
            fail_at(v, formatted("@{} has rank {}, got {} indices", buffer.name, buffer.rank,
                                 inst.count));
        }
        for (int i = 0; i < inst.count; ++i) index(v, inst.args[i]);
        if (inst.type != loaded_type(buffer.dtype)) {
            fail_at(v, formatted("a load from {} gives {}, not {}", name_of(buffer.dtype),
                                 name_of(loaded_type(buffer.dtype)), name_of(inst.type)));
        }
    }

    void index(Value v, Value operand) const {
        const Type type = f_.insts[operand].type;
        if (is_float(type)) {
            fail_at(
                v, formatted("index %{} is {}; expected i32, i64 or bool", operand, name_of(type)));
        }
    }

    void table_op(Value v, const Inst& inst) const {
        const OpInfo& row = info(inst.op);
        if (inst.count != row.arity) {
            fail_at(v, formatted("{} takes {} operands, got {}", row.name, row.arity, inst.count));
        }
        std::array<Type, kMaxRank> types{};
        std::string given;
        for (int i = 0; i < inst.count; ++i) {
            types[i] = f_.insts[inst.args[i]].type;
            given += (i == 0 ? "" : ", ") + std::string(name_of(types[i]));
        }
        const auto type = result_type(inst.op, {types.data(), inst.count}, inst.type);
        if (!type) {
            fail_at(v, formatted("{} does not take ({}); expected {}", row.name, given,
                                 describe(row.signature)));
        }
        if (*type != inst.type) {
            fail_at(v, formatted("{} of ({}) gives {}, not {}", row.name, given, name_of(*type),
                                 name_of(inst.type)));
        }
    }

    void results() const {
        if (f_.results.empty()) fail("nothing is returned");
        for (std::size_t i = 0; i < f_.results.size(); ++i) result(i, f_.results[i]);
    }

    [[noreturn]] void fail_result(const std::string& what) const {
        fail(formatted("`{}`: {}", print_results(f_), what));
    }

    void result(std::size_t i, const Result& r) const {
        if (r.value >= f_.insts.size()) {
            fail_result(formatted("%{} is not defined", r.value));
        }
        const Type type = f_.insts[r.value].type;
        if (r.buffer >= 0) return gradient(i, r, type);
        if (!r.indices.empty()) fail_result("indices without a buffer");
        const Type expected = f_.role == Role::mask_mod ? Type::boolean : f_.parameters[0].type;
        if (f_.role == Role::mask_mod && i > 0) fail_result("a mask_mod returns one bool");
        if (type != expected) {
            fail_result(formatted("result {} is {}; a {} returns {}", i, name_of(type),
                                  f_.role == Role::mask_mod ? "mask_mod" : "score_mod",
                                  name_of(expected)));
        }
    }

    void gradient(std::size_t i, const Result& r, Type type) const {
        if (i == 0 || f_.role != Role::score_mod) {
            fail_result("a gradient follows a score_mod's own result");
        }
        if (r.buffer >= static_cast<int>(f_.buffers.size())) fail_result("no such buffer");
        const BufferParameter& buffer = f_.buffers[r.buffer];
        if (!is_float(loaded_type(buffer.dtype)) || !is_float(type)) {
            fail_result(formatted("the gradient of @{} ({}) is {}; both must be floating point",
                                  buffer.name, name_of(buffer.dtype), name_of(type)));
        }
        if (static_cast<int>(r.indices.size()) != buffer.rank) {
            fail_result(formatted("@{} has rank {}, got {} indices", buffer.name, buffer.rank,
                                  r.indices.size()));
        }
        for (const Value v : r.indices) {
            if (v >= f_.insts.size() || is_float(f_.insts[v].type)) {
                fail_result(formatted("index %{} is not an integer value", v));
            }
        }
    }

    const Function& f_;
    const char* where_;
};

}  // namespace

void verify(const Function& f, const char* where) { Verifier(f, where).run(); }

}  // namespace flexion::ir
