// SPDX-License-Identifier: Apache-2.0
// Places a relocatable object in executable memory.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"

namespace flexion::cpu {

/// Pages of memory, unmapped when it dies.
class Mapping {
public:
    Mapping() = default;
    Mapping(void* data, std::size_t size) : data_(static_cast<char*>(data)), size_(size) {}
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();
    char* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    char* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Executable pages, which were never writable where they lie.
struct LoadedCode {
    Mapping memory;
    std::vector<const void*> entries;  ///< one per symbol asked for
};
/// Loads an ELF64 x86-64 object and finds its functions. CompileError, naming `kernel`, for
/// an object that is damaged, has undefined symbols or writable data, or needs a relocation beyond
/// the ones between its own sections. DeviceError when the system gives no memory.
LoadedCode load_object(const backend::Binary& object,
                       std::initializer_list<std::string_view> symbols, const std::string& kernel);

}  // namespace flexion::cpu
