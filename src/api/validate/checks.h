// SPDX-License-Identifier: Apache-2.0
// The rules that attention and attention_backward share. Each throws in the name of `where`, the
// public function.
#pragma once

#include <initializer_list>
#include <string>

#include <flexion/attention.h>
#include <flexion/tensor.h>

namespace flexion {

/// "q f32[1, 8, 128, 64]"
std::string text_of(const char* name, const TensorView& view);

/// Rank, extents not negative, data unless empty; `dims` names the dimensions.
void check_tensor(const char* where, const char* name, const TensorView& view, int rank,
                  const char* dims);
/// Every element of a tensor that is written has memory of its own.
void check_written(const char* where, const char* name, const TensorView& view);
void check_aliases(const char* where, const char* written, const TensorView& output,
                   const char* name, const TensorView& input);
void check_dtypes(const char* where, const TensorView& q, const TensorView& k, const TensorView& v,
                  const TensorView& out);
void check_shapes(const char* where, const TensorView& q, const TensorView& k, const TensorView& v,
                  const TensorView& out, bool enable_gqa);
/// lse and its like: [B, Hq, Sq], f32 or f64; nothing where data is null.
void check_statistic(const char* where, const char* name, const TensorView& view,
                     const TensorView& q);
void check_mask(const char* where, const BlockMask& mask, const TensorView& q, const TensorView& k);
/// A mask_mod that stands in for block_mask's has its structure; nothing where it is empty.
void check_mask_mod(const char* where, const BlockMask& mask, const MaskMod& stand_in);
/// All that have data lie where q does.
void check_devices(const char* where, const TensorView& q,
                   std::initializer_list<const TensorView*> others);
void check_numbers(const char* where, int threads, double scale);

}  // namespace flexion
