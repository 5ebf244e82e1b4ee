// SPDX-License-Identifier: Apache-2.0
// Gradients of captured buffers: each task adds to a copy of its own, and the copies are added up
// in the order of the tasks; what every position writes for itself goes to one place for all.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/kernels/micro/kernels.h"
#include "backend/cpu/tile_kernel.h"
#include "plan/launch.h"

namespace flexion::cpu {

class BufferSums {
public:
    BufferSums(const plan::BackwardArgs& args, const PanelKernels& panel,
               const BackwardKernels& kernels);

    bool empty() const { return gathers_.empty(); }
    std::int64_t gathers() const { return static_cast<std::int64_t>(gathers_.size()); }
    /// Scalars that the gradients asked for have, gathers or not.
    std::int64_t elements() const { return elements_; }
    /// Of the copy that a task keeps, and of what all share.
    std::int64_t copy_bytes() const { return copy_elements_ * scalar_bytes_; }
    std::int64_t shared_bytes() const { return shared_elements_ * scalar_bytes_; }
    /// Whether positions of several batches or heads write to one place.
    bool pairs_together() const { return pairs_together_; }
    /// Scratch of add(), for at most `rows` rows.
    std::int64_t tile_bytes(int rows) const;

    /// Where copies of tasks 0, 1, ... and the shared sums are. Clears what is shared.
    void place(char* copies, char* shared, const Executor& executor);
    void clear_copy(std::int64_t task) const;
    /// The values and offsets that a backward pass wrote for a tile (BackwardTile).
    void add(std::int64_t task, const TileArgs& tile, const BackwardTile& from,
             char* scratch) const;
    /// Writes the gradients, when all of `tasks` are done.
    void finish(std::int64_t tasks, const Executor& executor) const;

private:
    struct Buffer {
        TensorView out;
        std::int64_t elements = 0;
        std::int64_t copy_at = -1;    ///< scalars into a copy; -1: none
        std::int64_t shared_at = -1;  ///< scalars into what is shared; -1: none
        char* direct = nullptr;       ///< the memory of `out` itself
        bool shared = false;
    };
    struct Gather {
        GatherSum sum;
        int buffer = -1;  ///< in buffers_
        /// Row-major element offset for (b, h, q, k), where positions are known without offsets.
        std::int64_t constant = 0, b = 0, h = 0, q = 0, k = 0;
    };

    void find_place(const plan::BackwardArgs& args, const plan::Gather& gather, Gather& to) const;
    template <class T>
    void add(const Gather& gather, const TileArgs& tile, const void* values,
             const std::int32_t* offsets, char* to, char* scratch) const;
    template <class T>
    void write(const Buffer& buffer, std::int64_t tasks, std::int64_t begin,
               std::int64_t end) const;

    const BackwardKernels& kernels_;
    int lanes_, scalar_bytes_;
    std::vector<Buffer> buffers_;
    std::vector<Gather> gathers_;
    std::int64_t elements_ = 0, copy_elements_ = 0, shared_elements_ = 0;
    bool pairs_together_ = false;
    char *copies_ = nullptr, *shared_ = nullptr;
};

}  // namespace flexion::cpu
