// SPDX-License-Identifier: Apache-2.0
// Any function compiled as a pass that stores its results at every position: what emitted code is
// compared by.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/jit/loader.h"
#include "backend/cpu/tile_kernel.h"
#include "ir/interpret.h"
#include "plan/assumptions.h"

namespace flexion::test {

/// A rectangle of positions.
struct Rectangle {
    std::int32_t b = 0, h = 0, q0 = 0, k0 = 0;
    int queries = 1, keys = 1;
};

/// Functions of one module, compiled together for one instruction set and map. Their captures are
/// bound one by one; the functions must outlive this.
class CompiledValues {
public:
    struct Item {
        const ir::Function* function;
        std::uint64_t assumptions = 0;
        bool exact = true;
    };
    CompiledValues(std::vector<Item> items, cpu::Isa isa, cpu::TileMap map, bool f64 = false);

    /// All results of function `which` as the interpreter gives them: one column a result, keys
    /// fastest. score[query * keys + key], empty for masks.
    std::vector<ir::Column> run(std::size_t which, const Captures& captures, const Rectangle& at,
                                const std::vector<double>& score) const;

private:
    std::vector<Item> items_;
    cpu::Isa isa_;
    cpu::TileMap map_;
    bool f64_;
    std::vector<cpu::LoadedCode> code_;
};

/// The same from the interpreter.
std::vector<ir::Column> interpreted(const ir::Function& f, const Captures& captures,
                                    const Rectangle& at, const std::vector<double>& score,
                                    ir::Precision precision = ir::Precision::typed);

/// The assumption bits that hold for positions of the rectangle.
std::uint64_t assumption_bits(const ir::Function& f, const Captures& captures, const Rectangle& at);

/// Error of `got` in units in the last place of f32 at the exact value; infinite where only one is
/// NaN or a finite value is missed by an infinity that f32 does not round to.
double ulp_error(float got, double exact);

}  // namespace flexion::test
