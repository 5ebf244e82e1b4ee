// SPDX-License-Identifier: Apache-2.0
// flexion.Buffer: a captured array of NumPy or another library.
#include "trace/buffer.h"

#include "errors.h"
#include "host/tensors.h"
#include "trace/gather.h"

namespace flexion::python {
namespace {

struct Buffer {
    explicit Buffer(nb::handle array) : input(read_tensor(array, "the array of a Buffer")) {}
    Input input;
};

}  // namespace

const Input* buffer_of(nb::handle object) {
    return nb::isinstance<Buffer>(object) ? &nb::inst_ptr<Buffer>(object)->input : nullptr;
}

void add_buffer(nb::module_& m) {
    nb::class_<Buffer>(m, "Buffer")
        .def(nb::init<nb::handle>(), nb::arg("array"))
        .def("__getitem__",
             [](nb::handle self, nb::handle index) {
                 return nb::steal(gather(self.ptr(), index.ptr()));
             })
        .def_prop_ro("array", [](const Buffer& self) { return self.input.object; });
}

}  // namespace flexion::python
