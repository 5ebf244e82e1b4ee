// SPDX-License-Identifier: Apache-2.0
// Objects in memory: rights of the pages, damaged and foreign objects, systems that forbid more.
#include "backend/cpu/jit/loader.h"

#include <elf.h>
#include <flexion/error.h>
#include <flexion/masks.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>

#include "backend/cpu/codegen/emit.h"
#include "backend/cpu/jit/llvm.h"
#include "backend/cpu/tile_run.h"
#include "seed.h"

namespace flexion::test {
namespace {

backend::Source causal_source() {
    static const MaskMod causal = masks::causal();
    plan::Mods mods;
    mods.mask = &causal.function();
    mods.mask_captures = &causal.captures();
    plan::Problem problem;
    problem.direction = plan::Direction::mask_leaf;
    return cpu::emit(problem, mods, cpu::detect_isa());
}

backend::Source source_of(const std::string& text) {
    backend::Source source = causal_source();
    source.name = "hand_made";
    source.text = text;
    return source;
}

const backend::Binary& causal_object() {
    static const backend::Binary object = cpu::compile_object(causal_source());
    return object;
}

unsigned causal_answer(const void* entry, int q0, int k0) {
    cpu::TileArgs args{};
    args.q0 = q0;
    args.k0 = k0;
    args.rows = 10;
    args.lanes = 10;
    const cpu::Word words[1] = {0};
    return reinterpret_cast<cpu::MaskPass>(const_cast<void*>(entry))(&args, words);
}

/// The lines of /proc/self/maps that are code of ours.
std::vector<std::string> code_mappings() {
    std::ifstream maps("/proc/self/maps");
    std::vector<std::string> found;
    for (std::string line; std::getline(maps, line);)
        if (line.find("flexion-code") != std::string::npos) found.push_back(line);
    return found;
}

TEST(Loader, CodeRunsIsNeverWritableAndIsUnmapped) {
    ASSERT_TRUE(code_mappings().empty());
    {
        const cpu::LoadedCode code = cpu::load_object(causal_object(), {"mask_leaf"}, "k");
        EXPECT_EQ(causal_answer(code.entries[0], 0, 100), 0u);
        EXPECT_EQ(causal_answer(code.entries[0], 0, 0), 1u);
        EXPECT_EQ(causal_answer(code.entries[0], 100, 0), 3u);
        const auto mappings = code_mappings();
        ASSERT_EQ(mappings.size(), 1u);
        EXPECT_NE(mappings[0].find(" r-xs "), std::string::npos) << mappings[0];
    }
    EXPECT_TRUE(code_mappings().empty());
}

// PR_SET_MDWE: no mapping becomes executable that was not made so, none is both.
TEST(Loader, WorksWhereWritableMemoryMayNotBecomeExecutable) {
    constexpr int kSetMdwe = 65, kRefuseExecGain = 1;
    const pid_t child = ::fork();
    if (child == 0) {
        if (::prctl(kSetMdwe, kRefuseExecGain, 0, 0, 0) != 0) ::_exit(77);
        try {
            const cpu::LoadedCode code = cpu::load_object(causal_object(), {"mask_leaf"}, "k");
            ::_exit(causal_answer(code.entries[0], 100, 0) == 3 ? 0 : 1);
        } catch (...) {
            ::_exit(2);
        }
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "this kernel lacks PR_SET_MDWE";
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

std::string refusal(const backend::Binary& object, const char* symbol = "mask_leaf") {
    try {
        cpu::load_object(object, {symbol}, "the_kernel");
    } catch (const CompileError& error) {
        return error.what();
    }
    return "";
}

void expect_refused(const backend::Binary& object, const std::string& why) {
    const std::string message = refusal(object);
    EXPECT_NE(message.find("the_kernel"), std::string::npos) << message;
    EXPECT_NE(message.find(why), std::string::npos) << message;
}

TEST(Loader, RefusesWhatIsTruncatedAtAnyLength) {
    const backend::Binary& whole = causal_object();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        // The section headers come last: without any byte of them the object is incomplete.
        EXPECT_NE(refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), "")
            << size << " of " << whole.size();
    }
    EXPECT_EQ(refusal(whole), "");
}

TEST(Loader, SurvivesFlippedBits) {
    auto random = generator(7);
    for (int i = 0; i < 4000; ++i) {
        backend::Binary object = causal_object();
        const auto at = static_cast<std::size_t>(
            between(random, 0, static_cast<std::int64_t>(object.size()) - 1));
        object[at] = static_cast<char>(object[at] ^ (1 << between(random, 0, 7)));
        refusal(object);  // or it loads: nothing but the text may have changed
    }
}

TEST(Loader, RefusesForeignObjects) {
    backend::Binary object = causal_object();
    expect_refused(backend::Binary(100, 'x'), "no ELF64");
    object[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(EM_AARCH64);
    expect_refused(object, "another machine");
    EXPECT_NE(refusal(causal_object(), "absent").find("no function absent"), std::string::npos);
}

TEST(Loader, RefusesUndefinedSymbolsAndWritableData) {
    const backend::Binary outside = cpu::compile_object(
        source_of("declare i32 @elsewhere(i32)\n"
                  "define i32 @mask_leaf(i32 %x) nounwind {\n  %r = call i32 @elsewhere(i32 %x)\n"
                  "  %s = add i32 %r, 1\n  ret i32 %s\n}\n"));
    expect_refused(outside, "symbol 'elsewhere' is undefined");
    const backend::Binary writable = cpu::compile_object(
        source_of("@state = internal global i32 7\n"
                  "define i32 @mask_leaf(i32 %x) nounwind {\n  %r = load i32, ptr @state\n"
                  "  store i32 %x, ptr @state\n  ret i32 %r\n}\n"));
    expect_refused(writable, "writable data");
}

/// Calls `change` for every relocation of the object.
backend::Binary with_relocations(backend::Binary object,
                                 const std::function<void(Elf64_Rela&)>& change) {
    Elf64_Ehdr head;
    std::memcpy(&head, object.data(), sizeof head);
    for (int i = 0; i < head.e_shnum; ++i) {
        Elf64_Shdr section;
        std::memcpy(&section, object.data() + head.e_shoff + i * sizeof section, sizeof section);
        if (section.sh_type != SHT_RELA) continue;
        for (std::size_t at = 0; at < section.sh_size; at += sizeof(Elf64_Rela)) {
            Elf64_Rela relocation;
            std::memcpy(&relocation, object.data() + section.sh_offset + at, sizeof relocation);
            change(relocation);
            std::memcpy(object.data() + section.sh_offset + at, &relocation, sizeof relocation);
        }
    }
    return object;
}

TEST(Loader, RefusesRelocationsThatItDoesNotKnowOrThatGoAstray) {
    int count = 0;
    with_relocations(causal_object(), [&](Elf64_Rela&) { ++count; });
    ASSERT_GT(count, 0) << "the object has constants in a section of their own";
    const auto changed = [](auto change) { return with_relocations(causal_object(), change); };
    expect_refused(changed([](Elf64_Rela& r) {
                       r.r_info = ELF64_R_INFO(ELF64_R_SYM(r.r_info), R_X86_64_GOTPCREL);
                   }),
                   "relocation type 9");
    expect_refused(changed([](Elf64_Rela& r) { r.r_info = ELF64_R_INFO(9999, R_X86_64_PC32); }),
                   "names no symbol");
    expect_refused(changed([](Elf64_Rela& r) { r.r_offset = 1 << 20; }), "outside its section");
    expect_refused(changed([](Elf64_Rela& r) { r.r_addend = std::int64_t{1} << 40; }), "too far");
}

}  // namespace
}  // namespace flexion::test
