// SPDX-License-Identifier: Apache-2.0
// The table of element type names.
#include "support/dtype.h"

namespace flexion {
namespace {

constexpr const char* kNames[] = {"f32", "f64", "bf16", "f16", "i64",
                                  "i32", "i16", "i8",   "u8",  "bool"};

}  // namespace

const char* name_of(DType dtype) { return kNames[static_cast<int>(dtype)]; }

std::optional<DType> find_dtype(std::string_view name) {
    for (int i = 0; i < static_cast<int>(std::size(kNames)); ++i) {
        if (name == kNames[i]) return static_cast<DType>(i);
    }
    return std::nullopt;
}

}  // namespace flexion
