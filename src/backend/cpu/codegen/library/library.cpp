// SPDX-License-Identifier: Apache-2.0
// Calls of ahead-of-time functions through the table that word 0 of the captures points to.
#include <algorithm>
#include <vector>

#include "backend/cpu/codegen/library/ops.h"
#include "support/fail.h"

namespace flexion::cpu {
namespace {

std::vector<int> sequence(int count, int first, int wrap) {
    std::vector<int> lanes(count);
    for (int i = 0; i < count; ++i) lanes[i] = (first + i) % wrap;
    return lanes;
}

}  // namespace

Val table_entry(Code& c, int index) {
    FunctionScope& scope = c.scope();
    const std::string key = formatted("table{}", index);
    const auto [entry, missing] = scope.once.try_emplace(key);
    if (!missing) return entry->second;
    Code head(scope);
    Val& table = scope.once["table"];
    const Val captures{{Elem::ptr}, "%captures"};
    if (table.text.empty()) table = head.load({Elem::ptr}, captures, 8, true);
    const Val pointer = head.load({Elem::ptr}, head.gep(Elem::ptr, table, index), 8, true);
    scope.prologue += head.text();
    scope.once[key] = pointer;
    return pointer;
}

Val call_library(Code& c, VectorFunction function, std::span<const Val> args) {
    const Elem elem = args[0].ty.elem;
    const Val pointer = table_entry(c, math_index(function, elem == Elem::f64));
    const int native = vector_lanes(c.scope().module.isa()) / (elem == Elem::f64 ? 2 : 1);
    int lanes = 1;
    for (const Val& v : args) lanes = std::max(lanes, v.ty.lanes);
    const Ty full{elem, native};
    const auto call = [&](const std::vector<Val>& operands) {
        std::string list;
        for (const Val& v : operands) list += (list.empty() ? "" : ", ") + c.typed(v);
        return c.assign(full, formatted("call {} {}({})", name_of(full), pointer.text, list));
    };
    // Scalars go through the vector function, too: a value must not depend on which of the two the
    // schedule chose. Too few lanes are repeated, too many are cut into pieces.
    if (lanes <= native) {
        std::vector<Val> operands;
        for (const Val& v : args) {
            const bool widen = v.ty.lanes > 1 && v.ty.lanes < native;
            operands.push_back(widen ? c.shuffle(v, v, sequence(native, 0, lanes))
                                     : c.splat(v, native));
        }
        const Val r = call(operands);
        if (lanes == 1) return c.extract(r, 0);
        return lanes == native ? r : c.shuffle(r, r, sequence(lanes, 0, native));
    }
    std::vector<Val> pieces;
    for (int first = 0; first < lanes; first += native) {
        std::vector<Val> operands;
        for (const Val& v : args) {
            operands.push_back(v.ty.lanes == 1 ? c.splat(v, native)
                                               : c.shuffle(v, v, sequence(native, first, lanes)));
        }
        pieces.push_back(call(operands));
    }
    while (pieces.size() > 1) {  // the count is a power of two
        std::vector<Val> pairs;
        for (std::size_t i = 0; i < pieces.size(); i += 2) {
            const int width = 2 * pieces[i].ty.lanes;
            pairs.push_back(c.shuffle(pieces[i], pieces[i + 1], sequence(width, 0, width)));
        }
        pieces = std::move(pairs);
    }
    return pieces[0];
}

}  // namespace flexion::cpu
