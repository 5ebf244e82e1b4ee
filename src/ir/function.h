// SPDX-License-Identifier: Apache-2.0
// The intermediate representation: one straight-line SSA function over scalars, no control flow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <flexion/tensor.h>

namespace flexion::ir {

enum class Type : std::uint8_t { f32, f64, i32, i64, boolean };
const char* name_of(Type type);
constexpr bool is_float(Type t) { return t == Type::f32 || t == Type::f64; }
constexpr bool is_integer(Type t) { return t == Type::i32 || t == Type::i64; }

/// The type that a load from a buffer yields: bf16, f16, f32 -> f32; f64 -> f64; i64 -> i64;
/// i32, i16, i8, u8 -> i32; bool -> bool.
Type loaded_type(DType dtype);

/// What an instruction does. The first three are structural; the rest are the rows of ops.def.
enum class Op : std::uint8_t {
    parameter,
    constant,
    load,
#define FLEXION_OP(name, ...) name,
#include "ir/ops.def"
#undef FLEXION_OP
};

using Value = std::uint32_t;  ///< index into Function::insts
inline constexpr Value kNoValue = ~Value{0};

/// One instruction. Its value has the index of the instruction. `reserved` and `spare` are 0: with
/// them there is no padding, so that instructions are compared and hashed as bytes.
struct Inst {
    Op op = Op::constant;
    Type type = Type::f32;   ///< of the result
    std::uint8_t count = 0;  ///< operands in use
    std::uint8_t reserved = 0;
    std::uint16_t index = 0;  ///< parameter: which one; load: which buffer
    std::uint16_t spare = 0;
    std::array<Value, kMaxRank> args{};
    std::uint64_t bits = 0;  ///< constant: the value's bits, zero-extended (bool: 0 or 1)
    bool operator==(const Inst&) const = default;
};

enum class Role : std::uint8_t {
    score_mod,  ///< (score, b, h, q, k, scalars...) -> score's type
    mask_mod,   ///< (b, h, q, k, scalars...) -> bool
};

struct Parameter {
    std::string name;
    Type type = Type::f32;
};
struct BufferParameter {
    std::string name;
    DType dtype = DType::f32;
    int rank = 0;
};
/// A returned value; with `buffer` >= 0 it is a gradient that scatters to that buffer's `indices`.
struct Result {
    Value value = kNoValue;
    int buffer = -1;
    std::vector<Value> indices;
};

/// parameters: the role's own ones first (kScore.. below), then the run-time scalars.
/// insts[0 .. parameters.size()) are Op::parameter in order; operands precede their uses.
struct Function {
    Role role = Role::score_mod;
    std::string name;
    std::vector<Parameter> parameters;
    std::vector<BufferParameter> buffers;
    std::vector<Inst> insts;
    std::vector<Result> results;

    int builtin_parameters() const { return role == Role::score_mod ? 5 : 4; }
    int scalar_count() const { return static_cast<int>(parameters.size()) - builtin_parameters(); }
    /// Value of b, h, q, k.
    Value b() const { return role == Role::score_mod ? 1 : 0; }
    Value h() const { return b() + 1; }
    Value q() const { return b() + 2; }
    Value k() const { return b() + 3; }
};

/// Bounds on what one function may hold; parse, verify and Builder refuse more.
inline constexpr std::size_t kMaxInstructions = 1 << 16;
inline constexpr std::size_t kMaxParameters = 256;
inline constexpr std::size_t kMaxBuffers = 256;
inline constexpr std::size_t kMaxResults = 1024;

/// Equal but for names. The hash is over the same parts; it is stable within one process only.
bool same_structure(const Function& a, const Function& b);
std::uint64_t structural_hash(const Function& f);

/// An empty function of this role with its built-in parameters; score_type: f32 or f64.
Function make_function(Role role, Type score_type = Type::f32);

}  // namespace flexion::ir
