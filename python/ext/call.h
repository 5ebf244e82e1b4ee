// SPDX-License-Identifier: Apache-2.0
// One attention call of Python: tensors read, mods traced, ready to run, and to run backward.
#pragma once

#include <optional>
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
    Call(Input query, Input key, Input value, CallOptions options);

    const Input& query() const { return inputs_[0]; }
    void set_mods(TracedMod score, const MaskCore* core, TracedMod mask);

    /// Whether one of the tensors requires a gradient. AssertionError, as in torch, if one that the
    /// mask_mod read does.
    bool requires_grad() const;
    /// keep_lse: lse is returned, asked for or not: backward() needs it.
    nb::tuple run(bool keep_lse = false);
    nb::list backward(nb::handle query, nb::handle key, nb::handle value, nb::sequence captured,
                      nb::handle out, nb::handle lse, nb::handle d_out, nb::handle d_lse,
                      nb::sequence wants) const;
    void release();

    bool wants_lse() const { return options_.want_lse; }
    nb::list captured() const;
    std::size_t score_captured_count() const { return score_.function_buffers(); }
    const Input& input(int i) const { return inputs_[i]; }
    /// f(Input) for what score_mod reads, then for what mask_mod does.
    template <class F>
    void each_captured(F&& f) const {
        for (const TracedMod* mod : {&score_, &mask_}) {
            for (const Input& input : mod->captured) f(input);
        }
    }
    nb::object score_mod() const;
    nb::object mask_mod() const;

private:
    int threads() const;

    Input inputs_[3];
    CallOptions options_;
    TracedMod score_, mask_;
    BlockMask block_mask_;
};

/// What torch says about them.
inline constexpr const char* kMaskGradient =
    "Captured buffers from mask mod that require grad are not supported.";

/// Whether no mode of torch watches what happens: dispatch modes, functorch, autocast, a compiler,
/// tangents.
bool unwatched(const Torch& torch);
/// Whether it is a tensor of torch that requires a gradient.
bool requires_grad(const Input& input);
/// Whether torch records gradients.
bool records_gradients(const Torch& torch);

/// 0 stands for the default in C++; a scale of 0 is then what rounds to it.
double explicit_scale(std::optional<double> scale);

void add_call(nb::module_& m);
void add_attend(nb::module_& m);
void add_record(nb::module_& m);
/// (out, lse, max_scores) of a Call some tensor of which requires a gradient, recorded.
nb::tuple record(nb::object call, nb::handle block_mask, nb::handle scale);
void forget_masks();
void forget_autograd();

}  // namespace flexion::python
