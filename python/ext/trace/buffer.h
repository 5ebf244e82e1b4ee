// SPDX-License-Identifier: Apache-2.0
// Arrays that mods may index although their own type does not ask us: flexion.Buffer(array).
#pragma once

#include <nanobind/nanobind.h>

namespace flexion::python {

struct Input;

/// What a Buffer holds; null when `object` is none.
const Input* buffer_of(nanobind::handle object);

void add_buffer(nanobind::module_& m);

}  // namespace flexion::python
