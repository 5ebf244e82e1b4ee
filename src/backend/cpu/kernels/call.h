// SPDX-License-Identifier: Apache-2.0
// What the drivers of the two maps share: the compiled passes of a call, and its results per row.
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/gather_check.h"
#include "backend/cpu/kernels/micro/kernels.h"
#include "backend/cpu/kernels/schedule/walk.h"
#include "backend/cpu/kernels/schedule/work_list.h"
#include "backend/cpu/tile_kernel.h"

namespace flexion::cpu {

/// The compiled passes that a call needs, and the words they read.
class Passes {
public:
    /// Gets the unmasked pass where there are full blocks, the masked one for partial blocks;
    /// partial blocks without a mask_mod are full. problem: all but `masked`.
    Passes(const plan::LaunchArgs& args, backend::KernelProvider& kernels, plan::Problem problem,
           bool full, bool partial);
    /// For pieces of blocks listed as partial, as full.
    TilePass tile(bool partial) const { return pass_[partial]->tile; }
    BackwardPass backward(bool partial) const { return pass_[partial]->backward; }
    const Word* words() const { return words_; }
    /// Of the tile of a partial block: the rows among which all true elements of the mask lie, none
    /// where begin == end. Found from both ends, kSpanRows at a time, so that looking costs the
    /// less the less there is to leave out.
    struct Span {
        int begin, end;
    };
    Span visible(TileArgs args) const;
    /// In debug mode, a UserError of the function `where` for a gather's index that was out of
    /// range.
    void finish(const plan::LaunchArgs& args, const char* where) const {
        if (check_) check_->finish(where, args.mods);
    }

private:
    std::shared_ptr<const backend::Kernel> kernels_[2];
    const TileKernel* pass_[2] = {};
    std::array<Word, 64> few_;  // so that an ordinary call allocates nothing
    std::vector<Word> many_;
    Word* words_ = nullptr;
    std::optional<GatherCheck> check_;
};

/// Address of row (b, h, i) of a rank 4 (or 3) tensor, in bytes: strides may be negative or 0, and
/// offsets pass 2^31.
inline char* row_of(const TensorView& t, std::int64_t b, std::int64_t h, std::int64_t i) {
    return static_cast<char*>(t.data) +
           (b * t.strides[0] + h * t.strides[1] + i * t.strides[2]) * size_of(t.dtype);
}
inline std::int64_t row_stride(const TensorView& t) { return t.strides[2] * size_of(t.dtype); }

/// b or kv head of K and V: B may be 1 there, and query heads share.
inline std::int64_t kv_batch(const TensorView& t, std::int64_t b) {
    return t.shape[0] == 1 ? 0 : b;
}

/// Runs of the row of blocks (b, h, row), empty past the mask.
std::span<const BlockRun> runs_of(const BlockMask& mask, std::int64_t b, std::int64_t h,
                                  std::int64_t row);

/// lse = m + ln l (natural log) and the maximum of one row, where wanted. NaN never enters m in a
/// pass, but it does enter l, as does inf - inf; the maximum is NaN in the first case alone.
template <class T>
void write_statistics(const plan::LaunchArgs& args, std::int64_t b, std::int64_t h, std::int64_t q,
                      T m, T l) {
    constexpr T kNone = -std::numeric_limits<T>::infinity();
    if (args.lse.data != nullptr)
        *reinterpret_cast<T*>(row_of(args.lse, b, h, q)) = l == T(0) ? kNone : m + std::log(l);
    const bool nan = std::isnan(l) && m != std::numeric_limits<T>::infinity();
    if (args.max_scores.data != nullptr)
        *reinterpret_cast<T*>(row_of(args.max_scores, b, h, q)) = l == T(0) ? kNone : nan ? l : m;
}

/// forward() for each of the maps.
void forward_panels(const plan::LaunchArgs& args, backend::KernelProvider& kernels, Isa isa);
void forward_stream(const plan::LaunchArgs& args, backend::KernelProvider& kernels, Isa isa);

}  // namespace flexion::cpu
