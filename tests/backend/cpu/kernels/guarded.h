// SPDX-License-Identifier: Apache-2.0
// Memory that faults when somebody reads past it.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <new>

namespace flexion::cpu::test {

/// `bytes` bytes that end where an unmapped page begins, and begin at most a page after one ends.
class Guarded {
public:
    explicit Guarded(std::size_t bytes) : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
        pages_ = (bytes + page_ - 1) / page_ + 2;
        void* p = mmap(nullptr, pages_ * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) throw std::bad_alloc();
        base_ = static_cast<char*>(p);
        mprotect(base_ + page_, (pages_ - 2) * page_, PROT_READ | PROT_WRITE);
        data_ = base_ + (pages_ - 1) * page_ - bytes;
    }
    ~Guarded() { munmap(base_, pages_ * page_); }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    char* data() const { return data_; }
    template <class T>
    T* as() const {
        return reinterpret_cast<T*>(data_);
    }

private:
    std::size_t page_, pages_ = 0;
    char *base_ = nullptr, *data_ = nullptr;
};

/// Address space without memory behind it: untouched pages cost nothing.
class Sparse {
public:
    explicit Sparse(std::size_t bytes) : bytes_(bytes) {
        data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (data_ == MAP_FAILED) throw std::bad_alloc();
    }
    ~Sparse() { munmap(data_, bytes_); }
    Sparse(const Sparse&) = delete;
    Sparse& operator=(const Sparse&) = delete;
    char* data() const { return static_cast<char*>(data_); }

private:
    std::size_t bytes_;
    void* data_;
};

}  // namespace flexion::cpu::test
