// SPDX-License-Identifier: Apache-2.0
// The schedule ladder at work: which candidate's log is good enough.
#include "backend/cuda/cubin.h"

#include <algorithm>
#include <cstring>
#include <future>
#include <optional>
#include <sstream>
#include <thread>

#include "backend/cuda/nvrtc.h"
#include "support/env.h"
#include "support/fail.h"
#include "support/log.h"

namespace flexion::cuda {
namespace {

// Reloads of a few loop-invariant addresses cost nothing that can be measured.
constexpr int kHarmlessSpill = 96;
constexpr const char* kCandidatesLine = "// candidates:";

std::vector<std::string> options_for(int candidate) {
    std::vector<std::string> options{"--gpu-architecture=sm_90a",
                                     "--std=c++17",
                                     "-default-device",
                                     "--fmad=false",
                                     "-w",
                                     "--ptxas-options=-v",
                                     formatted("-DFX_CANDIDATE={}", candidate)};
    std::istringstream more(settings().nvrtc_options);
    for (std::string option; more >> option;) options.push_back(option);
    return options;
}

bool good(const Compiled& c) { return c.ok && !c.serialized && c.spilled_bytes <= kHarmlessSpill; }

}  // namespace

std::string dump_hint(const std::string& name) {
    const std::string& dump = settings().dump;
    return dump.empty() ? "set FLEXION_DUMP to a folder to keep its source"
                        : "its source is in " + dump + "/" + name;
}

std::string compile_flags() {
    std::string flags;
    for (const std::string& option : options_for(0)) {
        if (option.rfind("-DFX_CANDIDATE", 0) != 0) flags += option + " ";
    }
    return flags;
}

backend::Binary join(const Header& header, std::span<const char> cubin) {
    backend::Binary binary(sizeof header + cubin.size());
    std::memcpy(binary.data(), &header, sizeof header);
    std::memcpy(binary.data() + sizeof header, cubin.data(), cubin.size());
    return binary;
}

Header header_of(const backend::Binary& binary) {
    Header header;
    const Header expected;
    invariant(binary.size() > sizeof header, "a cubin has a header");
    std::memcpy(&header, binary.data(), sizeof header);
    invariant(std::memcmp(header.magic, expected.magic, sizeof header.magic) == 0,
              "a cubin's header is of this version");
    return header;
}

std::span<const char> cubin_of(const backend::Binary& binary) {
    return std::span(binary).subspan(sizeof(Header));
}

std::string to_line(const Candidates& candidates) {
    std::string line = kCandidatesLine;
    for (std::size_t i = 0; i < candidates.schedules.size(); ++i) {
        const Schedule& s = candidates.schedules[i];
        append_format(&line, " {},{},{},{}", s.warpgroups, s.block_kv, s.query_buffers,
                      candidates.shared_bytes[i]);
    }
    return line + "\n";
}

Candidates candidates_of(const std::string& text) {
    Candidates candidates;
    invariant(text.rfind(kCandidatesLine, 0) == 0, "CUDA source begins with its candidates");
    std::istringstream line(text.substr(std::strlen(kCandidatesLine), text.find('\n')));
    Schedule s;
    int shared = 0;
    char comma = 0;
    while (line >> s.warpgroups >> comma >> s.block_kv >> comma >> s.query_buffers >> comma >>
           shared) {
        candidates.schedules.push_back(s);
        candidates.shared_bytes.push_back(shared);
    }
    return candidates;
}

backend::Binary compile_best(const backend::Source& source) {
    std::string why;
    const Nvrtc* nvrtc = Nvrtc::find(&why);
    if (!nvrtc) {
        fail<CompileError>(
            "flexion: kernel {} needs NVIDIA's run-time compiler (NVRTC 12 or 13): {}; install the "
            "pip package nvidia-cuda-nvrtc, or name the library in FLEXION_NVRTC",
            source.name, why);
    }
    const Candidates candidates = candidates_of(source.text);
    const int count = static_cast<int>(candidates.schedules.size());
    std::vector<std::optional<Compiled>> made(count);
    // The second candidate is compiled beside the first: it is needed rarely, but then at once. It
    // is waited for in any case: NVRTC must not be under way when the process ends.
    std::future<Compiled> second;
    if (count > 1 && std::thread::hardware_concurrency() >= 4) {
        second = std::async(std::launch::async,
                            [&] { return nvrtc->compile(source.text, options_for(1)); });
    }
    int chosen = -1;
    for (int i = 0; i < count && chosen < 0; ++i) {
        made[i] =
            i == 1 && second.valid() ? second.get() : nvrtc->compile(source.text, options_for(i));
        if (good(*made[i])) chosen = i;
    }
    for (int i = 0; i < count; ++i) {
        if (!made[i]) continue;
        const Compiled& c = *made[i];
        log(LogChannel::schedule, "{}: {} x {}: {}", source.name, candidates.schedules[i].block_q(),
            candidates.schedules[i].block_kv,
            !c.ok          ? "does not compile"
            : c.serialized ? "serialises its matrix instructions"
            : i == chosen  ? formatted("taken, {} bytes spilled", c.spilled_bytes)
                           : formatted("{} bytes spilled", c.spilled_bytes));
    }
    if (chosen < 0) {  // all have a flaw: the least
        for (int i = 0; i < count; ++i) {
            const auto flaw = [&](int n) {
                return made[n]->spilled_bytes + (made[n]->serialized ? 1 << 20 : 0);
            };
            if (made[i]->ok && (chosen < 0 || flaw(i) < flaw(chosen))) chosen = i;
        }
    }
    if (chosen < 0) {
        fail<CompileError>("flexion: NVRTC {} refused kernel {} ({}):\n{}", nvrtc->version(),
                           source.name, dump_hint(source.name), made[0]->log.substr(0, 2000));
    }
    Header header;
    header.schedule = candidates.schedules[chosen];
    header.shared_bytes = candidates.shared_bytes[chosen];
    header.registers = made[chosen]->registers;
    header.spilled_bytes = made[chosen]->spilled_bytes;
    header.candidate = chosen;
    return join(header, made[chosen]->cubin);
}

}  // namespace flexion::cuda
