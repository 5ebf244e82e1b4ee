// SPDX-License-Identifier: Apache-2.0
// One forward sweep of the interval rules over the whole domain of positions.
#include "passes/interval/ranges.h"

#include <cstdlib>
#include <optional>

namespace flexion::passes {
namespace {

using ir::Op;
__extension__ typedef __int128 Wide;

/// The form's bounds when they fit `type`.
std::optional<Interval> bounds(const LinearForm& form, const std::vector<Interval>& of,
                               ir::Type type) {
    Wide lo = form.constant, hi = form.constant;
    for (const auto& [atom, coefficient] : form.terms) {
        if (std::abs(coefficient) > INT64_C(1) << 32) return {};  // sums stay below 2^127
        const Wide a = Wide{coefficient} * of[atom].lo, b = Wide{coefficient} * of[atom].hi;
        lo += std::min(a, b);
        hi += std::max(a, b);
    }
    const Interval all = everything(type);
    if (lo < all.lo || hi > all.hi) return {};
    return integers(static_cast<std::int64_t>(lo), static_cast<std::int64_t>(hi));
}

}  // namespace

Interval range_of(DType dtype) {
    switch (dtype) {
        case DType::i16:
            return integers(INT16_MIN, INT16_MAX);
        case DType::i8:
            return integers(INT8_MIN, INT8_MAX);
        case DType::u8:
            return integers(0, UINT8_MAX);
        default:
            return everything(ir::loaded_type(dtype));
    }
}

Ranges value_ranges(const ir::Function& f, const std::vector<LinearForm>& forms,
                    const std::function<Interval(const ir::Inst&)>& load, const Interval& score) {
    Ranges ranges;
    ranges.of.reserve(f.insts.size());
    for (ir::Value v = 0; v < f.insts.size(); ++v) {
        const ir::Inst& inst = f.insts[v];
        const int position = inst.index + 5 - f.builtin_parameters();
        bool exact = ir::is_integer(inst.type);
        Interval range{};
        if (inst.op == Op::parameter) {
            range = position == 0 ? score : position < 5 ? kPositions : everything(inst.type);
        } else if (inst.op == Op::constant) {
            range = interval_of(inst);
        } else if (inst.op == Op::load) {
            range = load(inst);
        } else {
            range = apply_rule(inst, f.insts[inst.args[inst.count - 1]].type,
                               [&](ir::Value x) { return ranges.of[x]; });
            if (exact && !forms[v].is_atom(v)) {
                for (int i = 0; i < inst.count; ++i) exact = exact && ranges.exact[inst.args[i]];
                const auto tight = bounds(forms[v], ranges.of, inst.type);
                exact = exact && tight;
                if (exact) range = *tight;
            }
        }
        ranges.of.push_back(range);
        ranges.exact.push_back(exact);
    }
    return ranges;
}

}  // namespace flexion::passes
