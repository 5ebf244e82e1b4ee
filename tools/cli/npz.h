// SPDX-License-Identifier: Apache-2.0
// Arrays of NumPy's .npz files: a zip archive (libzip) of .npy members.
// Format: numpy.lib.format, versions 1 and 2.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <flexion/tensor.h>

namespace flexion::cli {

/// An array and its memory.
struct Array {
    std::vector<char> bytes;
    TensorView view;  ///< of `bytes`
};

/// All arrays by name. UserError when the file cannot be read, an element type is not one of
/// DType's (NumPy has no bf16), or a rank is above kMaxRank.
std::map<std::string, Array> read_npz(const std::string& path);
/// UserError when the file cannot be written. Views are dense.
void write_npz(const std::string& path, const std::map<std::string, TensorView>& arrays);

}  // namespace flexion::cli
