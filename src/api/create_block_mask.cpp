// SPDX-License-Identifier: Apache-2.0
// create_block_mask: the builder with leaves evaluated by compiled code where the build has it.
#include <flexion/block_mask.h>

#include "api/context.h"
#include "mask/build.h"
#include "support/env.h"
#include "support/fail.h"

#ifdef FLEXION_WITH_CPU
#include <mutex>
#include <optional>
#include <vector>

#include "backend/cpu/gather_check.h"
#include "backend/cpu/tile_kernel.h"
#endif

namespace flexion {
namespace {

#ifdef FLEXION_WITH_CPU
/// The compiled mask of one create_block_mask; compiled when the first leaf needs it, since
/// intervals decide many masks alone.
class CompiledLeaves {
public:
    CompiledLeaves(Context& context, const backend::Backend& backend, const MaskMod& mask_mod,
                   const plan::Extents& extents)
        : mods_{.mask = &mask_mod.function(), .mask_captures = &mask_mod.captures()},
          kernels_(context.kernels(), backend, mods_, 0, mask_mod.hash(), extents) {}

    unsigned operator()(std::int32_t b, std::int32_t h, std::int32_t q0, std::int32_t q1,
                        std::int32_t k0, std::int32_t k1) {
        std::call_once(ready_, [this] { prepare(); });
        const cpu::TileArgs args{.scale = 1,
                                 .b = b,
                                 .h = h,
                                 .q0 = q0,
                                 .k0 = k0,
                                 .rows = k1 - k0,
                                 .lanes = q1 - q0,
                                 .pad = 0,
                                 .scale64 = 1};
        return kernel_->mask(&args, words_.data());
    }

    /// In debug mode, a UserError for a gather's index that was out of range.
    void finish() const {
        if (check_) check_->finish("flexion::create_block_mask", mods_);
    }

private:
    void prepare() {
        const bool checked = settings().debug;
        held_ = kernels_.get(
            {.direction = plan::Direction::mask_leaf, .masked = true, .checked = checked});
        kernel_ = static_cast<const cpu::TileKernel*>(held_.get());
        words_.resize(cpu::capture_words(mods_));
        const void* functions = kernel_->vector_functions;
        if (checked) functions = check_.emplace(functions).vector_functions();
        cpu::pack_captures(mods_, functions, words_.data());
    }

    plan::Mods mods_;
    backend::CallKernels kernels_;
    std::once_flag ready_;
    std::shared_ptr<const backend::Kernel> held_;
    const cpu::TileKernel* kernel_ = nullptr;
    std::vector<cpu::Word> words_;
    std::optional<cpu::GatherCheck> check_;
};
#endif

}  // namespace

BlockMask create_block_mask(const MaskMod& mask_mod, std::optional<std::int64_t> B,
                            std::optional<std::int64_t> H, std::int64_t q_len, std::int64_t kv_len,
                            BlockSize block_size) {
    if (mask_mod) {
        for (const TensorView& buffer : mask_mod.captures().buffers) {
            if (buffer.device == Device::cpu) continue;
            fail<UserError>(
                "flexion::create_block_mask: the mask_mod captures a buffer on a device; create "
                "the "
                "mask from a host copy of it, and take block_mask.with_mask_mod(the one on the "
                "device)");
        }
    }
    Context& context = default_context();
    ThreadPool& pool = context.pool();
    const Executor executor{.pool = &pool, .width = pool.size()};
    const auto build = [&](const mask::LeafEvaluator& evaluate) {
        return mask::build(mask_mod, B, H, q_len, kv_len, block_size, evaluate, executor);
    };
#ifdef FLEXION_WITH_CPU
    const backend::Backend& backend = context.backend({}, "flexion::create_block_mask");
    if (mask_mod && std::string_view(backend.name()) == "cpu") {
        CompiledLeaves leaves(
            context, backend, mask_mod,
            {.B = B.value_or(1), .H = H.value_or(1), .q_len = q_len, .kv_len = kv_len});
        BlockMask made = build(std::ref(leaves));
        leaves.finish();
        return made;
    }
#endif
    return build(nullptr);
}

}  // namespace flexion
