// SPDX-License-Identifier: Apache-2.0
// The table of a checked call, with a place for what was found behind the functions.
#include "backend/cpu/gather_check.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <tuple>

#include "backend/cpu/jit/vector_functions.h"
#include "ir/interpret.h"

namespace flexion::cpu {

struct GatherCheck::Table {
    VectorFunctions functions;  // first: compiled code takes the address for the table's
    std::mutex mutex;
    struct Found {
        std::int32_t b, h, q, k, word, dim;
        std::int64_t index;
        auto position() const { return std::tie(b, h, q, k, word, dim); }
    };
    std::optional<Found> found;

    void add(const Found& other) {
        const std::lock_guard lock(mutex);
        if (!found || other.position() < found->position()) found = other;
    }
};

void check_gather(const Word* captures, std::int32_t word, std::int32_t dim,
                  const std::int64_t* indices, std::int32_t lanes, std::int32_t count,
                  std::int32_t b, std::int32_t h, std::int32_t q, std::int32_t k, LaneAxis axis) {
    const auto extent = static_cast<std::int64_t>(captures[word + 1 + dim]);
    for (std::int32_t lane = 0; lane < std::min(lanes, count); ++lane) {
        if (indices[lane] >= -extent && indices[lane] < extent) continue;
        reinterpret_cast<GatherCheck::Table*>(captures[0])
            ->add({b, h, axis == LaneAxis::q ? q + lane : q, axis == LaneAxis::k ? k + lane : k,
                   word, dim, indices[lane]});
        return;
    }
}

GatherCheck::GatherCheck(const void* vector_functions) : table_(std::make_unique<Table>()) {
    table_->functions = *static_cast<const VectorFunctions*>(vector_functions);
}
GatherCheck::~GatherCheck() = default;
GatherCheck::GatherCheck(GatherCheck&&) noexcept = default;
GatherCheck& GatherCheck::operator=(GatherCheck&&) noexcept = default;

const void* GatherCheck::vector_functions() const { return table_.get(); }

void GatherCheck::finish(const char* where, const plan::Mods& mods) const {
    if (!table_->found) return;
    const Table::Found& found = *table_->found;
    int word = 1;
    const std::pair<const ir::Function*, const Captures*> functions[] = {
        {mods.score, mods.score_captures}, {mods.mask, mods.mask_captures}};
    for (const auto& [function, captures] : functions) {
        if (!function) continue;
        for (std::size_t i = 0; i < function->buffers.size(); ++i) {
            if (word == found.word) {
                ir::fail_out_of_range(where, *function, *captures,
                                      {static_cast<int>(i), found.dim, found.index, found.b,
                                       found.h, found.q, found.k});
            }
            word += 1 + 2 * function->buffers[i].rank;
        }
        word += function->scalar_count();
    }
}

}  // namespace flexion::cpu
