// SPDX-License-Identifier: Apache-2.0
// Any bytes as IR text: refused with a UserError, or read into a function that prints to a fixed
// point, keeps its structure through simplify and evaluates.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <flexion/error.h>

#include "ir/function.h"
#include "ir/interpret.h"
#include "ir/text.h"
#include "passes/passes.h"

namespace {

using namespace flexion;  // NOLINT(google-build-using-namespace)

void check(bool condition) {
    if (!condition) std::abort();
}

/// Memory and scalars for what `f` declares: four elements a dimension, one for many dimensions.
Captures captures_for(const ir::Function& f, std::vector<std::vector<std::uint64_t>>* memory) {
    Captures captures;
    for (const ir::BufferParameter& buffer : f.buffers) {
        const std::int64_t extent = buffer.rank <= 3 ? 4 : 1;
        TensorView view;
        view.dtype = buffer.dtype;
        view.rank = buffer.rank;
        std::int64_t elements = 1;
        for (int i = buffer.rank - 1; i >= 0; --i) {
            view.shape[i] = extent;
            view.strides[i] = elements;
            elements *= extent;
        }
        memory->emplace_back(static_cast<std::size_t>(elements), 0x3f80'0001'0001'0001u);
        view.data = memory->back().data();
        captures.buffers.push_back(view);
    }
    captures.scalars.resize(static_cast<std::size_t>(f.scalar_count()));
    for (int i = 0; i < f.scalar_count(); ++i) {
        const auto place = static_cast<std::size_t>(i);
        captures.scalars[place].is_integer =
            !ir::is_float(f.parameters[f.builtin_parameters() + place].type);
        captures.scalars[place].integer = i;
        captures.scalars[place].real = i;
    }
    return captures;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    ir::Function f;
    try {
        f = ir::parse(text);
    } catch (const UserError&) {
        return 0;
    }
    const std::string printed = ir::print(f);
    const ir::Function again = ir::parse(printed);
    check(ir::same_structure(f, again));
    check(ir::structural_hash(f) == ir::structural_hash(again));
    check(ir::print(again) == printed);
    if (f.insts.size() > 2000) return 0;  // keep the executions short

    const ir::Function simple = passes::simplify(f);
    ir::verify(simple);
    check(simple.results.size() == f.results.size());
    passes::uniformity(simple);

    std::vector<std::vector<std::uint64_t>> memory;
    const Captures captures = captures_for(f, &memory);
    const std::int32_t positions[] = {0, 1, -1, 3, 1 << 30};
    ir::Positions at;
    at.count = std::size(positions);
    at.q = positions;
    at.k = positions;
    for (const ir::Precision precision : {ir::Precision::typed, ir::Precision::oracle}) {
        ir::Interpreter interpreter(f, captures, precision);
        check(interpreter.run(at).size() == f.results.size());
    }
    return 0;
}
