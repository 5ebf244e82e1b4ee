// SPDX-License-Identifier: Apache-2.0
// One run of a mod on traced values: the function that it records, the tensors and numbers that it
// captures.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <flexion/expr.h>
#include <nanobind/nanobind.h>

#include "host/tensors.h"
#include "ir/tracer.h"

namespace flexion::python {

namespace nb = nanobind;

/// A mod after its run. Immutable.
struct TracedMod {
    ScoreMod score;  ///< one of the two is set
    MaskMod mask;
    bool f64 = false;                 ///< the type of the score
    bool readable = true;             ///< its captures have memory
    std::vector<Input> captured;      ///< in the order of the function's buffers
    std::vector<nb::object> scalars;  ///< in the order of its scalar parameters

    const ir::Function& function() const { return score ? score.function(f64) : mask.function(); }
    std::size_t function_buffers() const { return score || mask ? function().buffers.size() : 0; }
    std::uint64_t hash() const { return score ? score.hash(f64) : mask.hash(); }
};

/// How captures are looked at.
enum class Reading : unsigned char {
    memory,   ///< they are read at once: plain tensors and arrays
    outlines  ///< dtype and rank alone: any tensor of torch, fake ones too
};

class Trace {
public:
    Trace(ir::Role role, ir::Type score_type, Reading reading);
    ~Trace();
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    /// The innermost one of this thread; TraceFailure where no mod is being run.
    static Trace& current();

    Tracer& tracer() { return tracer_; }
    ir::Builder& builder() { return tracer_.builder(); }
    ir::Type type_of(const Expr& value);
    /// f64 where scores are f64.
    ir::Type float_type() { return builder().float_type(); }

    /// The capture of this tensor, made at its first use.
    const Input& capture(nb::handle tensor);
    /// Element `indices` of a captured tensor, in the type that mods compute with.
    Expr load(nb::handle tensor, std::span<const Expr> indices);
    /// A Python number: a constant where it is a literal of the code that runs, else a run-time
    /// scalar. `captured`: a scalar in any case.
    Expr number(nb::handle object, bool captured);

    TracedMod finish(const Expr& result);

private:
    int number_of(nb::handle tensor);

    Tracer tracer_;
    Reading reading_;
    std::vector<Input> captured_;
    std::vector<int> buffers_;  // of each capture
    std::vector<nb::object> scalars_;
    Trace* outer_;
};

/// Runs the callable once. TraceFailure, or what it raises.
TracedMod trace_score_mod(nb::handle callable, bool f64, Reading reading);
TracedMod trace_mask_mod(nb::handle callable, Reading reading);

/// The mods of IR text, with what it reads.
TracedMod score_mod_from_ir(const std::string& text, nb::sequence captured, nb::sequence scalars);
TracedMod mask_mod_from_ir(const std::string& text, nb::sequence captured, nb::sequence scalars);

/// The same mod reading other tensors, of the same dtypes and ranks.
TracedMod with_captured(const TracedMod& mod, std::vector<Input> captured);

}  // namespace flexion::python
