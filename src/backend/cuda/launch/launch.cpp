// SPDX-License-Identifier: Apache-2.0
// One call: kernel, tensor maps, captures, parameters, launch.
#include <algorithm>
#include <bit>

#include "backend/cuda/cuda_backend.h"
#include "backend/cuda/device/params.cuh"
#include "backend/cuda/emit/axes.h"
#include "backend/cuda/emit/emit.h"
#include "backend/cuda/launch/captures.h"
#include "backend/cuda/launch/device_state.h"
#include "backend/cuda/launch/tensor_maps.h"
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

// What listed_mask() reads.
void add_listed_captures(CaptureArray& array, const DeviceLists& lists,
                         const plan::LaunchArgs& args, Address zeros) {
    const BlockMask& mask = lists.mask;
    const bool empty = lists.blocks.address() == 0;  // reads 0
    array.add(empty ? zeros : lists.blocks.address());
    const std::int64_t rows = mask.q_blocks(), columns = mask.kv_blocks();
    for (const std::int64_t extent : {args.batch(), args.q_heads(), rows, columns}) {
        array.add(empty ? 1 : static_cast<std::uint64_t>(extent));
    }
    const std::int64_t plane = rows * columns;
    for (const std::int64_t stride : {mask.B() > 1 ? mask.H() * plane : 0, mask.H() > 1 ? plane : 0,
                                      columns, std::int64_t{1}}) {
        array.add(empty ? 0 : static_cast<std::uint64_t>(stride));
    }
    for (const std::int64_t size : {mask.block_size().q, mask.block_size().kv}) {
        array.add(static_cast<std::uint64_t>(std::min(size, kMaxLength)));
    }
}

// Lists that are the mask must be evaluated where a tile of the kernel does not lie within a block.
// Tiles of kernels that do not evaluate them divide 128 x 128, unless the caller says otherwise.
bool finer_than_tiles(const BlockSize& block, const KernelOptions& options) {
    const int q = options.block_q != 0 ? options.block_q : 128;
    const int kv = options.block_kv != 0 ? options.block_kv : 128;
    return block.q % q != 0 || block.kv % kv != 0;
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
    problem.listed = args.block_mask && args.mods.mask == nullptr;
    const bool fine =
        problem.listed && finer_than_tiles(args.block_mask->block_size(), args.kernel_options);
    problem.masked = fine || (args.block_mask && !problem.listed);
    problem.head_dim = static_cast<std::uint16_t>(padded(static_cast<int>(args.head_dim())));
    problem.v_head_dim = static_cast<std::uint16_t>(padded(static_cast<int>(args.v_head_dim())));
    problem.general_scale = !(args.scale > 0);
    const KernelOptions& wanted = args.kernel_options;
    for (const int size : {wanted.block_q, wanted.block_kv, wanted.query_buffers}) {
        if (size >= 0 && size <= 1024) continue;
        fail<UserError>(
            "flexion::attention: got {} in kernel_options; expected small positive "
            "numbers, or 0 for no wish",
            size);
    }
    problem.block_q = static_cast<std::uint16_t>(wanted.block_q);
    problem.block_kv = static_cast<std::uint16_t>(wanted.block_kv);
    problem.query_buffers = static_cast<std::uint16_t>(wanted.query_buffers);
    const std::shared_ptr<const backend::Kernel> kept = kernels.get(problem);
    const auto& kernel = static_cast<const CudaKernel&>(*kept);
    if (capture != 0) kernel.keep();
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
        lists = device.lists(*args.block_mask, schedule, fine, capture != 0);
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
    if (fine) {
        add_listed_captures(captures, *lists, args, device.zeros());
    } else if (problem.masked) {
        add_captures(captures, *args.mods.mask, *args.mods.mask_captures, device.zeros());
    }
    TensorMapImage q = tensor_map("q", args.q, 64);
    // No keys: no tile is visited, and any valid map will do.
    TensorMapImage k = p.kv_len > 0 ? tensor_map("k", args.k, schedule.block_kv) : q;
    TensorMapImage v = p.kv_len > 0 ? tensor_map("v", args.v, schedule.block_kv) : q;
    TensorMapImage out = tensor_map("out", args.out, 16);
    if (args.prepare) return;
    p.counter = reinterpret_cast<unsigned*>(device.counter(stream, capture != 0));
    void* arguments[] = {&q, &k, &v, &out, &p, captures.words.data()};
    const unsigned blocks = static_cast<unsigned>(std::min(p.tiles, device.multiprocessors()));
    const Result result = cuda.launch_kernel(
        kernel.handle(), blocks, 1, 1, static_cast<unsigned>(schedule.threads()), 1, 1,
        static_cast<unsigned>(kernel.header().shared_bytes), stream, arguments, nullptr);
    if (result != 0) [[unlikely]]
        check(
            result,
            formatted("launching kernel {} ({})", kernel.name(), dump_hint(kernel.name())).c_str());
    if (args.info) {
        args.info->isa = "sm_90a";
        args.info->scratch_bytes = 0;
        args.info->visited_scores = visited * schedule.block_q() * schedule.block_kv;
    }
}

}  // namespace flexion::cuda
