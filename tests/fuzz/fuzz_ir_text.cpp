// SPDX-License-Identifier: Apache-2.0
// Any bytes are either refused by the parser with UserError, or a function that survives a round
// trip.
#include <flexion/error.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ir/text.h"

using namespace flexion;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    ir::Function f;
    try {
        f = ir::parse({reinterpret_cast<const char*>(bytes), size});
    } catch (const UserError&) {
        return 0;
    }
    const std::string text = ir::print(f);
    const ir::Function again = ir::parse(text);
    if (!ir::same_structure(f, again) || ir::print(again) != text ||
        ir::structural_hash(f) != ir::structural_hash(again)) {
        std::abort();
    }
    return 0;
}
