// SPDX-License-Identifier: Apache-2.0
// LLVM behind its interface: refusals that name the kernel, fatal errors that do not end the
// process, instruction sets of other machines.
#include <elf.h>
#include <flexion/error.h>
#include <flexion/masks.h>
#include <flexion/scores.h>
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "backend/cpu/codegen/emit.h"
#include "backend/cpu/jit/kernel.h"
#include "backend/cpu/jit/llvm.h"
#include "backend/cpu/tile_run.h"
#include "sanitizers.h"

// The library itself makes code for x86-64 only.
extern "C" {
void LLVMInitializeAArch64TargetInfo();
void LLVMInitializeAArch64Target();
void LLVMInitializeAArch64TargetMC();
void LLVMInitializeAArch64AsmPrinter();
}

namespace flexion::test {
namespace {

backend::Source source_of(const std::string& text) {
    backend::Source source;
    source.name = "the_kernel";
    source.target = "cpu:avx2 x86_64-unknown-linux-gnu x86-64 +avx2,+fma";
    source.text = text;
    return source;
}

std::string refusal(const backend::Source& source) {
    try {
        cpu::compile_object(source);
    } catch (const CompileError& error) {
        return error.what();
    }
    return "";
}

TEST(Compiler, RefusesTextWithTheKernelsNameAndAHint) {
    const std::string message = refusal(source_of("define i32 @f() { ret i64 0 }"));
    EXPECT_NE(message.find("'the_kernel'"), std::string::npos) << message;
    EXPECT_NE(message.find("parsing"), std::string::npos) << message;
    EXPECT_NE(message.find("FLEXION_DUMP"), std::string::npos) << message;
    // Parses, but a value is used where it is not defined on every way.
    const std::string unverified = refusal(source_of(
        "define i32 @f(i1 %c) {\nentry:\n  br i1 %c, label %a, label %b\na:\n  %x = add i32 1, 2\n"
        "  br label %b\nb:\n  ret i32 %x\n}\n"));
    EXPECT_NE(unverified.find("verification"), std::string::npos) << unverified;
}

TEST(Compiler, RefusesATargetThatItLacks) {
    backend::Source source = source_of("define i32 @f() { ret i32 0 }");
    source.target = "cpu:avx2 sparc-sun-solaris generic";
    EXPECT_NE(refusal(source).find("target"), std::string::npos);
}

TEST(Compiler, AFatalErrorOfLlvmBecomesAnExceptionAndCompilationGoesOn) {
    // An instruction that the target lacks: code generation cannot go on and would end the process.
    const std::string text =
        "declare <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float>, <16 x float>, <16 "
        "x "
        "float>, i16, i32)\n"
        "define void @f(ptr %p) nounwind {\n  %x = load <16 x float>, ptr %p\n"
        "  %y = call <16 x float> @llvm.x86.avx512.mask.scalef.ps.512(<16 x float> %x, <16 x "
        "float> "
        "%x, <16 x float> zeroinitializer, i16 -1, i32 4)\n"
        "  store <16 x float> %y, ptr %p\n  ret void\n}\n";
    for (int again = 0; again < 3; ++again) {
        const MayLeak what_llvm_held;  // the handler leaves LLVM's frames by an exception
        const std::string message = refusal(source_of(text));
        EXPECT_NE(message.find("'the_kernel'"), std::string::npos) << message;
        EXPECT_EQ(refusal(source_of("define i32 @f() { ret i32 0 }")), "");
    }
}

struct Sample {
    const char* name;
    plan::Problem problem;
    OwnedMods mods;
};

std::vector<Sample> samples() {
    static const std::vector<float> slopes(8, 0.5f), bias(64 * 64, 0.25f);
    static const std::vector<std::uint16_t> halves(64, 0x3c00);
    static const std::vector<std::int32_t> documents(64, 1);
    const Buffer slope = buffer(TensorView::dense(slopes.data(), DType::f32, {8}));
    const Buffer table = buffer(TensorView::dense(bias.data(), DType::f32, {64, 64}));
    const Buffer half = buffer(TensorView::dense(halves.data(), DType::f16, {64}));
    const Buffer document = buffer(TensorView::dense(documents.data(), DType::i32, {64}));
    std::vector<Sample> all;
    all.push_back({"none", {}, {}});
    all.push_back({"alibi", {}, {scores::alibi(slope), {}}});
    all.push_back({"softcap causal", {}, {scores::softcap(20), masks::causal()}});
    all.push_back({"document", {}, {{}, masks::causal() & masks::document(document)}});
    all.push_back(
        {"bias",
         {},
         {score_mod([table](Expr s, Expr, Expr, Expr q, Expr k) { return s + table(q, k); }), {}}});
    // Everything that might become a call of a library: rounding, fma, powers, division, halves.
    all.push_back({"everything",
                   {},
                   {score_mod([half](Expr s, Expr, Expr h, Expr q, Expr k) {
                        const Expr x = floor(s) + ceil(s * 3) + round(s * 5) + trunc(s * 7);
                        const Expr y = fma(s, x, half[k]) + exp(s) + exp2(s) + log(s) + log2(s);
                        const Expr z = tanh(s) + sigmoid(s) + sqrt(s) + rsqrt(s) + pow(s, x) +
                                       sin(s) + erf(s) + log1p(s) + expm1(s) + cos(s) + s % x;
                        return x + y + z + to_float(floordiv(q, k + 1) + pow(k, h) + (q << k)) +
                               to_float(to_i64(s) % (to_i64(k) + 3)) + to_float(to_i32(s));
                    }),
                    {}}});
    std::vector<Sample> out;
    for (const Sample& s : all) {
        for (const DType dtype : {DType::f32, DType::bf16, DType::f64}) {
            for (const bool stream : {false, true}) {
                Sample one = s;
                one.problem.dtype = dtype;
                one.problem.few_queries = stream;
                one.problem.masked = static_cast<bool>(s.mods.mask);
                out.push_back(one);
            }
        }
        if (s.mods.mask) {
            Sample leaf = s;
            leaf.problem.direction = plan::Direction::mask_leaf;
            out.push_back(leaf);
        }
    }
    return out;
}

// Every instruction set can be compiled for on any machine; loading, which wants the vector
// functions of the build, refuses undefined symbols.
TEST(Compiler, MakesCompleteObjectsForEveryInstructionSet) {
    for (const cpu::Isa isa : cpu::kIsas) {
        for (const Sample& sample : samples()) {
            SCOPED_TRACE(isa_name(isa) + " " + sample.name);
            const plan::Mods mods = sample.mods.mods(sample.problem.dtype == DType::f64);
            const backend::Source source = cpu::emit(sample.problem, mods, isa);
            const backend::Binary object = cpu::compile_object(source);
            EXPECT_FALSE(object.empty());
            if (!cpu::is_built(isa)) continue;
            EXPECT_NO_THROW(cpu::load_kernel(source, object, isa));
        }
    }
}

TEST(Compiler, UsesTheRegistersAndInstructionsOfTheSet) {
    const auto assembly = [](cpu::Isa isa, DType dtype) {
        plan::Problem problem;
        problem.dtype = dtype;
        return cpu::compile_assembly(cpu::emit(problem, {}, isa));
    };
    const auto has = [](const std::string& text, const char* word) {
        return text.find(word) != std::string::npos;
    };
    const std::string portable = assembly(cpu::Isa::portable, DType::f32);
    EXPECT_TRUE(has(portable, "mulps") && !has(portable, "ymm") && !has(portable, "vmulps"));
    const std::string avx2 = assembly(cpu::Isa::avx2, DType::f32);
    EXPECT_TRUE(has(avx2, "ymm") && has(avx2, "vfmadd") && !has(avx2, "zmm"));
    const std::string avx512 = assembly(cpu::Isa::avx512_bf16, DType::bf16);
    EXPECT_TRUE(has(avx512, "zmm") && has(avx512, "vscalefps") && has(avx512, "vreduceps"));
    for (const std::string* text : {&portable, &avx2, &avx512}) EXPECT_FALSE(has(*text, "call"));
}

// Undefined symbols of an ELF object of any machine.
std::vector<std::string> undefined_symbols(const backend::Binary& object) {
    Elf64_Ehdr head;
    std::memcpy(&head, object.data(), sizeof head);
    std::vector<Elf64_Shdr> sections(head.e_shnum);
    std::memcpy(sections.data(), object.data() + head.e_shoff,
                sections.size() * sizeof(Elf64_Shdr));
    std::vector<std::string> names;
    for (const Elf64_Shdr& section : sections) {
        if (section.sh_type != SHT_SYMTAB) continue;
        for (std::size_t at = sizeof(Elf64_Sym); at < section.sh_size; at += sizeof(Elf64_Sym)) {
            Elf64_Sym symbol;
            std::memcpy(&symbol, object.data() + section.sh_offset + at, sizeof symbol);
            if (symbol.st_shndx == SHN_UNDEF) {
                names.emplace_back(object.data() + sections[section.sh_link].sh_offset +
                                   symbol.st_name);
            }
        }
    }
    return names;
}

TEST(Compiler, PortableTextIsCompleteOnAarch64Too) {
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    for (const Sample& sample : samples()) {
        SCOPED_TRACE(sample.name);
        const plan::Mods mods = sample.mods.mods(sample.problem.dtype == DType::f64);
        backend::Source source = cpu::emit(sample.problem, mods, cpu::Isa::portable);
        source.target = "cpu:portable aarch64-unknown-linux-gnu generic";
        const backend::Binary object = cpu::compile_object(source);
        Elf64_Ehdr head;
        ASSERT_GT(object.size(), sizeof head);
        std::memcpy(&head, object.data(), sizeof head);
        EXPECT_EQ(head.e_machine, EM_AARCH64);
        EXPECT_TRUE(undefined_symbols(object).empty()) << undefined_symbols(object)[0];
    }
}

TEST(Compiler, SeveralThreadsCompileAtOnce) {
    const std::vector<Sample> all = samples();
    std::vector<backend::Binary> objects(8);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        threads.emplace_back([&, i] {
            const Sample& sample = all[i / 2];
            objects[i] = cpu::compile_object(
                cpu::emit(sample.problem, sample.mods.mods(sample.problem.dtype == DType::f64),
                          cpu::Isa::avx2));
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (std::size_t i = 0; i < objects.size(); i += 2) EXPECT_EQ(objects[i], objects[i + 1]);
}

}  // namespace
}  // namespace flexion::test
