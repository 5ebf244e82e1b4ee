// SPDX-License-Identifier: Apache-2.0
// A flexion::BlockMask in Python, with the tensors that its mask_mod reads.
#pragma once

#include <mutex>
#include <optional>

#include <flexion/block_mask.h>
#include <nanobind/nanobind.h>

#include "trace/trace.h"

namespace flexion::python {

class MaskCore {
public:
    MaskCore(BlockMask mask, TracedMod mod) : mask_(std::move(mask)), mod_(std::move(mod)) {}

    const BlockMask& mask() const { return mask_; }
    const TracedMod& mod() const { return mod_; }

    /// The same blocks under this mask_mod (none: the lists are the mask). One of the structure
    /// that the mask was made with is no change: its captures go into the call (AttentionOptions).
    BlockMask under(const MaskMod& mask_mod) const;

private:
    BlockMask mask_;
    TracedMod mod_;
    mutable std::mutex guard_;
    mutable BlockMask other_;  // under the last mask_mod of another structure
};

/// The mask_mod of a Python callable or Traced object.
TracedMod mask_mod_from(nb::handle object);
/// The same of a score_mod.
TracedMod score_mod_from(nb::handle object, bool f64);

void add_mask_core(nb::module_& m);
void add_traced(nb::module_& m);

}  // namespace flexion::python
