// SPDX-License-Identifier: Apache-2.0
// Writes and logs the stages of a kernel.
#include "backend/dump.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

#include "ir/text.h"
#include "passes/passes.h"
#include "support/env.h"
#include "support/hash.h"
#include "support/log.h"
#include "support/text_builder.h"

namespace flexion::backend {
namespace {

std::string affine_text(const ir::Function& f, const passes::Affine& form) {
    TextBuilder text;
    const auto term = [&](std::int64_t coefficient, std::string_view name) {
        if (coefficient != 0) text.add("{}*{} + ", coefficient, name);
    };
    term(form.b, "b");
    term(form.h, "h");
    term(form.q, "q");
    term(form.k, "k");
    for (std::size_t i = 0; i < form.scalars.size(); ++i) {
        term(form.scalars[i], f.parameters[f.builtin_parameters() + i].name);
    }
    return text.add("{}", form.constant).take();
}

std::string depends_text(std::uint8_t depends) {
    static constexpr const char* kNames[] = {"score", "b", "h", "q", "k"};
    std::string text;
    for (int i = 0; i < 5; ++i) {
        if (depends >> i & 1) append_format(&text, "{}{}", text.empty() ? "" : " ", kNames[i]);
    }
    return text.empty() ? "nothing" : text;
}

std::string both(const plan::Mods& mods, std::string (*text_of)(const ir::Function&)) {
    std::string text;
    for (const ir::Function* f : {mods.score, mods.mask}) {
        if (f) text += text_of(*f);
    }
    return text;
}

std::string schedule_text(const plan::Problem& problem, const Source& source) {
    return formatted("{}target = {}\nflags = {}\n", plan::to_text(problem), source.target,
                     source.flags);
}

}  // namespace

std::string facts_text(const ir::Function& f) {
    const passes::Facts facts = passes::uniformity(f);
    TextBuilder text;
    text.line("{}", f.name);
    for (std::size_t i = 0; i < f.insts.size(); ++i) {
        text.line("  %{}: {} depends on {}{}{}", i, ir::name_of(f.insts[i].type),
                  depends_text(facts.depends[i]), facts.affine[i].known ? "; " : "",
                  facts.affine[i].known ? affine_text(f, facts.affine[i]) : "");
    }
    return text.take();
}

KernelDump::KernelDump(const plan::Problem& problem, const plan::Mods& mods, const Source& source) {
    const auto log_text = [&](LogChannel channel, auto make) {
        if (log_is_on(channel)) log(channel, "{}\n{}", source.name, make());
    };
    log_text(LogChannel::ir, [&] { return both(mods, ir::print); });
    log_text(LogChannel::facts, [&] { return both(mods, facts_text); });
    log_text(LogChannel::schedule, [&] { return schedule_text(problem, source); });
    log_text(LogChannel::source, [&] { return source.text; });

    const std::string& root = settings().dump;
    if (root.empty()) return;
    // Kernels of one name differ in their text: a few digits of its hash keep them apart.
    const std::string hash = hash128({source.target, source.flags, source.text}).hex();
    folder_ = formatted("{}/{}-{}", root, source.name, hash.substr(0, 8));
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    write("ir", both(mods, ir::print));
    write("facts", both(mods, facts_text));
    write("schedule", schedule_text(problem, source));
    write("source", source.text);
}

void KernelDump::add(const Binary& binary) const {
    if (!folder_.empty()) write("binary", std::string_view(binary.data(), binary.size()));
}

void KernelDump::write(const char* file, std::string_view content) const {
    const std::string path = formatted("{}/{}", folder_, file);
    std::FILE* const out = std::fopen(path.c_str(), "wb");
    const bool written =
        out && std::fwrite(content.data(), 1, content.size(), out) == content.size();
    const bool closed = out && std::fclose(out) == 0;
    if (!written || !closed) log(LogChannel::warn, "FLEXION_DUMP: cannot write {}", path);
}

}  // namespace flexion::backend
