// SPDX-License-Identifier: Apache-2.0
// What the back end keeps in each context: tile counters, a page of zeros, uploaded block lists. A
// launch takes no lock: what it asked for last is found in memory of its thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <flexion/block_mask.h>

#include "backend/cuda/driver.h"
#include "backend/cuda/emit/schedule.h"
#include "support/os/device_allocator.h"

namespace flexion::cuda {

/// Device memory of the current context, from the host program's allocator if there is one; freed
/// with the object.
class Memory {
public:
    Memory() = default;
    explicit Memory(std::size_t bytes);
    ~Memory();
    Memory(Memory&& other) noexcept { *this = std::move(other); }
    Memory& operator=(Memory&& other) noexcept {
        std::swap(address_, other.address_);
        std::swap(bytes_, other.bytes_);
        std::swap(device_, other.device_);
        std::swap(context_, other.context_);
        std::swap(allocator_, other.allocator_);
        return *this;
    }
    Address address() const { return address_; }

private:
    Address address_ = 0;
    std::size_t bytes_ = 0;
    DeviceId device_ = 0;
    ContextHandle context_ = nullptr;
    DeviceAllocator allocator_;
};

/// Block lists of one mask for one tile shape. Where the lists are the mask and tiles do not lie
/// within blocks, `blocks` is what ListedMask (listed_mask.h) reads.
struct DeviceLists {
    BlockMask mask;  // keeps the identity alive
    int block_q = 0, block_kv = 0;
    bool fine = false;
    Memory rows, runs, blocks;
    std::int64_t visited = 0;
    mutable std::atomic<std::int64_t> used{0};  // DeviceState::clock_ at the last launch
    mutable std::atomic<bool> captured{false};  // a graph may read them at any time: kept for good
};

class DeviceState {
public:
    explicit DeviceState(DeviceId device);

    DeviceId device() const { return device_; }
    int multiprocessors() const { return multiprocessors_; }
    bool is_hopper() const { return major_ == 9 && minor_ == 0; }
    std::string description() const;

    /// A zero word in device memory for the launches of one stream, which are in order; a launch
    /// that is being captured gets one of its own. DeviceError when capture has used up the supply.
    Address counter(StreamHandle stream, bool capturing);
    Address zeros() const { return zeros_.address(); }

    /// Made and uploaded at the first use; `capturing` forbids that: DeviceError. Thread-safe.
    /// `fine`: with a table of the blocks.
    std::shared_ptr<const DeviceLists> lists(const BlockMask& mask, const Schedule& schedule,
                                             bool fine, bool capturing);

private:
    static constexpr int kCounters = 1 << 18;
    static constexpr std::size_t kMaxLists = 256;
    /// A stream, and for the default stream of each thread the thread.
    using StreamKey = std::pair<StreamHandle, std::uint64_t>;

    std::shared_ptr<const DeviceLists> find_lists(const BlockMask& mask, const Schedule& schedule,
                                                  bool fine, bool capturing);

    DeviceId device_;
    int multiprocessors_ = 0, major_ = 0, minor_ = 0;
    Memory counters_, zeros_;
    std::mutex mutex_;
    int next_counter_ = 0;
    std::map<StreamKey, Address> stream_counters_;
    std::vector<std::shared_ptr<const DeviceLists>> lists_;
    std::atomic<std::int64_t> clock_{0};  // counts uploads
};

/// The state of the current context. Thread-safe.
DeviceState& current_device();

}  // namespace flexion::cuda
