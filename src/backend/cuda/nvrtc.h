// SPDX-License-Identifier: Apache-2.0
// NVIDIA's run-time compiler, found at run time. Needs no GPU and no headers.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace flexion::cuda {

struct Compiled {
    bool ok = false;  ///< a cubin was made
    std::vector<char> cubin;
    std::string log;        ///< of the compiler and the assembler
    int spilled_bytes = 0;  ///< stored to local memory for want of registers
    int registers = 0;
    bool serialized = false;  ///< a C75xx remark: matrix instructions wait for each other
};

/// What a log of the assembler says.
void read_log(Compiled& compiled);

class Nvrtc {
public:
    /// The first of: FLEXION_NVRTC, the copy that the process has loaded or the loader finds, the
    /// pip packages of the interpreter's and VIRTUAL_ENV's site-packages, the toolkit. Null when
    /// there is none; then `why` says what was tried.
    static const Nvrtc* find(std::string* why = nullptr);

    /// Thread-safe; several compilations run at once.
    Compiled compile(const std::string& text, std::span<const std::string> options) const;
    /// "13.0"
    const std::string& version() const { return version_; }
    const std::string& path() const { return path_; }

private:
    friend struct NvrtcLoader;
    struct Functions;
    const Functions* functions_ = nullptr;
    std::string version_, path_;
};

}  // namespace flexion::cuda
