// SPDX-License-Identifier: Apache-2.0
// The C interface: exceptions become codes and a message, DLTensors become views.
#include <flexion/c.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>

#include <flexion/flexion.h>
#include <flexion/options.h>
#include <flexion/version.h>

#include "support/fail.h"

struct flexion_score_mod {
    flexion::ScoreMod mod;
};
struct flexion_mask_mod {
    flexion::MaskMod mod;
};
struct flexion_block_mask {
    flexion::BlockMask mask;
};

namespace flexion {
namespace {

// A plain array: reporting an error must not fail for want of memory.
thread_local char t_message[4096] = "";

flexion_status report(flexion_status status, const char* message) noexcept {
    const std::size_t size = std::min(std::strlen(message), sizeof t_message - 1);
    std::memcpy(t_message, message, size);
    t_message[size] = '\0';
    return status;
}

template <class Body>
flexion_status guarded(Body&& body) noexcept {
    try {
        body();
        return FLEXION_OK;
    } catch (const UserError& error) {
        return report(FLEXION_USER_ERROR, error.what());
    } catch (const Unsupported& error) {
        return report(FLEXION_UNSUPPORTED, error.what());
    } catch (const CompileError& error) {
        return report(FLEXION_COMPILE_ERROR, error.what());
    } catch (const DeviceError& error) {
        return report(FLEXION_DEVICE_ERROR, error.what());
    } catch (const std::bad_alloc&) {
        return report(FLEXION_DEVICE_ERROR, "flexion: out of memory");
    } catch (const std::exception& error) {
        return report(FLEXION_INTERNAL_ERROR, error.what());
    } catch (...) {
        return report(FLEXION_INTERNAL_ERROR, "flexion: an exception of unknown type");
    }
}

template <class T>
T& given(T* pointer, const char* where, const char* what) {
    if (!pointer) fail<UserError>("{}: {} is NULL", where, what);
    return *pointer;
}

std::optional<DType> dtype_of(const DLDataType& type) {
    // kDLBool, which older headers lack.
    constexpr std::uint8_t kBool = 6;
    struct Row {
        std::uint8_t code, bits;
        DType dtype;
    };
    constexpr Row kRows[] = {
        {kDLFloat, 32, DType::f32}, {kDLFloat, 64, DType::f64}, {kDLBfloat, 16, DType::bf16},
        {kDLFloat, 16, DType::f16}, {kDLInt, 64, DType::i64},   {kDLInt, 32, DType::i32},
        {kDLInt, 16, DType::i16},   {kDLInt, 8, DType::i8},     {kDLUInt, 8, DType::u8},
        {kBool, 8, DType::boolean},
    };
    for (const Row& row : kRows) {
        if (type.code == row.code && type.bits == row.bits && type.lanes == 1) return row.dtype;
    }
    return std::nullopt;
}

TensorView view_of(const DLTensor& tensor, const char* where, const char* what) {
    if (tensor.device.device_type != kDLCPU && tensor.device.device_type != kDLCUDA) {
        fail<Unsupported>(
            "{}: {} lies on a device of DLPack type {}; expected memory of the CPU ({}) or of CUDA "
            "({})",
            where, what, static_cast<int>(tensor.device.device_type), static_cast<int>(kDLCPU),
            static_cast<int>(kDLCUDA));
    }
    const std::optional<DType> dtype = dtype_of(tensor.dtype);
    if (!dtype) {
        fail<Unsupported>(
            "{}: {} has DLPack type code {} with {} bits and {} lanes; expected f32, f64, bf16, "
            "f16, "
            "i64, i32, i16, i8, u8 or bool",
            where, what, tensor.dtype.code, tensor.dtype.bits, tensor.dtype.lanes);
    }
    if (tensor.ndim < 0 || tensor.ndim > kMaxRank || (tensor.ndim > 0 && !tensor.shape)) {
        fail<UserError>("{}: {} has {} dimensions; expected 0 to {}, with a shape", where, what,
                        tensor.ndim, kMaxRank);
    }
    TensorView view;
    view.data = tensor.data ? static_cast<char*>(tensor.data) + tensor.byte_offset : nullptr;
    view.dtype = *dtype;
    view.rank = tensor.ndim;
    view.device = tensor.device.device_type == kDLCUDA ? Device::cuda : Device::cpu;
    std::int64_t stride = 1;
    for (int i = tensor.ndim - 1; i >= 0; --i) {
        view.shape[i] = tensor.shape[i];
        view.strides[i] = tensor.strides ? tensor.strides[i] : stride;
        if (!tensor.strides &&
            __builtin_mul_overflow(stride, std::max<std::int64_t>(view.shape[i], 1), &stride)) {
            fail<UserError>("{}: {} has more elements than 64 bits can count", where, what);
        }
    }
    return view;
}

Captures captures_of(const DLTensor* buffers, std::size_t buffer_count,
                     const flexion_scalar* scalars, std::size_t scalar_count, const char* where) {
    Captures captures;
    if (buffer_count > 0) given(buffers, where, "buffers");
    if (scalar_count > 0) given(scalars, where, "scalars");
    for (std::size_t i = 0; i < buffer_count; ++i) {
        captures.buffers.push_back(view_of(buffers[i], where, formatted("buffers[{}]", i).c_str()));
    }
    for (std::size_t i = 0; i < scalar_count; ++i) {
        captures.scalars.push_back({.is_integer = scalars[i].is_integer != 0,
                                    .integer = scalars[i].integer,
                                    .real = scalars[i].real});
    }
    return captures;
}

template <class Mod, class Handle>
flexion_status create_mod(const char* text, const DLTensor* buffers, std::size_t buffer_count,
                          const flexion_scalar* scalars, std::size_t scalar_count, Handle** result,
                          const char* where) {
    return guarded([&] {
        given(result, where, "result") = nullptr;
        given(text, where, "text");
        *result = new Handle{
            Mod::from_text(text, captures_of(buffers, buffer_count, scalars, scalar_count, where))};
    });
}

BlockTable table_of(const DLTensor& num_blocks, const DLTensor& indices, const char* where) {
    const TensorView num = view_of(num_blocks, where, "num_blocks");
    const TensorView index = view_of(indices, where, "indices");
    const bool fits = num.rank == 3 && index.rank == 4 && num.dtype == DType::i32 &&
                      index.dtype == DType::i32 &&
                      std::equal(num.shape.begin(), num.shape.begin() + 3, index.shape.begin());
    bool dense = true;
    for (const TensorView* view : {&num, &index}) {
        std::int64_t stride = 1;
        for (int i = view->rank - 1; i >= 0; --i) {
            const std::int64_t extent = view->shape[i];
            dense = dense && extent >= 0 && (view->strides[i] == stride || extent <= 1) &&
                    !__builtin_mul_overflow(stride, std::max<std::int64_t>(extent, 1), &stride);
        }
        dense = dense && view->data;
    }
    if (!fits || !dense) {
        fail<UserError>(
            "{}: expected num_blocks i32[B, H, rows] and indices i32[B, H, rows, cols], dense and "
            "with data",
            where);
    }
    const auto copy = [](const TensorView& view) {
        const auto* data = static_cast<const std::int32_t*>(view.data);
        return std::vector<std::int32_t>(data, data + view.numel());
    };
    return {.B = index.shape[0],
            .H = index.shape[1],
            .rows = index.shape[2],
            .cols = index.shape[3],
            .num_blocks = copy(num),
            .indices = copy(index)};
}

BlockSize block_size(std::int64_t q, std::int64_t kv) {
    const BlockSize standard;
    return {.q = q ? q : standard.q, .kv = kv ? kv : standard.kv};
}

std::optional<std::int64_t> unless_zero(std::int64_t value) {
    return value != 0 ? std::optional<std::int64_t>(value) : std::nullopt;
}

}  // namespace
}  // namespace flexion

