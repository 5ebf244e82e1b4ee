// SPDX-License-Identifier: Apache-2.0
// Indexing: t[b, h], t[b, ..., k][h, q], t[:, 1:][h, 0], t[[q, k]].
#pragma once

#include <nanobind/nanobind.h>

namespace flexion::python {

/// `base`[index] where `base` is a captured tensor, a SubTensor or a Value, and traced values are
/// among what indexes or is indexed. A new reference to a Value or SubTensor.
PyObject* gather(PyObject* base, PyObject* index);

/// base[..., index, ...] along one dimension, as torch.index_select with one index.
PyObject* gather_along(PyObject* base, std::int64_t dim, PyObject* index);

}  // namespace flexion::python
