// SPDX-License-Identifier: Apache-2.0
// Memory that calls use again and again: nothing is allocated on a warm path.
#pragma once

#include <cstddef>
#include <utility>

namespace flexion::cpu {

/// A block of 64-byte aligned memory that only grows.
class Block {
public:
    Block() = default;
    ~Block();
    Block(Block&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Block& operator=(Block&& other) noexcept {
        std::swap(data_, other.data_), std::swap(bytes_, other.bytes_);
        return *this;
    }
    /// At least `bytes` bytes; the contents are lost when it has to grow. DeviceError: no memory.
    char* reserve(std::size_t bytes);

private:
    char* data_ = nullptr;
    std::size_t bytes_ = 0;
};

/// The calling thread's tile scratch. Valid until the next call on this thread: for code that runs
/// nothing but itself meanwhile, as a task does.
char* thread_scratch(std::size_t bytes);

/// A block of the calling thread's that stays its holder's own, whatever the thread runs meanwhile:
/// a host's parallel loop may run another call on a thread that waits in ours.
class Lease {
public:
    Lease();
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    template <class T>
    T* reserve(std::size_t count) {
        return reinterpret_cast<T*>(block_.reserve(count * sizeof(T)));
    }

private:
    Block block_;
};

/// Bytes rounded up to whole cache lines.
constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace flexion::cpu
