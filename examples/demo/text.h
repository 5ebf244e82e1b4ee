// SPDX-License-Identifier: Apache-2.0
// The demonstration's data: real text as one sequence of packed documents.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "measure/tensor.h"

namespace flexion::demo {

/// Bytes are the tokens.
struct PackedText {
    std::string tokens;
    std::vector<std::int32_t> document;  ///< of each token, ascending from 0
    std::int64_t length() const { return static_cast<std::int64_t>(tokens.size()); }
    int documents() const { return document.empty() ? 0 : document.back() + 1; }
};

/// The text files of a folder, each a document in its whole length, the shortest first, until at
/// least `tokens` tokens are packed.
PackedText pack_documents(const std::string& folder, std::int64_t tokens);

/// q, k, v of an attention layer over the text: embeddings of each byte and the two before it,
/// times fixed random projections. [1, heads, length, head_dim], f32.
measure::Tensors embed(const PackedText& text, std::int64_t heads, std::int64_t head_dim);

}  // namespace flexion::demo
