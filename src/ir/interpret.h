// SPDX-License-Identifier: Apache-2.0
// Evaluates a function, one op at a time over a whole array of positions.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <flexion/expr.h>

#include "ir/function.h"

namespace flexion::ir {

/// An index that debug mode found to lie out of range, and the position that it was computed at.
struct OutOfRange {
    int buffer = 0, dim = 0;
    std::int64_t index = 0;
    std::int32_t b = 0, h = 0, q = 0, k = 0;
};
/// UserError of the public function `where`, naming the mod, the buffer, the index, the extent and
/// the position.
[[noreturn]] void fail_out_of_range(const char* where, const Function& f, const Captures& captures,
                                    const OutOfRange& found);

enum class Precision : std::uint8_t {
    typed,   ///< in the IR's own types, one rounding per op: what compiled code is compared with
    oracle,  ///< f32 values are carried in double; integers as typed
};

/// Positions to evaluate at: `count` of each; b, h, q, k are i32, `score` double (rounded to the
/// parameter's type in `typed`). A null pointer stands for the uniform value beside it.
struct Positions {
    std::int64_t count = 0;
    const double* score = nullptr;
    const std::int32_t* b = nullptr;
    const std::int32_t* h = nullptr;
    const std::int32_t* q = nullptr;
    const std::int32_t* k = nullptr;
    std::int32_t b_all = 0, h_all = 0, q_all = 0, k_all = 0;
};

/// One result of an evaluation: real for f32 and f64, integer for i32, i64 and bool.
struct Column {
    Type type = Type::f32;
    std::vector<double> real;
    std::vector<std::int64_t> integer;
};

/// Holds the working arrays of one function, reused from call to call. Not thread-safe.
class Interpreter {
public:
    /// `checked_for`: the public function on whose behalf an index out of range is a UserError;
    /// null: such an index is clamped, as everywhere.
    Interpreter(const Function& f, const Captures& captures, Precision precision,
                const char* checked_for = nullptr);
    ~Interpreter();
    Interpreter(Interpreter&&) noexcept;
    /// Evaluates all results; columns stay valid until the next call.
    const std::vector<Column>& run(const Positions& positions);

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Reads element `indices` of `view` as the interpreter does: negative counts from the end once,
/// then clamped; an empty buffer gives 0.
double read_real(const TensorView& view, std::span<const std::int64_t> indices);
std::int64_t read_integer(const TensorView& view, std::span<const std::int64_t> indices);

}  // namespace flexion::ir
