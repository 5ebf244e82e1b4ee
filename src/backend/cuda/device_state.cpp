// SPDX-License-Identifier: Apache-2.0
// Per-device state, made at a device's first use.
#include "backend/cuda/device_state.h"

#include <array>

#include "backend/cuda/tiles.h"
#include "support/fail.h"

namespace flexion::cuda {

Memory::Memory(std::size_t bytes) { check(driver().allocate(&address_, bytes), "cuMemAlloc"); }

Memory::~Memory() {
    // At exit the driver may be gone; memory is then gone too.
    if (address_ != 0) driver().release(address_);
}

DeviceState::DeviceState(DeviceId device)
    : device_(device), counters_(kCounters * 4), zeros_(4096) {
    const Driver& cuda = driver();
    check(cuda.device_attribute(&multiprocessors_, kMultiprocessors, device),
          "cuDeviceGetAttribute");
    check(cuda.device_attribute(&major_, kComputeMajor, device), "cuDeviceGetAttribute");
    check(cuda.device_attribute(&minor_, kComputeMinor, device), "cuDeviceGetAttribute");
    check(cuda.fill32(counters_.address(), 0, kCounters), "cuMemsetD32");
    check(cuda.fill32(zeros_.address(), 0, 1024), "cuMemsetD32");
    check(cuda.synchronize(), "cuCtxSynchronize");
}

std::string DeviceState::description() const {
    char name[128] = "";
    driver().device_name(name, sizeof name, device_);
    return formatted("{} (sm_{}{}, {} multiprocessors)", name, major_, minor_, multiprocessors_);
}

Address DeviceState::counter(StreamHandle stream, bool capturing) {
    const std::lock_guard lock(mutex_);
    if (!capturing) {
        if (const auto found = stream_counters_.find(stream); found != stream_counters_.end()) {
            return found->second;
        }
    }
    if (next_counter_ == kCounters) {
        fail<DeviceError>(
            "flexion::attention: {} launches were captured into CUDA graphs or streams were used, "
            "more than there are counters for",
            kCounters);
    }
    const Address address = counters_.address() + 4 * static_cast<Address>(next_counter_++);
    if (!capturing) stream_counters_[stream] = address;
    return address;
}

std::shared_ptr<const DeviceLists> DeviceState::lists(const BlockMask& mask,
                                                      const Schedule& schedule, bool capturing) {
    const std::lock_guard lock(mutex_);
    for (auto it = lists_.begin(); it != lists_.end(); ++it) {
        const DeviceLists& known = **it;
        if (&known.mask.rep() == &mask.rep() && known.block_q == schedule.block_q() &&
            known.block_kv == schedule.block_kv) {
            lists_.splice(lists_.begin(), lists_, it);
            return lists_.front();
        }
    }
    if (capturing) {
        fail<DeviceError>(
            "flexion::attention: this block_mask was not used on the device before; call "
            "prepare(...) "
            "or run the call once before capturing a CUDA graph");
    }
    const TileLists made = make_tile_lists(mask, schedule);
    auto lists = std::make_shared<DeviceLists>();
    lists->mask = mask;
    lists->block_q = schedule.block_q();
    lists->block_kv = schedule.block_kv;
    lists->visited = made.visited;
    const std::size_t row_bytes = made.rows.size() * sizeof(TileRow);
    const std::size_t run_bytes = made.runs.size() * sizeof(TileRun);
    lists->rows = Memory(row_bytes);
    lists->runs = Memory(run_bytes);
    const Driver& cuda = driver();
    check(cuda.copy_in(lists->rows.address(), made.rows.data(), row_bytes), "cuMemcpyHtoD");
    check(cuda.copy_in(lists->runs.address(), made.runs.data(), run_bytes), "cuMemcpyHtoD");
    lists_.push_front(lists);
    // Launches under way may still read what leaves here; cuMemFree waits for them.
    if (lists_.size() > kMaxLists) lists_.pop_back();
    return lists;
}

DeviceState& current_device() {
    static std::mutex mutex;
    static std::array<DeviceState*, 64> states{};  // never destroyed: the driver may go first
    DeviceId device = 0;
    check(driver().context_device(&device), "cuCtxGetDevice");
    invariant(device >= 0 && device < static_cast<int>(states.size()), "a device's number");
    const std::lock_guard lock(mutex);
    if (!states[device]) states[device] = new DeviceState(device);
    return *states[device];
}

}  // namespace flexion::cuda
