// SPDX-License-Identifier: Apache-2.0
// What the extension knows of torch, once a program has imported it; never imports it itself.
#pragma once

#include <flexion/tensor.h>
#include <nanobind/nanobind.h>

#include "host/dlpack_exchange.h"

namespace flexion::python {

namespace nb = nanobind;

struct Torch {
    nb::object module;
    nb::object tensor, parameter;  ///< the types whose objects are read through `exchange`
    nb::object sym_int, sym_float;
    const DlpackExchange* exchange = nullptr;
    nb::object dtypes[10];  ///< by DType
    nb::object size;        ///< torch.Size

    // Builtins that say what a call must respect.
    nb::object num_threads, grad_enabled;
    nb::object dispatch_modes, functorch_level, autocast;
    nb::object compiler, forward_mode;  ///< modules, whose globals say whether they are at work

    bool is_plain(nb::handle object) const {
        PyTypeObject* type = Py_TYPE(object.ptr());
        return type == reinterpret_cast<PyTypeObject*>(tensor.ptr()) ||
               type == reinterpret_cast<PyTypeObject*>(parameter.ptr());
    }
    bool is_tensor(nb::handle object) const {
        return is_plain(object) ||
               PyObject_TypeCheck(object.ptr(), reinterpret_cast<PyTypeObject*>(tensor.ptr()));
    }
};

/// Null until the program has imported torch. Unsupported when that torch has no exchange API.
const Torch* loaded_torch();

/// Flexion's own memory on GPUs comes from torch's caching allocator from now on. Torch is loaded.
void use_torch_device_memory();

/// Drops all references; for the end of the process.
void unload_torch();

}  // namespace flexion::python
