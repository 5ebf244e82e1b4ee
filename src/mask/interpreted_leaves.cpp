// SPDX-License-Identifier: Apache-2.0
// Evaluates mask_mods with the interpreter: leaves in builds without a compiler, and dense masks.
#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <flexion/error.h>

#include "ir/interpret.h"
#include "mask/build.h"
#include "support/env.h"
#include "support/format.h"

namespace flexion {
namespace mask {
namespace {

/// Positions evaluated at a time: enough to hide the interpreter's cost per op, few enough that its
/// columns stay in the second-level cache and that a mixed block is left early.
constexpr std::int64_t kChunk = 4096;

/// One interpreter with its index arrays.
struct Worker {
    ir::Interpreter interpreter;
    std::vector<std::int32_t> q, k;

    /// In debug mode an index out of range is an error of the public function `where`.
    Worker(const MaskMod& mask_mod, const char* where)
        : interpreter(mask_mod.function(), mask_mod.captures(), ir::Precision::typed,
                      settings().debug ? where : nullptr),
          q(kChunk),
          k(kChunk) {}

    /// Calls f(values, count) for the elements of [q0, q1) x [k0, k1) in row-major order, chunk by
    /// chunk, until f returns false.
    template <class F>
    void evaluate(std::int32_t b, std::int32_t h, std::int64_t q0, std::int64_t q1, std::int64_t k0,
                  std::int64_t k1, F&& f) {
        ir::Positions positions;
        positions.b_all = b;
        positions.h_all = h;
        positions.q = q.data();
        positions.k = k.data();
        std::int64_t row = q0, column = k0;
        while (row < q1 && k0 < k1) {
            std::int64_t n = 0;
            for (; n < kChunk && row < q1; ++n) {
                q[n] = static_cast<std::int32_t>(row);
                k[n] = static_cast<std::int32_t>(column);
                if (++column == k1) {
                    column = k0;
                    ++row;
                }
            }
            positions.count = n;
            if (!f(interpreter.run(positions)[0].integer, n)) return;
        }
    }
};

/// Interpreters handed out to the threads that evaluate at the same time.
class WorkerPool {
public:
    explicit WorkerPool(const MaskMod& mask_mod) : mask_mod_(mask_mod) {}

    std::unique_ptr<Worker> take() {
        {
            const std::lock_guard lock(mutex_);
            if (!idle_.empty()) {
                auto worker = std::move(idle_.back());
                idle_.pop_back();
                return worker;
            }
        }
        return std::make_unique<Worker>(mask_mod_, "flexion::create_block_mask");
    }
    void put(std::unique_ptr<Worker> worker) {
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(worker));
    }

private:
    const MaskMod& mask_mod_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Worker>> idle_;
};

}  // namespace

LeafEvaluator interpreted_leaves(const MaskMod& mask_mod) {
    auto pool = std::make_shared<WorkerPool>(mask_mod);
    return [pool](std::int32_t b, std::int32_t h, std::int32_t q0, std::int32_t q1, std::int32_t k0,
                  std::int32_t k1) -> unsigned {
        bool some = false, all = true;
        auto worker = pool->take();
        worker->evaluate(b, h, q0, q1, k0, k1,
                         [&](const std::vector<std::int64_t>& values, std::int64_t count) {
                             for (std::int64_t i = 0; i < count; ++i) {
                                 some |= values[i] != 0;
                                 all &= values[i] != 0;
                             }
                             return all || !some;
                         });
        pool->put(std::move(worker));
        return (some ? 1u : 0u) | (all ? 2u : 0u);
    };
}

}  // namespace mask

std::vector<std::uint8_t> create_mask(const MaskMod& mask_mod, std::int64_t B, std::int64_t H,
                                      std::int64_t q_len, std::int64_t kv_len) {
    if (B < 1 || H < 1 || q_len < 0 || kv_len < 0) {
        throw UserError(formatted(
            "create_mask: got B={}, H={}, q_len={}, kv_len={}; B and H must be at least 1 and "
            "lengths at least 0.",
            B, H, q_len, kv_len));
    }
    std::vector<std::uint8_t> dense(B * H * q_len * kv_len, 1);
    if (!mask_mod || dense.empty()) return dense;
    mask::Worker worker(mask_mod, "flexion::create_mask");
    auto out = dense.begin();
    for (std::int64_t b = 0; b < B; ++b) {
        for (std::int64_t h = 0; h < H; ++h) {
            worker.evaluate(
                static_cast<std::int32_t>(b), static_cast<std::int32_t>(h), 0, q_len, 0, kv_len,
                [&](const std::vector<std::int64_t>& values, std::int64_t count) {
                    out = std::transform(values.begin(), values.begin() + count, out,
                                         [](std::int64_t v) { return std::uint8_t{v != 0}; });
                    return true;
                });
        }
    }
    return dense;
}

}  // namespace flexion