using namespace flexion;

const char* flexion_version(void) { return FLEXION_VERSION; }
int flexion_c_abi_version(void) { return FLEXION_C_ABI_VERSION; }
const char* flexion_last_error(void) { return t_message; }

flexion_status flexion_set_option(const char* name, const char* value) {
    return guarded([&] {
        set_option(&given(name, "flexion_set_option", "name"),
                   &given(value, "flexion_set_option", "value"));
    });
}

flexion_status flexion_set_device_allocator(flexion_device_allocate allocate,
                                            flexion_device_release release, void* host) {
    return guarded([&] {
        const DeviceAllocator allocator{allocate, release, host};
        set_device_allocator(allocate || release ? &allocator : nullptr);
    });
}

flexion_status flexion_score_mod_create(const char* text, const DLTensor* buffers,
                                        size_t buffer_count, const flexion_scalar* scalars,
                                        size_t scalar_count, flexion_score_mod** result) {
    return create_mod<ScoreMod>(text, buffers, buffer_count, scalars, scalar_count, result,
                                "flexion_score_mod_create");
}
void flexion_score_mod_destroy(flexion_score_mod* mod) { delete mod; }

flexion_status flexion_mask_mod_create(const char* text, const DLTensor* buffers,
                                       size_t buffer_count, const flexion_scalar* scalars,
                                       size_t scalar_count, flexion_mask_mod** result) {
    return create_mod<MaskMod>(text, buffers, buffer_count, scalars, scalar_count, result,
                               "flexion_mask_mod_create");
}
void flexion_mask_mod_destroy(flexion_mask_mod* mod) { delete mod; }

