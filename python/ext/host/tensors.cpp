// SPDX-License-Identifier: Apache-2.0
// Tensors come and go through DLPack: torch's by its table of C functions, 0.07 us each, others by
// nanobind's import, 2.6 us.
#include "host/tensors.h"

#include <algorithm>
#include <cstring>

#include "errors.h"
#include "support/fail.h"
#include "trace/buffer.h"

namespace flexion::python {
namespace {

struct DtypeRow {
    std::uint8_t code, bits;
    DType dtype;
    const char* name;  // NumPy's
};
constexpr DtypeRow kDtypes[] = {
    {kDLFloat, 32, DType::f32, "float32"},    {kDLFloat, 64, DType::f64, "float64"},
    {kDLBfloat, 16, DType::bf16, "bfloat16"}, {kDLFloat, 16, DType::f16, "float16"},
    {kDLInt, 64, DType::i64, "int64"},        {kDLInt, 32, DType::i32, "int32"},
    {kDLInt, 16, DType::i16, "int16"},        {kDLInt, 8, DType::i8, "int8"},
    {kDLUInt, 8, DType::u8, "uint8"},         {kDlpackBool, 8, DType::boolean, "bool"},
};
const DtypeRow& row_of(DType dtype) { return kDtypes[static_cast<int>(dtype)]; }

std::string name_of_type(nb::handle object) {
    return nb::cast<std::string>(nb::str(object.type().attr("__name__")));
}

[[noreturn]] void refuse_dtype(const char* what, const std::string& dtype) {
    fail<Unsupported>(
        "flexion: {} has dtype {}; expected float32, float64, bfloat16, float16, int64, int32, "
        "int16, int8, uint8 or bool",
        what, dtype);
}

void set_dtype(TensorView& view, DLDataType type, const char* what) {
    for (const DtypeRow& row : kDtypes) {
        if (row.code == type.code && row.bits == type.bits && type.lanes == 1) {
            view.dtype = row.dtype;
            return;
        }
    }
    refuse_dtype(what, formatted("{} of {} bits (DLPack)", type.code, type.bits));
}

void set_rank(TensorView& view, std::int64_t rank, const char* what) {
    if (rank > kMaxRank) {
        fail<UserError>("flexion: {} has {} dimensions; expected at most {}", what, rank, kMaxRank);
    }
    view.rank = static_cast<int>(rank);
}

TensorView view_of(const DLTensor& tensor, const char* what) {
    TensorView view;
    set_dtype(view, tensor.dtype, what);
    set_rank(view, tensor.ndim, what);
    const int device = tensor.device.device_type;
    if (device == kDLCUDA) {
        view.device = Device::cuda;
    } else if (device != kDLCPU && device != kDLCUDAHost) {
        fail<Unsupported>(
            "flexion: {} lies on a device of DLPack type {}; expected the CPU or a CUDA device",
            what, device);
    }
    view.data = tensor.data ? static_cast<char*>(tensor.data) + tensor.byte_offset : nullptr;
    for (int i = 0; i < view.rank; ++i) {
        view.shape[i] = tensor.shape[i];
        view.strides[i] = tensor.strides[i];
    }
    return view;
}

/// A tensor of torch whose elements are negated when read (imaginary parts of conjugates).
bool is_negated(nb::handle tensor) {
    static PyObject* const name = PyUnicode_InternFromString("is_neg");
    nb::object result = nb::steal(PyObject_CallMethodNoArgs(tensor.ptr(), name));
    if (!result.is_valid()) throw nb::python_error();
    return result.ptr() == Py_True;
}

Input import_array(nb::handle object, const char* what) {
    Input input;
    if (!nb::try_cast(object, input.import)) {
        fail<UserError>(
            "flexion: {} is of type {}; expected a torch.Tensor, a NumPy array or another object "
            "with __dlpack__ in host memory",
            what, name_of_type(object));
    }
    input.object = nb::borrow(object);
    TensorView& view = input.view;
    const nb::dlpack::dtype type = input.import.dtype();
    set_dtype(view, {type.code, type.bits, type.lanes}, what);
    set_rank(view, static_cast<std::int64_t>(input.import.ndim()), what);
    if (input.import.device_type() == nb::device::cuda::value) {
        view.device = Device::cuda;
    } else if (input.import.device_type() != nb::device::cpu::value) {
        fail<Unsupported>("flexion: {} lies on a device of DLPack type {}; expected the CPU", what,
                          input.import.device_type());
    }
    view.data = const_cast<void*>(input.import.data());
    for (int i = 0; i < view.rank; ++i) {
        view.shape[i] = static_cast<std::int64_t>(input.import.shape(i));
        view.strides[i] = input.import.stride(i);
    }
    return input;
}

/// The array of a Buffer, under the Buffer's name.
Input held_by(nb::handle buffer, Input input) {
    input.object = nb::borrow(buffer);
    return input;
}

void set_error(void*, const char* kind, const char* message) {
    PyErr_Format(PyExc_RuntimeError, "flexion: torch cannot make a tensor: %s: %s", kind, message);
}

/// Dimensions from the slowest to the fastest: by falling strides, then as they stand.
void stride_order(const TensorView& like, int* order) {
    for (int i = 0; i < like.rank; ++i) {
        order[i] = i;
        for (int j = i; j > 0 && like.strides[order[j]] > like.strides[order[j - 1]]; --j) {
            std::swap(order[j], order[j - 1]);
        }
    }
}

/// Torch takes shape and strides from the descriptor when it wraps it, so a tensor that is
/// allocated row-major in the order of the strides gets them rewritten before.
nb::object new_torch_tensor(const Torch& torch, TensorView& view, const int* order, int device_id) {
    std::int64_t shape[kMaxRank];
    for (int i = 0; i < view.rank; ++i) shape[i] = view.shape[order[i]];
    DLTensor prototype{};
    prototype.device = {view.device == Device::cuda ? kDLCUDA : kDLCPU, device_id};
    prototype.ndim = view.rank;
    prototype.dtype = {row_of(view.dtype).code, row_of(view.dtype).bits, 1};
    prototype.shape = shape;
    DlpackManaged* managed = nullptr;
    if (torch.exchange->allocate(&prototype, &managed, nullptr, set_error) != 0) {
        throw nb::python_error();
    }
    for (int i = 0; i < view.rank; ++i) {
        managed->dl_tensor.shape[i] = view.shape[i];
        managed->dl_tensor.strides[i] = view.strides[i];
    }
    view.data = static_cast<char*>(managed->dl_tensor.data) + managed->dl_tensor.byte_offset;
    void* object = nullptr;
    if (torch.exchange->managed_to_object(managed, &object) != 0) throw nb::python_error();
    return nb::steal(static_cast<PyObject*>(object));
}

template <class T, class Owner>
nb::object wrap_memory(T* data, Owner* owner, std::span<const std::int64_t> shape,
                       const std::int64_t* strides, nb::dlpack::dtype dtype, bool torch) {
    nb::capsule keeper(owner, [](void* p) noexcept { delete static_cast<Owner*>(p); });
    std::size_t extents[kMaxRank] = {};
    std::copy(shape.begin(), shape.end(), extents);
    if (torch) {
        return nb::cast(
            nb::ndarray<nb::pytorch>(data, shape.size(), extents, keeper, strides, dtype),
            nb::rv_policy::reference);
    }
    return nb::cast(nb::ndarray<nb::numpy>(data, shape.size(), extents, keeper, strides, dtype),
                    nb::rv_policy::reference);
}

/// 64 bytes, as torch aligns its own.
struct AlignedMemory {
    explicit AlignedMemory(std::size_t bytes)
        : data(::operator new(std::max<std::size_t>(bytes, 1), std::align_val_t{64})) {}
    ~AlignedMemory() { ::operator delete(data, std::align_val_t{64}); }
    AlignedMemory(const AlignedMemory&) = delete;
    AlignedMemory& operator=(const AlignedMemory&) = delete;
    void* data;
};

}  // namespace

Input read_tensor(nb::handle object, const char* what) {
    const Torch* torch = loaded_torch();
    if (torch && torch->is_plain(object)) {
        DLTensor tensor;
        if (torch->exchange->describe(object.ptr(), &tensor) != 0) throw nb::python_error();
        Input input{.object = nb::borrow(object),
                    .view = view_of(tensor, what),
                    .of_torch = true,
                    .device_id = tensor.device.device_id};
        const DType dtype = input.view.dtype;
        if ((dtype == DType::f32 || dtype == DType::f64) && is_negated(object)) {
            input.keep = object.attr("resolve_neg")();
            if (torch->exchange->describe(input.keep.ptr(), &tensor) != 0) {
                throw nb::python_error();
            }
            input.view = view_of(tensor, what);
        }
        return input;
    }
    if (const Input* buffer = buffer_of(object)) return held_by(object, *buffer);
    if (torch && torch->is_tensor(object)) {
        fail<UserError>(
            "flexion: {} is a {}, a subclass of torch.Tensor whose memory may not be read here; "
            "call flexion.flex_attention, which goes through torch's dispatcher",
            what, name_of_type(object));
    }
    return import_array(object, what);
}

Input describe_tensor(nb::handle object, const char* what) {
    const Torch* torch = loaded_torch();
    if (const Input* buffer = buffer_of(object)) return held_by(object, *buffer);
    if (!torch || !torch->is_tensor(object)) return import_array(object, what);
    Input input{.object = nb::borrow(object), .view = {}, .of_torch = true};
    nb::object dtype = object.attr("dtype");
    const auto known = dtype_of(dtype);
    if (!known) refuse_dtype(what, nb::cast<std::string>(nb::str(dtype)));
    input.view.dtype = *known;
    nb::object shape = object.attr("shape");
    set_rank(input.view, static_cast<std::int64_t>(nb::len(shape)), what);
    for (int i = 0; i < input.view.rank; ++i) {
        nb::object extent = shape[i];
        if (PyLong_CheckExact(extent.ptr())) {
            input.view.shape[i] = nb::cast<std::int64_t>(extent);
        }
    }
    return input;
}

bool is_array(nb::handle object) {
    const Torch* torch = loaded_torch();
    return (torch && torch->is_tensor(object)) || buffer_of(object) ||
           nb::hasattr(object, "__dlpack__");
}

std::optional<DType> dtype_of(nb::handle object) {
    if (object.ptr() == reinterpret_cast<PyObject*>(&PyBool_Type)) return DType::boolean;
    if (object.ptr() == reinterpret_cast<PyObject*>(&PyLong_Type)) return DType::i64;
    if (object.ptr() == reinterpret_cast<PyObject*>(&PyFloat_Type)) return DType::f32;
    if (const Torch* torch = loaded_torch()) {
        for (int i = 0; i < 10; ++i) {
            if (torch->dtypes[i].is(object)) return static_cast<DType>(i);
        }
    }
    nb::object name =
        nb::getattr(object, nb::hasattr(object, "name") ? "name" : "__name__", nb::none());
    std::string text;
    if (!nb::try_cast(name, text)) return std::nullopt;
    for (const DtypeRow& row : kDtypes) {
        if (text == row.name || text == std::string(row.name) + "_") return row.dtype;
    }
    return std::nullopt;
}

nb::object dtype_object(DType dtype) {
    if (const Torch* torch = loaded_torch()) return torch->dtypes[static_cast<int>(dtype)];
    return nb::str(row_of(dtype).name);
}

Input new_tensor(const Input& like, DType dtype, std::span<const std::int64_t> shape) {
    Input result;
    TensorView& view = result.view;
    view.dtype = dtype;
    view.rank = static_cast<int>(shape.size());
    view.device = like.view.device;
    std::copy(shape.begin(), shape.end(), view.shape.begin());
    int order[kMaxRank] = {0, 1, 2, 3, 4, 5};
    if (like.view.rank == view.rank) stride_order(like.view, order);
    // The last dimension is the innermost whatever `like` has, as in torch: rows are contiguous.
    int* last = std::find(order, order + view.rank, view.rank - 1);
    std::rotate(last, last + 1, order + view.rank);
    std::int64_t stride = 1;
    for (int i = view.rank - 1; i >= 0; --i) {
        view.strides[order[i]] = stride;
        stride *= std::max<std::int64_t>(view.shape[order[i]], 1);
    }
    if (like.of_torch) {
        result.of_torch = true;
        result.device_id = like.device_id;
        result.object = new_torch_tensor(*loaded_torch(), view, order, like.device_id);
        return result;
    }
    const auto bytes = static_cast<std::size_t>(view.numel() * size_of(dtype));
    auto* memory = new AlignedMemory(bytes);
    view.data = memory->data;
    const DtypeRow& row = row_of(dtype);
    result.object =
        wrap_memory(view.data, memory, shape, view.strides.data(), {row.code, row.bits, 1}, false);
    return result;
}

nb::object array_of(std::vector<std::int32_t> values, std::span<const std::int64_t> shape) {
    auto* owner = new std::vector<std::int32_t>(std::move(values));
    return wrap_memory(owner->data(), owner, shape, nullptr, nb::dtype<std::int32_t>(),
                       loaded_torch() != nullptr);
}

nb::object array_of_bools(std::vector<std::uint8_t> values, std::span<const std::int64_t> shape) {
    auto* owner = new std::vector<std::uint8_t>(std::move(values));
    return wrap_memory(owner->data(), owner, shape, nullptr, nb::dtype<bool>(),
                       loaded_torch() != nullptr);
}

}  // namespace flexion::python
