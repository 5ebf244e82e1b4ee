// SPDX-License-Identifier: Apache-2.0
// What compile() makes and load() reads: the chosen configuration in front of its cubin.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/cuda/emit/schedule.h"

namespace flexion::cuda {

struct Header {
    char magic[8] = {'f', 'x', 'c', 'u', 'b', 'i', 'n', '1'};
    Schedule schedule;
    int shared_bytes = 0;
    int registers = 0;
    int spilled_bytes = 0;
    int candidate = 0;
};

backend::Binary join(const Header& header, std::span<const char> cubin);
/// InternalError when `binary` has no such header.
Header header_of(const backend::Binary& binary);
std::span<const char> cubin_of(const backend::Binary& binary);

/// One compilation unit and the configurations it may be compiled as, best first.
struct Candidates {
    std::vector<Schedule> schedules;
    std::vector<int> shared_bytes;
};
/// A comment line that carries them in the source, so that the text alone decides the binary.
std::string to_line(const Candidates& candidates);
Candidates candidates_of(const std::string& text);

/// Compiles candidates until one neither spills nor serialises its matrix instructions, two at a
/// time where there are cores; else takes the one that spills least. CompileError, with the log and
/// the place of the dump, when none compiles. `name` is the kernel's name in messages.
backend::Binary compile_best(const backend::Source& source);

/// Where the source of kernel `name` is kept, or how to keep it; for messages.
std::string dump_hint(const std::string& name);

/// The options of every compilation, but for the candidate.
std::string compile_flags();

}  // namespace flexion::cuda