flexion_status flexion_block_mask_create(const flexion_mask_mod* mask_mod, int64_t B, int64_t H,
                                         int64_t q_len, int64_t kv_len, int64_t q_block,
                                         int64_t kv_block, flexion_block_mask** result) {
    constexpr const char* kName = "flexion_block_mask_create";
    return guarded([&] {
        given(result, kName, "result") = nullptr;
        *result = new flexion_block_mask{create_block_mask(given(mask_mod, kName, "mask_mod").mod,
                                                           unless_zero(B), unless_zero(H), q_len,
                                                           kv_len, block_size(q_block, kv_block))};
    });
}

flexion_status flexion_block_mask_from_kv_blocks(
    const DLTensor* num_blocks, const DLTensor* indices, const DLTensor* full_num_blocks,
    const DLTensor* full_indices, int64_t q_block, int64_t kv_block,
    const flexion_mask_mod* mask_mod, int64_t q_len, int64_t kv_len, flexion_block_mask** result) {
    constexpr const char* kName = "flexion_block_mask_from_kv_blocks";
    return guarded([&] {
        given(result, kName, "result") = nullptr;
        const BlockTable partial = table_of(given(num_blocks, kName, "num_blocks"),
                                            given(indices, kName, "indices"), kName);
        std::optional<BlockTable> full;
        if (full_num_blocks || full_indices) {
            full = table_of(given(full_num_blocks, kName, "full_num_blocks"),
                            given(full_indices, kName, "full_indices"), kName);
        }
        *result = new flexion_block_mask{BlockMask::from_kv_blocks(
            partial, full ? &*full : nullptr, block_size(q_block, kv_block),
            mask_mod ? mask_mod->mod : MaskMod(), unless_zero(q_len), unless_zero(kv_len))};
    });
}

flexion_status flexion_block_mask_adjust(const flexion_block_mask* mask, int64_t q_len,
                                         int64_t kv_len, flexion_block_mask** result) {
    constexpr const char* kName = "flexion_block_mask_adjust";
    return guarded([&] {
        given(result, kName, "result") = nullptr;
        *result = new flexion_block_mask{given(mask, kName, "mask").mask.adjust(q_len, kv_len)};
    });
}

flexion_status flexion_block_mask_with_mask_mod(const flexion_block_mask* mask,
                                                const flexion_mask_mod* mask_mod,
                                                flexion_block_mask** result) {
    constexpr const char* kName = "flexion_block_mask_with_mask_mod";
    return guarded([&] {
        given(result, kName, "result") = new flexion_block_mask{
            given(mask, kName, "mask").mask.with_mask_mod(given(mask_mod, kName, "mask_mod").mod)};
    });
}

flexion_status flexion_block_mask_sparsity(const flexion_block_mask* mask, double* result) {
    constexpr const char* kName = "flexion_block_mask_sparsity";
    return guarded(
        [&] { given(result, kName, "result") = given(mask, kName, "mask").mask.sparsity(); });
}

void flexion_block_mask_destroy(flexion_block_mask* mask) { delete mask; }

