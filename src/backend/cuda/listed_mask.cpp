// SPDX-License-Identifier: Apache-2.0
// The mask_mod of a table of blocks.
#include "backend/cuda/listed_mask.h"

#include "ir/text.h"

namespace flexion::cuda {

const ir::Function& listed_mask() {
    static const ir::Function* const function = new ir::Function(ir::parse(
        "flexion.ir 1\n"
        "mask_mod listed(%b: i32, %h: i32, %q: i32, %k: i32, %block_q: i32, %block_kv: i32, "
        "@listed: bool[?, ?, ?, ?]) {\n"
        "  %6 = floordiv.i32 %q, %block_q\n"
        "  %7 = floordiv.i32 %k, %block_kv\n"
        "  %8 = load @listed[%b, %h, %6, %7]\n"
        "  return %8\n"
        "}\n"));
    return *function;
}

plan::Mods evaluated_mods(const plan::Problem& problem, const plan::Mods& mods) {
    plan::Mods evaluated = mods;
    if (problem.listed && problem.masked) evaluated.mask = &listed_mask();
    return evaluated;
}

}  // namespace flexion::cuda
