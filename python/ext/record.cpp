// SPDX-License-Identifier: Apache-2.0
// A call that records gradients: the forward of flexion.autograd.FusedAttention, and the way to it.
#include <memory>

#include "call.h"
#include "errors.h"

namespace flexion::python {
namespace {

std::unique_ptr<nb::object> g_apply;  // emptied by forget_autograd() while Python still runs

PyObject* interned(const char* text) { return PyUnicode_InternFromString(text); }

void set(PyObject* object, PyObject* name, nb::handle value) {
    if (PyObject_SetAttr(object, name, value.ptr()) != 0) throw nb::python_error();
}

Call& call_in(const nb::tuple& origin) { return *nb::inst_ptr<Call>(origin[0]); }

/// Saved for backward: query, key, value, out, lse, captured tensors. `others`: what is captured
/// and no tensor of torch, None for those that are; None where all are.
nb::tuple saved_by(const Call& call, const nb::tuple& results, nb::object* others) {
    nb::list captured;
    bool all = true;
    call.each_captured([&](const Input& input) { all &= input.of_torch; });
    nb::list kept;
    call.each_captured([&](const Input& input) {
        if (input.of_torch) captured.append(input.object);
        if (!all) kept.append(input.of_torch ? nb::object(nb::none()) : input.object);
    });
    *others = all ? nb::object(nb::none()) : nb::object(kept);
    nb::object saved = nb::steal(PyTuple_New(5 + static_cast<Py_ssize_t>(captured.size())));
    if (!saved.is_valid()) throw nb::python_error();
    Py_ssize_t at = 0;
    const auto add = [&](nb::handle x) { PyTuple_SET_ITEM(saved.ptr(), at++, Py_NewRef(x.ptr())); };
    for (int i = 0; i < 3; ++i) add(call.input(i).object);
    add(results[0]);
    add(results[1]);
    for (nb::handle each : captured) add(each);
    return nb::borrow<nb::tuple>(saved);
}

/// forward(ctx, (call, block_mask, scale, learned), *inputs). The setters are those behind ctx's
/// save_for_backward() and the like, which are functions of Python: 4 us in all.
nb::object forward(PyObject* ctx, const nb::tuple& origin) {
    static PyObject* const kOrigin = interned("origin");
    static PyObject* const kSaved = interned("to_save");
    static PyObject* const kMaterialize = interned("materialize_grads");
    static PyObject* const kConstant = interned("non_differentiable");
    Call& call = call_in(origin);
    const nb::tuple results = call.run(true);
    nb::object others;
    set(ctx, kSaved, saved_by(call, results, &others));
    set(ctx, kOrigin, nb::make_tuple(origin[0], origin[1], origin[2], others, origin[3]));
    set(ctx, kMaterialize, nb::handle(Py_False));
    call.release();
    const nb::object max_scores = results[2];
    if (!max_scores.is_none()) {
        set(ctx, kConstant, nb::make_tuple(max_scores));
    } else if (!call.wants_lse()) {
        return results[0];
    }
    return results;
}

PyObject* forward_entry(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    return guarded(
        [&] {
            if (count < 2 || !PyTuple_Check(arguments[1])) {
                fail<UserError>("flexion: forward() takes a context and a call");
            }
            return forward(arguments[0], nb::borrow<nb::tuple>(arguments[1])).release().ptr();
        },
        static_cast<PyObject*>(nullptr));
}

PyMethodDef g_forward = {"forward",
                         reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(forward_entry)),
                         METH_FASTCALL, nullptr};

}  // namespace

nb::tuple record(nb::object call, nb::handle block_mask, nb::handle scale) {
    if (!g_apply) fail<UserError>("flexion: import flexion before a call records gradients");
    const Call& made = *nb::inst_ptr<Call>(call);
    nb::list learned;  // positions among what is captured: autograd needs to see no other
    std::vector<PyObject*> arguments{nullptr};
    for (int i = 0; i < 3; ++i) arguments.push_back(made.input(i).object.ptr());
    std::int64_t at = 0;
    made.each_captured([&](const Input& input) {
        if (requires_grad(input)) {
            learned.append(at);
            arguments.push_back(input.object.ptr());
        }
        ++at;
    });
    const nb::tuple origin = nb::make_tuple(call, block_mask, scale, learned);
    arguments[0] = origin.ptr();
    nb::object result =
        nb::steal(PyObject_Vectorcall(g_apply->ptr(), arguments.data(), arguments.size(), nullptr));
    if (!result.is_valid()) throw nb::python_error();
    if (PyTuple_Check(result.ptr())) return nb::borrow<nb::tuple>(result);
    return nb::make_tuple(result, nb::none(), nb::none());
}

void forget_autograd() { g_apply.reset(); }

void add_record(nb::module_& m) {
    nb::object function = nb::steal(PyCFunction_NewEx(&g_forward, nullptr, nullptr));
    if (!function.is_valid()) throw nb::python_error();
    m.attr("forward") = function;
    m.def("record", record, nb::arg("call"), nb::arg("block_mask").none(), nb::arg("scale").none());
    m.def(
        "set_autograd",
        [](nb::object apply) { g_apply = std::make_unique<nb::object>(std::move(apply)); },
        nb::arg("apply"));
}

}  // namespace flexion::python
