// SPDX-License-Identifier: Apache-2.0
// Tensors of Python as views, and new tensors for results.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include <flexion/tensor.h>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "host/torch.h"

namespace flexion::python {

/// A tensor with what keeps its memory. `view` of one that was described only has no data.
struct Input {
    nb::object object;
    TensorView view;
    nb::object keep{};             ///< a copy that the memory belongs to, instead of `object`
    nb::ndarray<nb::ro> import{};  ///< of what is neither torch's nor a Buffer
    bool of_torch = false;
    int device_id = 0;
};

/// The memory of a torch.Tensor or Parameter (exact types), a Buffer, a NumPy array or any DLPack
/// object. `what` names it in messages. UserError, Unsupported.
Input read_tensor(nb::handle object, const char* what);

/// dtype, rank and extents alone, by attributes: fake tensors and wrappers have no memory that
/// could be read. Extents that are symbolic are 0.
Input describe_tensor(nb::handle object, const char* what);

/// Whether read_tensor may take it for an array: a tensor, ndarray or DLPack object.
bool is_array(nb::handle object);

/// The Flexion dtype of a torch.dtype, NumPy dtype or Python type (bool, int, float), or nothing.
std::optional<DType> dtype_of(nb::handle object);
/// The torch.dtype; a NumPy name where torch is not loaded.
nb::object dtype_object(DType dtype);

/// A new tensor, dense, its dimensions laid out in the order of the strides of `like` (row-major
/// where ranks differ); torch's where like.of_torch, else a NumPy array.
Input new_tensor(const Input& like, DType dtype, std::span<const std::int64_t> shape);

/// A row-major int32 (uint8, bool) array from memory that is moved into it; torch's if torch is
/// loaded.
nb::object array_of(std::vector<std::int32_t> values, std::span<const std::int64_t> shape);
nb::object array_of_bools(std::vector<std::uint8_t> values, std::span<const std::int64_t> shape);

}  // namespace flexion::python
