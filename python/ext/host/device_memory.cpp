// SPDX-License-Identifier: Apache-2.0
// What Flexion keeps on a GPU, from torch's caching allocator: it counts there, and torch can free
// its cache for it.
#include <flexion/device.h>

#include "host/torch.h"

namespace flexion::python {
namespace {

// Calls release the GIL before they come here, so that taking it cannot lock up.
void* allocate(void*, std::size_t bytes, int device) {
    const nb::gil_scoped_acquire locked;
    try {
        nb::object cuda = loaded_torch()->module.attr("cuda");
        nb::object address = cuda.attr("caching_allocator_alloc")(bytes, device);
        return PyLong_AsVoidPtr(address.ptr());
    } catch (const nb::python_error&) {  // out of memory; a DeviceError follows
        return nullptr;
    }
}

void release(void*, void* data, std::size_t, int) {
    if (!nb::is_alive()) return;  // the process ends, and its memory with it
    const nb::gil_scoped_acquire locked;
    const Torch* torch = loaded_torch();
    if (!torch) return;
    try {
        torch->module.attr("cuda").attr("caching_allocator_delete")(
            nb::steal(PyLong_FromVoidPtr(data)));
    } catch (nb::python_error& error) {
        error.discard_as_unraisable("flexion: returning device memory to torch");
    }
}

}  // namespace

void use_torch_device_memory() {
    static const bool done = [] {
        const DeviceAllocator allocator{allocate, release, nullptr};
        set_device_allocator(&allocator);
        return true;
    }();
    static_cast<void>(done);
}

}  // namespace flexion::python
