// SPDX-License-Identifier: Apache-2.0
#include "backend/cpu/kernels/scratch.h"

#include <cstdlib>

#include "support/fail.h"

namespace flexion::cpu {
namespace {

thread_local Block tile_block, lease_block;

}  // namespace

Block::~Block() { std::free(data_); }

char* Block::reserve(std::size_t bytes) {
    if (bytes <= bytes_) return data_;
    std::free(data_);
    bytes_ = 0;
    const std::size_t size = aligned(bytes);
    data_ = static_cast<char*>(std::aligned_alloc(64, size));
    if (data_ == nullptr)
        fail<DeviceError>("flexion::attention: no memory for {} bytes of scratch", size);
    bytes_ = size;
    return data_;
}

char* thread_scratch(std::size_t bytes) { return tile_block.reserve(bytes); }

// A second lease on one thread finds an empty block and returns it to the place of the first.
Lease::Lease() : block_(std::move(lease_block)) {}
Lease::~Lease() { lease_block = std::move(block_); }

}  // namespace flexion::cpu
