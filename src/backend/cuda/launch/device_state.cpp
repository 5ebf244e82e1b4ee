// SPDX-License-Identifier: Apache-2.0
// State of a context, made at its first use.
#include "backend/cuda/launch/device_state.h"

#include <algorithm>

#include "backend/cuda/launch/tiles.h"
#include "support/fail.h"

namespace flexion::cuda {
namespace {

// CU_STREAM_PER_THREAD: one handle, a stream of its own for every thread.
constexpr std::uintptr_t kPerThread = 2;

std::uint64_t thread_number() {
    static std::atomic<std::uint64_t> next{1};
    thread_local const std::uint64_t number = next.fetch_add(1, std::memory_order_relaxed);
    return number;
}

Memory upload(const void* data, std::size_t bytes) {
    Memory memory(bytes);
    check(driver().copy_in(memory.address(), data, bytes), "cuMemcpyHtoD");
    return memory;
}

// One byte a block, [B, H, q_blocks, kv_blocks].
Memory upload_blocks(const BlockMask& mask) {
    constexpr std::int64_t kMost = std::int64_t{1} << 31;
    const std::int64_t row = std::max<std::int64_t>(mask.kv_blocks(), 1);
    const std::int64_t rows = mask.B() * mask.H() * mask.q_blocks();
    if (rows > kMost / row) {
        fail<Unsupported>(
            "flexion::attention: this block_mask has no mask_mod and {} rows of {} blocks of {} x "
            "{}, more than the 2^31 that a CUDA call evaluates; use blocks that are multiples of "
            "128, or a mask_mod",
            rows, row, mask.block_size().q, mask.block_size().kv);
    }
    const std::vector<std::uint8_t> listed = mask.to_dense();
    return listed.empty() ? Memory() : upload(listed.data(), listed.size());
}

}  // namespace

Memory::Memory(std::size_t bytes) : bytes_(bytes), allocator_(device_allocator()) {
    const Driver& cuda = driver();
    check(cuda.context_current(&context_), "cuCtxGetCurrent");
    check(cuda.context_device(&device_), "cuCtxGetDevice");
    if (!allocator_.allocate) {
        check(cuda.allocate(&address_, bytes), "cuMemAlloc");
        return;
    }
    address_ = reinterpret_cast<Address>(allocator_.allocate(allocator_.host, bytes, device_));
    if (address_ == 0) {
        fail<DeviceError>(
            "flexion: the allocator of set_device_allocator() gave no memory for {} bytes on "
            "device {}",
            bytes, device_);
    }
}

Memory::~Memory() {
    if (address_ == 0) return;
    // At exit the driver may be gone; memory is then gone too. Results are not looked at: a
    // destructor has nobody to tell.
    const Driver* const cuda = find_driver();
    ContextHandle current = nullptr;
    if (!cuda || cuda->context_current(&current) != 0) return;
    const bool elsewhere = current != context_;
    if (elsewhere && cuda->context_set(context_) != 0) return;
    if (!allocator_.release) {
        cuda->release(address_);  // waits for launches that may still read it
    } else if (cuda->synchronize() == 0) {
        allocator_.release(allocator_.host, reinterpret_cast<void*>(address_), bytes_, device_);
    }
    if (elsewhere) cuda->context_set(current);
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
    struct Last {
        const DeviceState* state = nullptr;
        StreamHandle stream = nullptr;
        Address address = 0;
    };
    thread_local Last last;  // states are never destroyed
    if (!capturing && last.state == this && last.stream == stream) return last.address;
    const std::lock_guard lock(mutex_);
    const bool per_thread = reinterpret_cast<std::uintptr_t>(stream) == kPerThread;
    const StreamKey key{stream, per_thread ? thread_number() : 0};
    if (!capturing) {
        if (const auto found = stream_counters_.find(key); found != stream_counters_.end()) {
            last = {this, stream, found->second};
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
    if (!capturing) {
        stream_counters_[key] = address;
        last = {this, stream, address};
    }
    return address;
}

std::shared_ptr<const DeviceLists> DeviceState::lists(const BlockMask& mask,
                                                      const Schedule& schedule, bool fine,
                                                      bool capturing) {
    // The thread's last masks. A pointer that can still be locked keeps its mask alive, so that the
    // mask's address names it.
    struct Known {
        const DeviceState* state = nullptr;
        const BlockMask::Rep* rep = nullptr;
        int block_q = 0, block_kv = 0;
        bool fine = false;
        std::weak_ptr<const DeviceLists> lists{};
    };
    constexpr std::size_t kKnown = 8;
    thread_local Known known[kKnown];
    thread_local std::size_t next = 0;
    if (capturing) return find_lists(mask, schedule, fine, capturing);
    std::shared_ptr<const DeviceLists> found;
    for (const Known& k : known) {
        if (k.rep == &mask.rep() && k.state == this && k.block_q == schedule.block_q() &&
            k.block_kv == schedule.block_kv && k.fine == fine && (found = k.lists.lock())) {
            break;
        }
    }
    if (!found) {
        found = find_lists(mask, schedule, fine, capturing);
        known[next] = {this, &mask.rep(), schedule.block_q(), schedule.block_kv, fine, found};
        next = (next + 1) % kKnown;
    }
    const std::int64_t now = clock_.load(std::memory_order_relaxed);
    if (found->used.load(std::memory_order_relaxed) != now) {
        found->used.store(now, std::memory_order_relaxed);
    }
    return found;
}

std::shared_ptr<const DeviceLists> DeviceState::find_lists(const BlockMask& mask,
                                                           const Schedule& schedule, bool fine,
                                                           bool capturing) {
    const std::lock_guard lock(mutex_);
    for (const auto& lists : lists_) {
        if (&lists->mask.rep() == &mask.rep() && lists->block_q == schedule.block_q() &&
            lists->block_kv == schedule.block_kv && lists->fine == fine) {
            if (capturing) lists->captured.store(true, std::memory_order_relaxed);
            return lists;
        }
    }
    if (capturing) {
        fail<DeviceError>(
            "flexion::attention: this block_mask was not used on the device before; call "
            "prepare(...) or run the call once before capturing a CUDA graph");
    }
    const TileLists made = make_tile_lists(mask, schedule);
    auto lists = std::make_shared<DeviceLists>();
    lists->mask = mask;
    lists->block_q = schedule.block_q();
    lists->block_kv = schedule.block_kv;
    lists->fine = fine;
    lists->visited = made.visited;
    if (!made.rows.empty()) {
        lists->rows = upload(made.rows.data(), made.rows.size() * sizeof(TileRow));
    }
    lists->runs = upload(made.runs.data(), made.runs.size() * sizeof(TileRun));
    if (fine) lists->blocks = upload_blocks(mask);
    lists->used.store(clock_.fetch_add(1, std::memory_order_relaxed) + 1,
                      std::memory_order_relaxed);
    lists_.push_back(lists);
    if (lists_.size() > kMaxLists) {
        const auto age = [](const std::shared_ptr<const DeviceLists>& x) {
            return x->captured.load(std::memory_order_relaxed)
                       ? std::int64_t{1} << 62
                       : x->used.load(std::memory_order_relaxed);
        };
        const auto oldest =
            std::min_element(lists_.begin(), lists_.end(),
                             [&](const auto& x, const auto& y) { return age(x) < age(y); });
        if (!(*oldest)->captured.load(std::memory_order_relaxed)) lists_.erase(oldest);
    }
    return lists;
}

DeviceState& current_device() {
    // By the id of the context: a handle may be used again.
    struct Last {
        ContextHandle context = nullptr;
        unsigned long long id = 0;
        DeviceState* state = nullptr;
    };
    thread_local Last last;
    const Driver& cuda = driver();
    Last now;
    check(cuda.context_current(&now.context), "cuCtxGetCurrent");
    check(cuda.context_id(now.context, &now.id), "cuCtxGetId");
    if (last.state && last.context == now.context && last.id == now.id) return *last.state;
    static std::mutex mutex;
    static std::map<unsigned long long, DeviceState*> states;  // kept: the driver may go first
    const std::lock_guard lock(mutex);
    DeviceState*& state = states[now.id];
    if (!state) {
        DeviceId device = 0;
        check(cuda.context_device(&device), "cuCtxGetDevice");
        state = new DeviceState(device);
    }
    now.state = state;
    last = now;
    return *state;
}

}  // namespace flexion::cuda
