// SPDX-License-Identifier: Apache-2.0
// SPEC: how the command line names mods. `causal&window:256`, `alibi&softcap:30`, or a file of IR
// text.
//
//   spec   = union ; union = chain {"|" chain} ; chain = factor {"&" factor}
//   factor = "~" factor | "(" union ")" | name [":" number {"," number}] | path ending in .flex
// Masks are combined by & | ~. Score mods know only &: the left one is applied first.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <flexion/expr.h>
#include <flexion/tensor.h>

namespace flexion::cli {

/// What the mods of a SPEC are made for, and the owner of the memory they capture.
class SpecScope {
public:
    SpecScope(std::int64_t heads, std::int64_t q_len, std::int64_t kv_len)
        : heads(heads), q_len(q_len), kv_len(kv_len) {}
    std::int64_t heads, q_len, kv_len;
    /// Arrays and numbers that a .flex file's buffers and scalars are bound to, by name.
    std::map<std::string, TensorView> arrays{};
    std::map<std::string, double> numbers{};
    /// Declared but unbound captures of a .flex file become empty ones: enough to emit code.
    bool bind_missing = false;

    Buffer floats(std::vector<float> values, std::vector<std::int64_t> shape);
    Buffer integers(std::vector<std::int32_t> values);

private:
    std::deque<std::vector<float>> floats_;
    std::deque<std::vector<std::int32_t>> integers_;
};

/// UserError when `text` is no SPEC or a name is unknown; "" and "none" give the empty mod.
ScoreMod score_from_spec(const std::string& text, SpecScope& scope);
MaskMod mask_from_spec(const std::string& text, SpecScope& scope);

/// Whether the first name of `text` is a mask's.
bool names_mask(const std::string& text);

struct SpecName {
    std::string usage;  ///< "window:W"
    std::string help;
};
std::vector<SpecName> score_names();
std::vector<SpecName> mask_names();

}  // namespace flexion::cli
