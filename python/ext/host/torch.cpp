// SPDX-License-Identifier: Apache-2.0
// Looks torch's names up at first use.
#include "host/torch.h"

#include <memory>

#include "errors.h"

namespace flexion::python {
namespace {

std::unique_ptr<Torch> g_torch;  // emptied by unload_torch() while Python still runs

std::unique_ptr<Torch> look_up(nb::object module) {
    auto torch = std::make_unique<Torch>();
    torch->tensor = module.attr("Tensor");
    const nb::object version = module.attr("__version__");
    if (!nb::hasattr(torch->tensor, "__dlpack_c_exchange_api__")) {
        fail<Unsupported>("flexion: torch {} has no DLPack exchange API; use torch 2.11 or later",
                          nb::cast<std::string>(nb::str(version)));
    }
    nb::object capsule = torch->tensor.attr("__dlpack_c_exchange_api__");
    torch->exchange = static_cast<const DlpackExchange*>(
        PyCapsule_GetPointer(capsule.ptr(), kDlpackExchangeName));
    if (!torch->exchange) throw nb::python_error();
    if (torch->exchange->version.major != 1 || !torch->exchange->describe) {
        fail<Unsupported>(
            "flexion: torch {} speaks version {}.{} of DLPack's exchange API; expected 1.x",
            nb::cast<std::string>(nb::str(version)), torch->exchange->version.major,
            torch->exchange->version.minor);
    }
    torch->parameter = module.attr("nn").attr("Parameter");
    torch->sym_int = module.attr("SymInt");
    torch->sym_float = module.attr("SymFloat");
    constexpr const char* kDtypes[] = {"float32", "float64", "bfloat16", "float16", "int64",
                                       "int32",   "int16",   "int8",     "uint8",   "bool"};
    for (int i = 0; i < 10; ++i) torch->dtypes[i] = module.attr(kDtypes[i]);
    torch->size = module.attr("Size");
    torch->num_threads = module.attr("get_num_threads");
    torch->grad_enabled = module.attr("is_grad_enabled");
    nb::object c = module.attr("_C");
    torch->dispatch_modes = c.attr("_len_torch_dispatch_stack");
    torch->functorch_level = c.attr("_functorch").attr("peek_interpreter_stack");
    torch->autocast = c.attr("_is_any_autocast_enabled");
    torch->compiler = module.attr("compiler");
    torch->forward_mode = module.attr("autograd").attr("forward_ad");
    torch->module = std::move(module);
    return torch;
}

}  // namespace

const Torch* loaded_torch() {
    if (g_torch) return g_torch.get();
    static PyObject* const name = PyUnicode_InternFromString("torch");
    nb::object module = nb::steal(PyImport_GetModule(name));
    if (!module.is_valid()) {
        PyErr_Clear();
        return nullptr;
    }
    // While torch is being imported it is listed already, but not complete.
    if (!nb::hasattr(module, "compiler") || !nb::hasattr(module, "nn")) return nullptr;
    g_torch = look_up(std::move(module));
    return g_torch.get();
}

void unload_torch() { g_torch.reset(); }

}  // namespace flexion::python