namespace {

ParallelFor loop_of(flexion_parallel_for loop, void* host) {
    if (!loop) return {};
    return [loop, host](std::int64_t n, const std::function<void(std::int64_t)>& body) {
        loop(
            host, n,
            [](void* context, std::int64_t i) {
                (*static_cast<const std::function<void(std::int64_t)>*>(context))(i);
            },
            const_cast<void*>(static_cast<const void*>(&body)));
    };
}

// A caller built with an older header has fewer fields; the others keep their defaults.
template <class Options>
Options complete(Options all, const Options* given) {
    if (given) std::memcpy(&all, given, std::min(given->size, sizeof all));
    return all;
}

// `run` is attention or prepare.
flexion_status call(const char* name, decltype(&attention) run, const DLTensor* q,
                    const DLTensor* k, const DLTensor* v, const DLTensor* out,
                    const flexion_attention_options* options) {
    return guarded([&] {
        const auto all =
            complete<flexion_attention_options>(FLEXION_ATTENTION_OPTIONS_INIT, options);
        AttentionOptions call{.scale = all.scale,
                              .enable_gqa = all.enable_gqa != 0,
                              .threads = all.threads,
                              .backend = all.backend ? all.backend : "",
                              .stream = all.stream,
                              .kernel_options = {.block_q = all.block_q,
                                                 .block_kv = all.block_kv,
                                                 .query_buffers = all.query_buffers}};
        if (all.score_mod) call.score_mod = all.score_mod->mod;
        if (all.block_mask) call.block_mask = all.block_mask->mask;
        if (all.lse) call.lse = view_of(*all.lse, name, "lse");
        if (all.max_scores) call.max_scores = view_of(*all.max_scores, name, "max_scores");
        const ParallelFor parallel_for = loop_of(all.parallel_for, all.parallel_for_host);
        if (parallel_for) call.parallel_for = &parallel_for;
        const auto view = [&](const DLTensor* tensor, const char* what) {
            return view_of(given(tensor, name, what), name, what);
        };
        run(view(q, "q"), view(k, "k"), view(v, "v"), view(out, "out"), call);
    });
}

}  // namespace

flexion_status flexion_attention(const DLTensor* q, const DLTensor* k, const DLTensor* v,
                                 const DLTensor* out, const flexion_attention_options* options) {
    return call("flexion_attention", attention, q, k, v, out, options);
}

flexion_status flexion_prepare(const DLTensor* q, const DLTensor* k, const DLTensor* v,
                               const DLTensor* out, const flexion_attention_options* options) {
    return call("flexion_prepare", prepare, q, k, v, out, options);
}

flexion_status flexion_attention_backward(const DLTensor* q, const DLTensor* k, const DLTensor* v,
                                          const DLTensor* out, const DLTensor* lse,
                                          const DLTensor* d_out, const DLTensor* d_q,
                                          const DLTensor* d_k, const DLTensor* d_v,
                                          const flexion_backward_options* options) {
    constexpr const char* kName = "flexion_attention_backward";
    return guarded([&] {
        const auto all = complete<flexion_backward_options>(FLEXION_BACKWARD_OPTIONS_INIT, options);
        const auto wanted = [&](const DLTensor* tensor, const char* what) {
            return tensor ? view_of(*tensor, kName, what) : TensorView();
        };
        const auto view = [&](const DLTensor* tensor, const char* what) {
            return view_of(given(tensor, kName, what), kName, what);
        };
        BackwardOptions call{.scale = all.scale,
                             .enable_gqa = all.enable_gqa != 0,
                             .d_lse = wanted(all.d_lse, "d_lse"),
                             .threads = all.threads,
                             .backend = all.backend ? all.backend : ""};
        if (all.score_mod) call.score_mod = all.score_mod->mod;
        if (all.block_mask) call.block_mask = all.block_mask->mask;
        if (all.d_buffer_count > 0) given(all.d_buffers, kName, "d_buffers");
        for (std::size_t i = 0; i < all.d_buffer_count; ++i) {
            call.d_buffers.push_back(
                wanted(all.d_buffers[i], formatted("d_buffers[{}]", i).c_str()));
        }
        const ParallelFor parallel_for = loop_of(all.parallel_for, all.parallel_for_host);
        if (parallel_for) call.parallel_for = &parallel_for;
        attention_backward(view(q, "q"), view(k, "k"), view(v, "v"), view(out, "out"),
                           view(lse, "lse"), wanted(d_out, "d_out"), wanted(d_q, "d_q"),
                           wanted(d_k, "d_k"), wanted(d_v, "d_v"), call);
    });
}
