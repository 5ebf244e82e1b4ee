// SPDX-License-Identifier: Apache-2.0
// Classifies rectangles by running the interval program.
#include <flexion/error.h>

#include "passes/interval/program.h"

namespace flexion::passes {
namespace {

/// Indices of axes without tables are taken one by one up to so many.
constexpr std::int64_t kMaxOuter = 16;
/// Registers kept on the stack (5 KB); larger programs use memory of the thread.
constexpr int kStackRegisters = 128;

struct Bounds {
    std::int64_t lo, hi;
};

/// An index interval as loads take it: negative from the end once, then clamped. One or two ranges.
int in_range(const Interval& index, std::int64_t extent, Bounds out[2]) {
    int count = 0;
    if (index.lo < 0) {
        const std::int64_t last = std::min<std::int64_t>(index.hi, -1);
        out[count++] = {std::max<std::int64_t>(index.lo + extent, 0),
                        std::max<std::int64_t>(last + extent, 0)};
    }
    if (index.hi >= 0) {
        out[count++] = {std::min(std::max<std::int64_t>(index.lo, 0), extent - 1),
                        std::min(index.hi, extent - 1)};
    }
    return count;
}

/// Merges the extrema over all combinations of ranges; false where there are too many.
bool gather(const Extrema& table, const Interval* const* indices, int axis, Extrema::Index& first,
            Extrema::Index& last, Interval& found, bool& any) {
    if (axis == table.rank()) {
        const Interval part = table.range(first, last);
        found = any ? hull(found, part) : part;
        any = true;
        return true;
    }
    Bounds ranges[2];
    const int count = in_range(*indices[axis], table.extent(axis), ranges);
    const bool tabled = axis == table.row() || axis == table.column();
    for (int i = 0; i < count; ++i) {
        if (tabled) {
            first[axis] = ranges[i].lo;
            last[axis] = ranges[i].hi;
            if (!gather(table, indices, axis + 1, first, last, found, any)) return false;
            continue;
        }
        if (ranges[i].hi - ranges[i].lo >= kMaxOuter) return false;
        for (std::int64_t at = ranges[i].lo; at <= ranges[i].hi; ++at) {
            first[axis] = last[axis] = at;
            if (!gather(table, indices, axis + 1, first, last, found, any)) return false;
        }
    }
    return true;
}

Interval run_load(const IntervalProgram& program, const LoadStep& load, const Interval* registers) {
    if (load.table < 0) return everything(load.type);
    std::array<const Interval*, kMaxRank> indices{};
    for (int i = 0; i < load.rank; ++i) indices[i] = &registers[load.indices[i]];
    Extrema::Index first{}, last{};
    Interval found{};
    bool any = false;
    const Extrema& table = program.tables[load.table];
    if (!gather(table, indices.data(), 0, first, last, found, any)) return everything(load.type);
    return found;
}

/// The form's bounds; marked `nan` where a guard has wrapped or 64 bits do not hold them.
Interval run_form(const IntervalProgram& program, const RegisterForm& form,
                  const Interval* registers) {
    std::int64_t lo = form.constant, hi = form.constant;
    bool wrapped = false;
    for (std::uint32_t i = form.first_term; i < form.end_term; ++i) {
        const auto& [atom, c] = program.terms[i];
        const Interval& x = registers[atom];
        std::int64_t low = 0, high = 0;
        wrapped |= __builtin_mul_overflow(c, c < 0 ? x.hi : x.lo, &low);
        wrapped |= __builtin_mul_overflow(c, c < 0 ? x.lo : x.hi, &high);
        wrapped |= __builtin_add_overflow(lo, low, &lo);
        wrapped |= __builtin_add_overflow(hi, high, &hi);
    }
    for (std::uint32_t i = form.first_guard; i < form.end_guard; ++i)
        wrapped |= registers[program.guards[i]].nan;
    return {lo, hi, 0, 0, wrapped};
}

Interval run_member(const IntervalProgram& program, const Step& step, const Interval& x) {
    if (x.nan) return booleans(true, true);
    bool inside = false, meets = false;
    for (std::uint32_t i = step.set_first; i < step.set_end; ++i) {
        const auto& [lo, hi] = program.ranges[i];
        inside |= lo <= x.lo && x.hi <= hi;
        meets |= lo <= x.hi && x.lo <= hi;
    }
    return booleans(!inside, meets);
}

Interval execute(const IntervalProgram& program, const Box& box, Interval* registers) {
    registers[0] = integers(box.b0, box.b1);
    registers[1] = integers(box.h0, box.h1);
    registers[2] = integers(box.q0, box.q1);
    registers[3] = integers(box.k0, box.k1);
    bool all = true, some = false;
    bool disjunction = false;
    for (const Step& step : program.steps) {
        Interval& out = registers[step.out];
        switch (step.kind) {
            case Step::Kind::constant:
                out = program.constants[step.payload];
                break;
            case Step::Kind::form: {
                out = run_form(program, program.forms[step.payload], registers);
                const Interval type = everything(step.type);
                if (out.nan || out.lo < type.lo || out.hi > type.hi) {
                    out = type;
                    out.nan = true;
                }
                break;
            }
            case Step::Kind::member:
                out = run_member(program, step,
                                 run_form(program, program.forms[step.payload], registers));
                break;
            case Step::Kind::load:
                out = run_load(program, program.loads[step.payload], registers);
                break;
            case Step::Kind::rule:
                out = step.rule({step.op, step.type, step.result, registers[step.x],
                                 registers[step.y], registers[step.z]});
                break;
            case Step::Kind::conjunct:
                if (registers[step.x].is_false()) return booleans(true, false);
                all &= registers[step.x].is_true();
                break;
            case Step::Kind::disjunct:
                if (registers[step.x].is_true()) return booleans(false, true);
                some |= !registers[step.x].is_false();
                disjunction = true;
                break;
        }
    }
    return disjunction ? booleans(true, some) : booleans(!all, true);
}

}  // namespace

Interval IntervalProgram::run(const Box& box) const {
    if (registers <= kStackRegisters) {
        std::array<Interval, kStackRegisters> local;
        return execute(*this, box, local.data());
    }
    thread_local std::vector<Interval> large;
    if (large.size() < static_cast<std::size_t>(registers)) large.resize(registers);
    return execute(*this, box, large.data());
}

struct MaskIntervals::State {
    IntervalProgram program;
};

MaskIntervals::MaskIntervals(const ir::Function& mask, const Captures& captures) {
    const bool complete = captures.buffers.size() == mask.buffers.size() &&
                          static_cast<int>(captures.scalars.size()) == mask.scalar_count();
    if (mask.role != ir::Role::mask_mod || !complete)
        throw InternalError("MaskIntervals: expected a mask_mod and all that it captures");
    state_ = std::make_unique<State>(State{compile_intervals(mask, captures)});
}
MaskIntervals::~MaskIntervals() = default;
MaskIntervals::MaskIntervals(MaskIntervals&&) noexcept = default;

Verdict MaskIntervals::classify(const Box& box, bool corners) const {
    // The program rests on kPositions where it excludes wrapping.
    const bool below = (box.b0 | box.h0 | box.q0 | box.k0) < 0;
    if (below || std::max({box.b1, box.h1, box.q1, box.k1}) == INT32_MAX) return Verdict::undecided;
    const auto decided = [this](const Box& at) {
        const Interval value = state_->program.run(at);
        return value.is_true()    ? Verdict::all_true
               : value.is_false() ? Verdict::all_false
                                  : Verdict::undecided;
    };
    const Verdict verdict = decided(box);
    if (verdict != Verdict::undecided || !corners) return verdict;
    std::array<bool, 2> seen{};
    for (const auto& [q, k] : {std::pair(box.q0, box.k1), std::pair(box.q1, box.k0),
                               std::pair(box.q0, box.k0), std::pair(box.q1, box.k1)}) {
        const Verdict corner = decided({box.b0, box.b0, box.h0, box.h0, q, q, k, k});
        if (corner == Verdict::undecided) continue;
        seen[corner == Verdict::all_true] = true;
        if (seen[0] && seen[1]) return Verdict::mixed;
    }
    return Verdict::undecided;
}

}  // namespace flexion::passes
