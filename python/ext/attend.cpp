// SPDX-License-Identifier: Apache-2.0
// The short way of a call: plain tensors of torch of the usual shapes, and a mask as
// create_block_mask made it. Everything else is told to take the long one, which validates.
#include <memory>

#include <nanobind/stl/unique_ptr.h>

#include "call.h"
#include "errors.h"

namespace flexion::python {
namespace {

/// What the package tells about its BlockMask: the type, and mask_mods that are none.
struct Masks {
    nb::object type;
    nb::tuple without_mod, unusual;
};
std::unique_ptr<Masks> g_masks;  // emptied by forget_masks() while Python still runs

PyObject* interned(const char* text) { return PyUnicode_InternFromString(text); }

struct Names {
    PyObject* core = interned("_core");
    PyObject* core_lengths = interned("_core_lengths");
    PyObject* lengths = interned("seq_lengths");
    PyObject* device = interned("device");
    PyObject* mask_device = interned("_device");
    PyObject* mask_mod = interned("mask_mod");
    PyObject* tables[4] = {interned("kv_num_blocks"), interned("kv_indices"),
                           interned("full_kv_num_blocks"), interned("full_kv_indices")};
};
const Names& names() {
    static const Names all;
    return all;
}

bool contains(const nb::tuple& objects, PyObject* object) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(objects.ptr()); ++i) {
        if (PyTuple_GET_ITEM(objects.ptr(), i) == object) return true;
    }
    return false;
}

/// The parts of a mask that a call takes; borrowed.
struct ReadyMask {
    const MaskCore* core = nullptr;
    PyObject* mask_mod = nullptr;  ///< null: the listed blocks are the mask
};

/// Whether the mask is one whose tables nobody has seen, for these lengths and where `query` is.
bool ready(PyObject* mask, const Input& query, std::int64_t kv_len, ReadyMask* out) {
    if (!g_masks || Py_TYPE(mask) != reinterpret_cast<PyTypeObject*>(g_masks->type.ptr())) {
        return false;
    }
    nb::object state = nb::steal(PyObject_GenericGetDict(mask, nullptr));
    if (!state.is_valid()) throw nb::python_error();
    const auto item = [&](PyObject* name) { return PyDict_GetItemWithError(state.ptr(), name); };
    for (PyObject* table : names().tables) {
        if (item(table)) return false;
    }
    PyObject* core = item(names().core);
    PyObject* lengths = item(names().lengths);
    if (!core || !lengths || lengths != item(names().core_lengths)) return false;
    if (!nb::inst_check(core) || !nb::isinstance<MaskCore>(core)) return false;
    const MaskCore* made = nb::inst_ptr<MaskCore>(core);
    if (made->mask().q_len() != query.view.shape[2] || made->mask().kv_len() != kv_len) {
        return false;
    }
    nb::object device = nb::steal(PyObject_GetAttr(query.object.ptr(), names().device));
    PyObject* mask_device = item(names().mask_device);
    if (!device.is_valid()) throw nb::python_error();
    if (!mask_device || PyObject_RichCompareBool(device.ptr(), mask_device, Py_EQ) != 1) {
        return false;
    }
    PyObject* mask_mod = item(names().mask_mod);
    if (!mask_mod || contains(g_masks->unusual, mask_mod)) return false;
    *out = {made, contains(g_masks->without_mod, mask_mod) ? nullptr : mask_mod};
    return true;
}

bool usual(const Input& query, const Input& key, const Input& value, bool enable_gqa) {
    const TensorView &q = query.view, &k = key.view, &v = value.view;
    if (q.rank != 4 || k.rank != 4 || v.rank != 4) return false;
    const bool heads =
        q.shape[1] == k.shape[1] || (enable_gqa && k.shape[1] > 0 && q.shape[1] % k.shape[1] == 0);
    return heads && q.shape[0] == k.shape[0] && q.shape[3] == k.shape[3] &&
           std::equal(k.shape.begin(), k.shape.begin() + 3, v.shape.begin()) &&
           q.dtype == k.dtype && q.dtype == v.dtype && q.device == k.device &&
           q.device == v.device && query.device_id == key.device_id &&
           query.device_id == value.device_id;
}

bool is_true(PyObject* flag) {
    const int truth = PyObject_IsTrue(flag);
    if (truth < 0) throw nb::python_error();
    return truth == 1;
}

/// The arguments of attend(), borrowed.
struct Arguments {
    PyObject *query, *key, *value, *score_mod, *block_mask, *scale, *enable_gqa, *want_lse,
        *want_max;
};

nb::object attend(const Arguments& given) {
    const Torch* torch = loaded_torch();
    const nb::object no = nb::none();
    if (!torch || !torch->is_plain(given.query) || !torch->is_plain(given.key) ||
        !torch->is_plain(given.value) || !unwatched(*torch)) {
        return no;
    }
    Input query, key, value;
    try {
        query = read_tensor(given.query, "query");
        key = read_tensor(given.key, "key");
        value = read_tensor(given.value, "value");
    } catch (...) {
        return no;  // the long way says what is wrong
    }
    const bool enable_gqa = is_true(given.enable_gqa);
    if (!usual(query, key, value, enable_gqa)) return no;
    ReadyMask mask;
    if (given.block_mask != Py_None && !ready(given.block_mask, query, key.view.shape[2], &mask)) {
        return no;
    }
    std::optional<double> scale;
    if (given.scale != Py_None) {
        scale = PyFloat_AsDouble(given.scale);
        if (*scale == -1 && PyErr_Occurred()) throw nb::python_error();
    }
    TracedMod score, masked;
    if (given.score_mod != Py_None) {
        score = score_mod_from(given.score_mod, query.view.dtype == DType::f64);
    }
    if (mask.mask_mod) masked = mask_mod_from(mask.mask_mod);
    Call call(std::move(query), std::move(key), std::move(value),
              CallOptions{.scale = explicit_scale(scale),
                          .enable_gqa = enable_gqa,
                          .want_lse = is_true(given.want_lse),
                          .want_max = is_true(given.want_max),
                          .backend = {}});
    call.set_mods(std::move(score), mask.core, std::move(masked));
    if (records_gradients(*torch) && call.requires_grad()) {
        return record(nb::cast(std::make_unique<Call>(std::move(call))), given.block_mask,
                      given.scale);
    }
    return call.run();
}

// A plain C function: nanobind would take a microsecond to hand over nine arguments.
PyObject* attend_entry(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
    return guarded(
        [&] {
            if (count != 9) fail<UserError>("flexion: attend() takes 9 arguments, got {}", count);
            const Arguments given{arguments[0], arguments[1], arguments[2],
                                  arguments[3], arguments[4], arguments[5],
                                  arguments[6], arguments[7], arguments[8]};
            return attend(given).release().ptr();
        },
        static_cast<PyObject*>(nullptr));
}

PyMethodDef g_attend = {"attend",
                        reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(attend_entry)),
                        METH_FASTCALL, nullptr};

}  // namespace

void forget_masks() { g_masks.reset(); }

void add_attend(nb::module_& m) {
    nb::object function = nb::steal(PyCFunction_NewEx(&g_attend, nullptr, nullptr));
    if (!function.is_valid()) throw nb::python_error();
    m.attr("attend") = function;
    m.def(
        "set_masks",
        [](nb::handle type, nb::tuple without_mod, nb::tuple unusual) {
            g_masks = std::make_unique<Masks>(Masks{nb::borrow(type), without_mod, unusual});
        },
        nb::arg("type"), nb::arg("without_mod"), nb::arg("unusual"));
}

}  // namespace flexion::python
