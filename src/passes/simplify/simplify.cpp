// SPDX-License-Identifier: Apache-2.0
// Rewrites to a fixed point, then keeps what the results need in the order in which they need it.
#include "passes/passes.h"
#include "passes/simplify/rewriter.h"

namespace flexion::passes {
namespace {

using ir::Inst;
using ir::Value;

/// Live values only, parameters first, each result's operands before it, depth first.
ir::Function in_canonical_order(const ir::Function& f) {
    ir::Function g;
    g.role = f.role;
    g.name = f.name;
    g.parameters = f.parameters;
    g.buffers = f.buffers;
    std::vector<Value> moved(f.insts.size(), ir::kNoValue);
    for (Value p = 0; p < f.parameters.size(); ++p) {
        g.insts.push_back(f.insts[p]);
        moved[p] = p;
    }
    const auto place = [&](Value root) {
        std::vector<Value> open = {root};
        while (!open.empty()) {
            const Value v = open.back();
            Inst inst = f.insts[v];
            bool ready = true;
            for (int i = inst.count - 1; i >= 0 && moved[v] == ir::kNoValue; --i) {
                if (moved[inst.args[i]] != ir::kNoValue) continue;
                open.push_back(inst.args[i]);
                ready = false;
            }
            if (!ready) continue;
            open.pop_back();
            if (moved[v] != ir::kNoValue) continue;
            for (int i = 0; i < inst.count; ++i) inst.args[i] = moved[inst.args[i]];
            moved[v] = static_cast<Value>(g.insts.size());
            g.insts.push_back(inst);
        }
        return moved[root];
    };
    for (const ir::Result& result : f.results) {
        ir::Result placed{place(result.value), result.buffer, {}};
        for (Value index : result.indices) placed.indices.push_back(place(index));
        g.results.push_back(std::move(placed));
    }
    return g;
}

ir::Function rewritten(const ir::Function& f) {
    Rewriter rewriter(f);
    std::vector<Value> copy(f.insts.size());
    for (Value v = 0; v < f.insts.size(); ++v) {
        Inst inst = f.insts[v];
        if (inst.op == ir::Op::parameter) {
            copy[v] = v;
            continue;
        }
        for (int i = 0; i < inst.count; ++i) inst.args[i] = copy[inst.args[i]];
        copy[v] = rewriter.add(inst);
    }
    ir::Function g = std::move(rewriter.function());
    for (const ir::Result& result : f.results) {
        ir::Result placed{copy[result.value], result.buffer, {}};
        for (Value index : result.indices) placed.indices.push_back(copy[index]);
        g.results.push_back(std::move(placed));
    }
    return in_canonical_order(g);
}

}  // namespace

ir::Function simplify(const ir::Function& f) {
    // Values are rewritten once as they are appended; a rule that makes an operand simpler can let
    // another one match, so a second sweep or two find the rest.
    constexpr int kSweeps = 8;
    ir::Function g = rewritten(f);
    for (int sweep = 1; sweep < kSweeps; ++sweep) {
        ir::Function next = rewritten(g);
        if (ir::same_structure(g, next)) break;
        g = std::move(next);
    }
    return g;
}

}  // namespace flexion::passes
