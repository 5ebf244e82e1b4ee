// SPDX-License-Identifier: Apache-2.0
// A shared library opened at run time, from the first of several candidates that loads.
#pragma once

#include <span>
#include <string>

namespace flexion {

class DynamicLibrary {
public:
    DynamicLibrary() = default;
    /// Opens the first of `candidates` (file names or paths) that loads. When none does, the result
    /// is false and error() lists every candidate with the loader's reason.
    static DynamicLibrary open(std::span<const std::string> candidates);
    ~DynamicLibrary();
    DynamicLibrary(DynamicLibrary&& other) noexcept;
    DynamicLibrary& operator=(DynamicLibrary&& other) noexcept;

    explicit operator bool() const { return handle_ != nullptr; }
    /// Address of a function or variable; null when the library has none of that name.
    void* symbol(const char* name) const;
    /// Sets `*pointer` to the function `name`; false when the library has none.
    template <class F>
    bool bind(const char* name, F** pointer) const {
        *pointer = reinterpret_cast<F*>(symbol(name));
        return *pointer != nullptr;
    }
    /// The file that was loaded.
    const std::string& path() const { return path_; }
    const std::string& error() const { return error_; }

private:
    void* handle_ = nullptr;
    std::string path_;
    std::string error_;
};

}  // namespace flexion
