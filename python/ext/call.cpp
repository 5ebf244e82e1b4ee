// SPDX-License-Identifier: Apache-2.0
// The host path of a call: everything between Python's arguments and flexion::attention.
#include "call.h"

#include <algorithm>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include "errors.h"
#include "support/fail.h"

namespace flexion::python {
namespace {

bool is_true(const nb::object& question) {
    nb::object answer = nb::steal(PyObject_CallNoArgs(question.ptr()));
    if (!answer.is_valid()) throw nb::python_error();
    return answer.ptr() == Py_True;
}

bool is_plain(nb::args tensors) {
    const Torch* torch = loaded_torch();
    if (!torch) return true;
    for (nb::handle tensor : tensors) {
        if (torch->is_tensor(tensor) && !torch->is_plain(tensor)) return false;
    }
    return unwatched(*torch);
}

void require_four(const Input& input, const char* name) {
    if (input.view.rank != 4) {
        fail<UserError>("flexion: {} has {} dimensions; expected 4: batch, heads, length, head dim",
                        name, input.view.rank);
    }
}

std::unique_ptr<Call> call_on(nb::handle query, nb::handle key, nb::handle value,
                              CallOptions options) {
    return std::make_unique<Call>(read_tensor(query, "query"), read_tensor(key, "key"),
                                  read_tensor(value, "value"), std::move(options));
}

std::unique_ptr<Call> prepare(nb::handle query, nb::handle key, nb::handle value,
                              nb::handle score_mod, const MaskCore* block_mask, nb::handle mask_mod,
                              std::optional<double> scale, bool enable_gqa, bool want_lse,
                              bool want_max, int threads, std::string backend) {
    auto call = call_on(query, key, value,
                        CallOptions{explicit_scale(scale), enable_gqa, want_lse, want_max, threads,
                                    std::move(backend)});
    TracedMod score, mask;
    if (!score_mod.is_none()) {
        score = score_mod_from(score_mod, call->query().view.dtype == DType::f64);
    }
    if (!mask_mod.is_none()) mask = mask_mod_from(mask_mod);
    call->set_mods(std::move(score), block_mask, std::move(mask));
    return call;
}

std::unique_ptr<Call> prepare_from_ir(nb::handle query, nb::handle key, nb::handle value,
                                      const std::string& score_ir, nb::sequence score_captured,
                                      nb::sequence score_scalars, const MaskCore* block_mask,
                                      const std::string& mask_ir, nb::sequence mask_captured,
                                      nb::sequence mask_scalars, std::optional<double> scale,
                                      bool enable_gqa, bool want_lse, bool want_max, int threads,
                                      std::string backend) {
    auto call = call_on(query, key, value,
                        CallOptions{explicit_scale(scale), enable_gqa, want_lse, want_max, threads,
                                    std::move(backend)});
    TracedMod score, mask;
    if (!score_ir.empty()) score = score_mod_from_ir(score_ir, score_captured, score_scalars);
    if (!mask_ir.empty()) mask = mask_mod_from_ir(mask_ir, mask_captured, mask_scalars);
    call->set_mods(std::move(score), block_mask, std::move(mask));
    return call;
}

nb::object shared(const TracedMod& mod) {
    if (!mod.score && !mod.mask) return nb::none();
    return nb::cast(mod);
}

std::vector<Input> read_all(nb::sequence tensors, std::size_t begin, std::size_t count) {
    std::vector<Input> inputs;
    for (std::size_t i = 0; i < count; ++i) {
        inputs.push_back(read_tensor(nb::object(tensors[begin + i]), "a captured tensor"));
    }
    return inputs;
}

}  // namespace

bool requires_grad(const Input& input) {
    if (!input.of_torch) return false;
    static PyObject* const name = PyUnicode_InternFromString("requires_grad");
    nb::object answer = nb::steal(PyObject_GetAttr(input.object.ptr(), name));
    if (!answer.is_valid()) throw nb::python_error();
    return answer.ptr() == Py_True;
}

bool unwatched(const Torch& torch) {
    nb::object modes = nb::steal(PyObject_CallNoArgs(torch.dispatch_modes.ptr()));
    if (!modes.is_valid()) throw nb::python_error();
    if (PyLong_AsLong(modes.ptr()) != 0) return false;
    nb::object level = nb::steal(PyObject_CallNoArgs(torch.functorch_level.ptr()));
    if (!level.is_valid()) throw nb::python_error();
    if (!level.is_none() || is_true(torch.autocast)) return false;
    static PyObject* const compiling = PyUnicode_InternFromString("_is_compiling_flag");
    nb::object flag = nb::steal(PyObject_GetAttr(torch.compiler.ptr(), compiling));
    if (!flag.is_valid()) throw nb::python_error();
    if (flag.ptr() != Py_False) return false;
    static PyObject* const depth = PyUnicode_InternFromString("_current_level");
    nb::object tangents = nb::steal(PyObject_GetAttr(torch.forward_mode.ptr(), depth));
    if (!tangents.is_valid()) throw nb::python_error();
    return PyLong_AsLong(tangents.ptr()) < 0;
}

bool records_gradients(const Torch& torch) { return is_true(torch.grad_enabled); }

double explicit_scale(std::optional<double> scale) {
    constexpr double kZero = 1e-300;
    return !scale ? 0 : *scale == 0 ? kZero : *scale;
}

Call::Call(Input query, Input key, Input value, CallOptions options)
    : inputs_{std::move(query), std::move(key), std::move(value)}, options_(std::move(options)) {
    require_four(inputs_[0], "query");
    require_four(inputs_[1], "key");
    require_four(inputs_[2], "value");
}

void Call::set_mods(TracedMod score, const MaskCore* core, TracedMod mask) {
    if (!core && mask.mask) {
        fail<UserError>(
            "flexion: got a mask_mod without a block_mask; create one with "
            "create_block_mask");
    }
    score_ = std::move(score);
    mask_ = std::move(mask);
    if (core) block_mask_ = core->under(mask_.mask);
}

bool Call::requires_grad() const {
    if (!inputs_[0].of_torch) return false;
    for (const Input& input : mask_.captured) {
        if (python::requires_grad(input)) {
            PyErr_SetString(PyExc_AssertionError, kMaskGradient);
            throw nb::python_error();
        }
    }
    const auto any = [](const auto& inputs) {
        return std::any_of(std::begin(inputs), std::end(inputs), python::requires_grad);
    };
    return any(inputs_) || any(score_.captured);
}

int Call::threads() const {
    const Torch* torch = loaded_torch();
    if (options_.threads != 0 || !torch) return options_.threads;
    nb::object count = nb::steal(PyObject_CallNoArgs(torch->num_threads.ptr()));
    if (!count.is_valid()) throw nb::python_error();
    return static_cast<int>(PyLong_AsLong(count.ptr()));
}

nb::tuple Call::run(bool keep_lse) {
    const TensorView& q = inputs_[0].view;
    if (!inputs_[0].object.is_valid()) fail<UserError>("flexion: the call has been released");
    const DType statistics = q.dtype == DType::f64 ? DType::f64 : DType::f32;
    const std::int64_t shape[] = {q.shape[0], q.shape[1], q.shape[2], inputs_[2].view.shape[3]};
    const std::span<const std::int64_t> rows(shape, 3);
    Input out = new_tensor(inputs_[0], q.dtype, shape);
    Input lse, max_scores;
    AttentionOptions options{
        .score_mod = score_.score,
        .block_mask = block_mask_,
        .mask_mod = mask_.mask,
        .scale = options_.scale,
        .enable_gqa = options_.enable_gqa,
        .threads = threads(),
        .backend = options_.backend,
    };
    if (options_.want_lse || keep_lse) {
        lse = new_tensor(inputs_[0], statistics, rows);
        options.lse = lse.view;
    }
    if (options_.want_max) {
        max_scores = new_tensor(inputs_[0], statistics, rows);
        options.max_scores = max_scores.view;
    }
    if (q.device == Device::cuda) {
        const Torch& torch = *loaded_torch();
        use_torch_device_memory();
        if (torch.exchange->current_stream(kDLCUDA, inputs_[0].device_id, &options.stream) != 0) {
            throw nb::python_error();
        }
    }
    {
        nb::gil_scoped_release unlocked;
        attention(q, inputs_[1].view, inputs_[2].view, out.view, options);
    }
    const auto result = [](Input& input) {
        return input.object.is_valid() ? std::move(input.object) : nb::object(nb::none());
    };
    return nb::make_tuple(result(out), result(lse), result(max_scores));
}

nb::list Call::backward(nb::handle query, nb::handle key, nb::handle value, nb::sequence captured,
                        nb::handle out, nb::handle lse, nb::handle d_out, nb::handle d_lse,
                        nb::sequence wanted) const {
    std::vector<bool> wants;
    for (nb::handle want : wanted) wants.push_back(nb::cast<bool>(want));
    const std::size_t score_count = score_captured_count(), mask_count = mask_.function_buffers();
    if (nb::len(captured) != score_count + mask_count || wants.size() != 3 + nb::len(captured)) {
        fail<UserError>(
            "flexion: the call captured {} tensors and has as many gradients and three more, got "
            "{} tensors and {} wants",
            score_count + mask_count, nb::len(captured), wants.size());
    }
    const Input inputs[] = {read_tensor(query, "query"), read_tensor(key, "key"),
                            read_tensor(value, "value")};
    const Input result = read_tensor(out, "out"), statistics = read_tensor(lse, "lse");
    Input d_result, d_statistics;
    if (!d_out.is_none()) d_result = read_tensor(d_out, "the gradient of out");
    if (!d_lse.is_none()) d_statistics = read_tensor(d_lse, "the gradient of lse");
    TracedMod score, mask;
    if (score_.score) score = with_captured(score_, read_all(captured, 0, score_count));
    if (mask_.mask) mask = with_captured(mask_, read_all(captured, score_count, mask_count));
    BackwardOptions options{
        .score_mod = score.score,
        .block_mask = block_mask_,
        .mask_mod = mask.mask,
        .scale = options_.scale,
        .enable_gqa = options_.enable_gqa,
        .d_lse = d_statistics.view,
        .threads = threads(),
        .backend = options_.backend,
    };
    std::vector<Input> gradients(wants.size());
    for (std::size_t i = 0; i < wants.size(); ++i) {
        if (!wants[i]) continue;
        if (i >= 3 + score_count) fail<UserError>("flexion: {}", kMaskGradient);
        const Input& like = i < 3 ? inputs[i] : score.captured[i - 3];
        gradients[i] =
            new_tensor(like, like.view.dtype,
                       {like.view.shape.data(), static_cast<std::size_t>(like.view.rank)});
    }
    for (std::size_t i = 0; i < score_count; ++i) {
        options.d_buffers.push_back(gradients[3 + i].view);
    }
    {
        nb::gil_scoped_release unlocked;
        attention_backward(inputs[0].view, inputs[1].view, inputs[2].view, result.view,
                           statistics.view, d_result.view, gradients[0].view, gradients[1].view,
                           gradients[2].view, options);
    }
    nb::list list;
    for (Input& gradient : gradients) {
        list.append(gradient.object.is_valid() ? gradient.object : nb::object(nb::none()));
    }
    return list;
}

void Call::release() {
    for (Input& input : inputs_) input = Input{};
    // The functions stay; what they read comes anew.
    score_.captured.clear();
    mask_.captured.clear();
}

nb::list Call::captured() const {
    nb::list list;
    each_captured([&](const Input& input) { list.append(input.object); });
    return list;
}

nb::object Call::score_mod() const { return shared(score_); }
nb::object Call::mask_mod() const { return shared(mask_); }

void add_call(nb::module_& m) {
    nb::class_<Call>(m, "Call")
        .def_prop_ro("captured", &Call::captured)
        .def_prop_ro("score_captured_count", &Call::score_captured_count)
        .def_prop_ro("score_mod", &Call::score_mod)
        .def_prop_ro("mask_mod", &Call::mask_mod)
        .def_prop_ro("needs_grad",
                     [](const Call& call) {
                         const Torch* torch = loaded_torch();
                         return torch && records_gradients(*torch) && call.requires_grad();
                     })
        .def("run", &Call::run, nb::arg("keep_lse") = false)
        .def("backward", &Call::backward, nb::arg("query"), nb::arg("key"), nb::arg("value"),
             nb::arg("captured"), nb::arg("out"), nb::arg("lse"), nb::arg("d_out").none(),
             nb::arg("d_lse").none(), nb::arg("wants"))
        .def("release", &Call::release);
    m.attr("MASK_GRADIENT") = kMaskGradient;
    m.def("is_plain", is_plain);
    m.def("prepare", prepare, nb::arg("query"), nb::arg("key"), nb::arg("value"),
          nb::arg("score_mod") = nb::none(), nb::arg("block_mask") = nb::none(),
          nb::arg("mask_mod") = nb::none(), nb::arg("scale") = nb::none(),
          nb::arg("enable_gqa") = false, nb::arg("want_lse") = false, nb::arg("want_max") = false,
          nb::arg("threads") = 0, nb::arg("backend") = "");
    m.def("prepare_from_ir", prepare_from_ir, nb::arg("query"), nb::arg("key"), nb::arg("value"),
          nb::arg("score_ir"), nb::arg("score_captured"), nb::arg("score_scalars"),
          nb::arg("block_mask") = nb::none(), nb::arg("mask_ir") = "",
          nb::arg("mask_captured") = nb::tuple(), nb::arg("mask_scalars") = nb::tuple(),
          nb::arg("scale") = nb::none(), nb::arg("enable_gqa") = false, nb::arg("want_lse") = false,
          nb::arg("want_max") = false, nb::arg("threads") = 0, nb::arg("backend") = "");
}

}  // namespace flexion::python
