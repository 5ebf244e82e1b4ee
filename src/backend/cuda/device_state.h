// SPDX-License-Identifier: Apache-2.0
// What the back end keeps on each device: tile counters, a page of zeros, uploaded block lists.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <flexion/block_mask.h>

#include "backend/cuda/driver.h"
#include "backend/cuda/emit/schedule.h"

namespace flexion::cuda {

/// Device memory of the current context; freed with the object.
class Memory {
public:
    Memory() = default;
    explicit Memory(std::size_t bytes);
    ~Memory();
    Memory(Memory&& other) noexcept : address_(std::exchange(other.address_, 0)) {}
    Memory& operator=(Memory&& other) noexcept {
        std::swap(address_, other.address_);
        return *this;
    }
    Address address() const { return address_; }

private:
    Address address_ = 0;
};

/// Block lists of one mask for one tile shape.
struct DeviceLists {
    BlockMask mask;  // keeps the identity alive
    int block_q = 0, block_kv = 0;
    Memory rows, runs;
    std::int64_t visited = 0;
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
    std::shared_ptr<const DeviceLists> lists(const BlockMask& mask, const Schedule& schedule,
                                             bool capturing);

private:
    static constexpr int kCounters = 1 << 16;
    static constexpr std::size_t kMaxLists = 256;

    DeviceId device_;
    int multiprocessors_ = 0, major_ = 0, minor_ = 0;
    Memory counters_, zeros_;
    std::mutex mutex_;
    int next_counter_ = 0;
    std::map<StreamHandle, Address> stream_counters_;
    std::list<std::shared_ptr<const DeviceLists>> lists_;  // most recently used first
};

/// The state of the current context's device. Thread-safe.
DeviceState& current_device();

}  // namespace flexion::cuda
