// SPDX-License-Identifier: Apache-2.0
// FLEXION_DUMP and FLEXION_LOG: what each stage of the line produced for a kernel.
#pragma once

#include <string>

#include "backend/backend.h"
#include "plan/problem.h"

namespace flexion::backend {

/// The facts of a function, a line for each value: its instruction, what it depends on, its affine
/// form.
std::string facts_text(const ir::Function& f);

/// The folder `<FLEXION_DUMP>/<source.name>` with the files ir, facts, schedule, source and binary;
/// where FLEXION_DUMP is not set, nothing. Never fatal: a folder that cannot be written is logged.
class KernelDump {
public:
    /// Writes all but the binary, and logs the channels ir, facts, schedule and source.
    KernelDump(const plan::Problem& problem, const plan::Mods& mods, const Source& source);
    void add(const Binary& binary) const;

private:
    void write(const char* file, std::string_view content) const;
    std::string folder_;
};

}  // namespace flexion::backend
