// SPDX-License-Identifier: Apache-2.0
// One call: kernel, tensor maps, captures, parameters, launch.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/device/params.cuh"
#include "backend/cuda/device_state.h"
#include "backend/cuda/emit/axes.h"
#include "backend/cuda/emit/emit.h"
#include "ir/function.h"
#include "support/fail.h"

namespace flexion::cuda {
namespace {

// Keys and values that one section of the schedule keeps in L2 (50 MB on an H100, 60 on an H200).
constexpr std::int64_t kSectionBytes = 32 << 20;

void use_context_of(const TensorView& q) {
    const Driver& cuda = driver();
    ContextHandle context = nullptr;
    check(cuda.context_current(&context), "cuCtxGetCurrent");
    if (context != nullptr) return;
    int device = 0;
    check(cuda.pointer_attribute(&device, kPointerDevice, reinterpret_cast<Address>(q.data)),
          "cuPointerGetAttribute");
    check(cuda.primary_retain(&context, device), "cuDevicePrimaryCtxRetain");
    check(cuda.context_set(context), "cuCtxSetCurrent");
}

// CUtensorMapDataType, CUtensorMapSwizzle and so on, as cuda.h numbers them.
constexpr int kFloat16 = 6, kBfloat16 = 9, kNoInterleave = 0, kSwizzle128 = 3, kPromote128 = 2,
              kZeroFill = 0;

/// A [B, H, S, D] tensor in boxes of `rows` by 64 elements.
TensorMapImage tensor_map(const char* name, const TensorView& t, int rows) {
    const std::int64_t size = size_of(t.dtype);
    std::uint64_t extents[4];
    std::uint64_t strides[3];
    for (int i = 0; i < 4; ++i) {
        extents[i] = static_cast<std::uint64_t>(std::max<std::int64_t>(t.shape[3 - i], 1));
    }
    bool aligned = reinterpret_cast<std::uintptr_t>(t.data) % 16 == 0;
    std::uint64_t dense = extents[0] * size;
    for (int i = 0; i < 3; ++i) {
        // The stride of a dimension of one element means nothing, but must be valid.
        const std::int64_t given = t.strides[2 - i] * size;
        strides[i] =
            extents[i + 1] == 1 ? (dense + 15) / 16 * 16 : static_cast<std::uint64_t>(given);
        aligned &= strides[i] % 16 == 0 && (extents[i + 1] == 1 || given > 0);
        dense = strides[i] * extents[i + 1];
    }
    if (!aligned) {
        fail<Unsupported>(
            "flexion::attention: {} has address {} and strides [{}, {}, {}]; on CUDA rows must "
            "begin "
            "at multiples of 16 bytes and strides be positive; pass a contiguous copy",
            name, t.data, t.strides[0], t.strides[1], t.strides[2]);
    }
    const std::uint32_t box[4] = {64, static_cast<std::uint32_t>(rows), 1, 1};
    const std::uint32_t steps[4] = {1, 1, 1, 1};
    TensorMapImage map;
    check(driver().encode_tiled(&map, t.dtype == DType::f16 ? kFloat16 : kBfloat16, 4, t.data,
                                extents, strides, box, steps, kNoInterleave, kSwizzle128,
                                kPromote128, kZeroFill),
          "cuTensorMapEncodeTiled");
    return map;
}

struct CaptureArray {
    std::array<std::uint64_t, kMaxCaptureWords> words;
    int count = 0;
    void add(std::uint64_t word) { words[count++] = word; }
};

void add_captures(CaptureArray& array, const ir::Function& f, const Captures& captures,
                  Address zeros) {
    for (const TensorView& buffer : captures.buffers) {
        if (buffer.device != Device::cuda) {
            fail<UserError>(
                "flexion::attention: {} captures a buffer in host memory, but the call is on CUDA; "
                "capture a copy on the device, with TensorView::device set",
                f.role == ir::Role::score_mod ? "the score_mod" : "the mask_mod");
        }
        const bool empty = buffer.numel() == 0;  // reads 0
        array.add(empty ? zeros : reinterpret_cast<std::uint64_t>(buffer.data));
        for (int i = 0; i < buffer.rank; ++i) {
            array.add(empty ? 1 : static_cast<std::uint64_t>(buffer.shape[i]));
        }
        for (int i = 0; i < buffer.rank; ++i) {
            array.add(empty ? 0 : static_cast<std::uint64_t>(buffer.strides[i]));
        }
    }
    for (std::size_t i = 0; i < captures.scalars.size(); ++i) {
        const ScalarValue& value = captures.scalars[i];
        const ir::Type type = f.parameters[f.builtin_parameters() + i].type;
        if (value.is_integer && (value.integer >= kMaxScalar || value.integer <= -kMaxScalar)) {
            fail<Unsupported>(
                "flexion::attention: scalar {} of {} is {}; on CUDA integer scalars must be below "
                "2^61 in magnitude",
                i, f.name.empty() ? "a mod" : f.name, value.integer);
        }
        const double real = value.is_integer ? static_cast<double>(value.integer) : value.real;
        const std::int64_t whole =
            value.is_integer ? value.integer : static_cast<std::int64_t>(value.real);
        switch (type) {
            case ir::Type::f32:
                array.add(std::bit_cast<std::uint32_t>(static_cast<float>(real)));
                break;
            case ir::Type::f64:
                array.add(std::bit_cast<std::uint64_t>(real));
                break;
            default:
                array.add(static_cast<std::uint64_t>(whole));
        }
    }
}

}  // namespace

void CudaBackend::launch(const plan::LaunchArgs& args, backend::KernelProvider& kernels) const {
    const Driver& cuda = driver();
    if (args.q.device != Device::cuda) {
        fail<UserError>(
            "flexion::attention: back end cuda got tensors in host memory; copy them to the device "
            "and set TensorView::device");
    }
    use_context_of(args.q);
    DeviceState& device = current_device();
    if (!device.is_hopper()) {
        fail<Unsupported>(
            "flexion::attention: {} is no Hopper GPU; expected compute capability 9.0",
            device.description());
    }
    const auto stream = static_cast<StreamHandle>(args.stream);
    int capture = 0;
    check(cuda.stream_is_capturing(stream, &capture), "cuStreamIsCapturing");
    const CaptureGuard guard(capture != 0);

    if (args.q_len() > kMaxLength || args.kv_len() > kMaxLength) {
        fail<Unsupported>("flexion::attention: got lengths {} and {}; on CUDA at most 2^30",
                          args.q_len(), args.kv_len());
    }
    if (args.head_dim() % 8 != 0 || args.v_head_dim() % 8 != 0) {
        fail<Unsupported>("flexion::attention: got head dims {} and {}; on CUDA multiples of 8",
                          args.head_dim(), args.v_head_dim());
    }
    plan::Problem problem;
    problem.dtype = args.q.dtype;
    problem.masked = args.block_mask && args.mods.mask != nullptr;
    problem.head_dim = static_cast<std::uint16_t>(padded(static_cast<int>(args.head_dim())));
    problem.v_head_dim = static_cast<std::uint16_t>(padded(static_cast<int>(args.v_head_dim())));
    problem.general_scale = !(args.scale > 0);
    problem.listed = args.block_mask && args.mods.mask == nullptr;
    const std::shared_ptr<const backend::Kernel> kept = kernels.get(problem);
    const auto& kernel = static_cast<const CudaKernel&>(*kept);
    const Schedule& schedule = kernel.header().schedule;

    ForwardParams p{};
    p.q_len = static_cast<int>(args.q_len());
    p.kv_len = static_cast<int>(args.kv_len());
    p.heads = static_cast<int>(args.q_heads());
    p.group = static_cast<int>(args.q_heads() / args.kv_heads());
    const std::int64_t pairs = args.batch() * args.q_heads();
    const std::int64_t q_tiles = (args.q_len() + schedule.block_q() - 1) / schedule.block_q();
    if (pairs * q_tiles > std::int64_t{1} << 27) {
        fail<Unsupported>("flexion::attention: {} tiles of {} queries; on CUDA at most 2^27 a call",
                          pairs * q_tiles, schedule.block_q());
    }
    p.pairs = static_cast<int>(pairs);
    p.q_tiles = static_cast<int>(q_tiles);
    p.tiles = p.pairs * p.q_tiles;
    const std::int64_t head_bytes =
        std::max<std::int64_t>(args.kv_len() * (args.head_dim() + args.v_head_dim()) * 2, 1);
    const std::int64_t heads = std::max<std::int64_t>(kSectionBytes / head_bytes, 1);
    p.section = static_cast<int>(std::min<std::int64_t>(
        static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(heads))) * p.group,
        pairs));
    p.kv_batch_step = args.k.shape[0] > 1 ? 1 : 0;
    p.scale = static_cast<float>(args.scale);
    std::shared_ptr<const DeviceLists> lists;
    std::int64_t visited = 0;
    if (args.block_mask) {
        lists = device.lists(*args.block_mask, schedule, capture != 0);
        p.rows = reinterpret_cast<const TileRow*>(lists->rows.address());
        p.runs = reinterpret_cast<const TileRun*>(lists->runs.address());
        p.mask_h_step = args.block_mask->H() > 1 ? 1 : 0;
        p.mask_b_step = args.block_mask->B() > 1 ? static_cast<int>(args.block_mask->H()) : 0;
        visited = lists->visited * (pairs / (args.block_mask->B() * args.block_mask->H()));
    } else {
        p.dense_full = p.kv_len / schedule.block_kv;
        p.dense_partial = p.kv_len % schedule.block_kv != 0 ? 1 : 0;
        visited = std::int64_t{p.tiles} * (p.dense_full + p.dense_partial);
    }
    p.counter = reinterpret_cast<unsigned*>(device.counter(stream, capture != 0));
    p.out = static_cast<unsigned short*>(args.out.data);
    p.out_b = args.out.strides[0];
    p.out_h = args.out.strides[1];
    p.out_q = args.out.strides[2];
    if (args.lse.data) {
        p.lse = static_cast<float*>(args.lse.data);
        p.lse_b = args.lse.strides[0];
        p.lse_h = args.lse.strides[1];
        p.lse_q = args.lse.strides[2];
    }
    if (args.max_scores.data) {
        p.max_scores = static_cast<float*>(args.max_scores.data);
        p.max_b = args.max_scores.strides[0];
        p.max_h = args.max_scores.strides[1];
        p.max_q = args.max_scores.strides[2];
    }

    CaptureArray captures;
    if (args.mods.score) {
        add_captures(captures, *args.mods.score, *args.mods.score_captures, device.zeros());
    }
    if (problem.masked) {
        add_captures(captures, *args.mods.mask, *args.mods.mask_captures, device.zeros());
    }
    TensorMapImage q = tensor_map("q", args.q, schedule.block_q());
    // No keys: no tile is visited, and any valid map will do.
    TensorMapImage k = p.kv_len > 0 ? tensor_map("k", args.k, schedule.block_kv) : q;
    TensorMapImage v = p.kv_len > 0 ? tensor_map("v", args.v, schedule.block_kv) : q;
    TensorMapImage out = tensor_map("out", args.out, 16);
    if (args.prepare) return;
    void* arguments[] = {&q, &k, &v, &out, &p, captures.words.data()};
    const unsigned blocks = static_cast<unsigned>(std::min(p.tiles, device.multiprocessors()));
    const Result result = cuda.launch_kernel(
        kernel.handle(), blocks, 1, 1, static_cast<unsigned>(schedule.threads()), 1, 1,
        static_cast<unsigned>(kernel.header().shared_bytes), stream, arguments, nullptr);
    if (result != 0) [[unlikely]]
        check(result, ("launching kernel " + kernel.name()).c_str());
    if (args.info) {
        args.info->isa = "sm_90a";
        args.info->scratch_bytes = 0;
        args.info->visited_scores = visited * schedule.block_q() * schedule.block_kv;
    }
}

}  // namespace flexion::cuda
