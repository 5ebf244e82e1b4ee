// SPDX-License-Identifier: Apache-2.0
// Captures of a call as the words that compiled code reads.
#include <bit>

#include "backend/cpu/tile_kernel.h"
#include "ir/function.h"

namespace flexion::cpu {
namespace {

std::size_t words_of(const Captures* captures) {
    if (captures == nullptr) return 0;
    std::size_t n = captures->scalars.size();
    for (const TensorView& view : captures->buffers)
        n += 1 + 2 * static_cast<std::size_t>(view.rank);
    return n;
}

Word scalar_word(const ScalarValue& scalar, ir::Type type) {
    const double real = scalar.is_integer ? static_cast<double>(scalar.integer) : scalar.real;
    switch (type) {
        case ir::Type::f32:
            return std::bit_cast<std::uint32_t>(static_cast<float>(real));
        case ir::Type::f64:
            return std::bit_cast<Word>(real);
        case ir::Type::i32:
            return static_cast<std::uint32_t>(scalar.integer);
        case ir::Type::i64:
        case ir::Type::boolean:
            break;
    }
    return static_cast<Word>(scalar.integer);
}

Word* pack(const ir::Function* function, const Captures* captures, Word* out) {
    if (function == nullptr || captures == nullptr) return out;
    for (const TensorView& view : captures->buffers) {
        *out++ = reinterpret_cast<Word>(view.data);
        for (int i = 0; i < view.rank; ++i) *out++ = static_cast<Word>(view.shape[i]);
        for (int i = 0; i < view.rank; ++i) *out++ = static_cast<Word>(view.strides[i]);
    }
    std::size_t parameter = static_cast<std::size_t>(function->builtin_parameters());
    for (const ScalarValue& scalar : captures->scalars)
        *out++ = scalar_word(scalar, function->parameters[parameter++].type);
    return out;
}

}  // namespace

std::size_t capture_words(const plan::Mods& mods) {
    return 1 + (mods.score ? words_of(mods.score_captures) : 0) +
           (mods.mask ? words_of(mods.mask_captures) : 0);
}

void pack_captures(const plan::Mods& mods, const void* vector_functions, Word* words) {
    *words++ = reinterpret_cast<Word>(vector_functions);
    words = pack(mods.score, mods.score_captures, words);
    pack(mods.mask, mods.mask_captures, words);
}

}  // namespace flexion::cpu
