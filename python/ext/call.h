// SPDX-License-Identifier: Apache-2.0
// One attention call of Python: tensors read, mods traced, ready to run, and to run backward.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <flexion/attention.h>
#include <nanobind/nanobind.h>

#include "host/tensors.h"
#include "mask_core.h"
#include "trace/trace.h"

namespace flexion::python {

/// What a call was asked for beside its tensors.
struct CallOptions {
    double scale = 0;  ///< 0: 1 / sqrt(head_dim)
    bool enable_gqa = false;
    bool want_lse = false;
    bool want_max = false;
    int threads = 0;  ///< 0: torch's number where torch is loaded
    std::string backend;
};

class Call {
public:
    Call(nb::handle query, nb::handle key, nb::handle value, CallOptions options);

    const Input& query() const { return inputs_[0]; }
    void set_mods(TracedMod score, const MaskCore* core, TracedMod mask);

    bool needs_grad() const;
    nb::tuple run();
    nb::list backward(nb::handle query, nb::handle key, nb::handle value, nb::sequence captured,
                      nb::handle out, nb::handle lse, nb::handle d_out, nb::handle d_lse,
                      nb::sequence wants) const;
    void release();

    nb::list captured() const;
    std::size_t score_captured_count() const { return score_.function_buffers(); }
    nb::object score_mod() const;
    nb::object mask_mod() const;

private:
    int threads() const;

    Input inputs_[3];
    CallOptions options_;
    TracedMod score_, mask_;
    BlockMask block_mask_;
};

void add_call(nb::module_& m);

}  // namespace flexion::python
