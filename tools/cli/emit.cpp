// SPDX-License-Identifier: Apache-2.0
// flexion emit SPEC --target T --stage S: what each stage of the line makes of a mod.
#include <cstdio>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/jit/llvm.h"
#include "backend/dump.h"
#include "cli/commands.h"
#include "cli/spec.h"
#include "ir/text.h"
#include "passes/passes.h"
#include "support/dtype.h"
#include "support/fail.h"

namespace flexion::cli {
namespace {

struct EmitOptions {
    std::string spec, score, mask, target, stage = "source", dtype = "f32";
    bool decode = false;
};

/// "cpu" (the instruction set in use) or "cpu:avx512".
cpu::Isa isa_of_target(const std::string& target) {
    if (target.empty() || target == "cpu") return cpu::detect_isa();
    constexpr std::string_view kPrefix = "cpu:";
    if (target.starts_with(kPrefix)) {
        if (const auto isa = cpu::find_isa(target.substr(kPrefix.size()))) return *isa;
    }
    fail<UserError>(
        "flexion emit: --target {}; expected cpu, cpu:portable, cpu:avx2, cpu:avx512 or "
        "cpu:avx512_bf16",
        target);
}

void emit(EmitOptions o) {
    if (!o.spec.empty()) (names_mask(o.spec) ? o.mask : o.score) = o.spec;
    SpecScope scope(8, 1024, 1024);
    scope.bind_missing = true;
    const ScoreMod score = score_from_spec(o.score, scope);
    const MaskMod mask = mask_from_spec(o.mask, scope);
    const std::optional<DType> dtype = find_dtype(o.dtype);
    if (!dtype || size_of(*dtype) == 1 || *dtype == DType::i64 || *dtype == DType::i32 ||
        *dtype == DType::i16) {
        fail<UserError>("flexion emit: --dtype {}; expected f32, f64, bf16 or f16", o.dtype);
    }
    const bool f64 = *dtype == DType::f64;
    std::optional<ir::Function> score_function, mask_function;
    plan::Mods mods;
    if (score) {
        mods.score = &score_function.emplace(passes::simplify(score.function(f64)));
        mods.score_captures = &score.captures(f64);
    }
    if (mask) {
        mods.mask = &mask_function.emplace(passes::simplify(mask.function()));
        mods.mask_captures = &mask.captures();
    }
    if (o.stage == "ir" || o.stage == "facts") {
        for (const ir::Function* f : {mods.score, mods.mask}) {
            if (f)
                std::fputs((o.stage == "ir" ? ir::print(*f) : backend::facts_text(*f)).c_str(),
                           stdout);
        }
        return;
    }
    const cpu::CpuBackend backend(isa_of_target(o.target));
    const backend::Source source = backend.emit(
        {.dtype = *dtype, .masked = mods.mask != nullptr, .few_queries = o.decode}, mods);
    std::fputs((o.stage == "asm" ? cpu::compile_assembly(source) : source.text).c_str(), stdout);
}

}  // namespace

void add_emit(CLI::App& app) {
    auto o = std::make_shared<EmitOptions>();
    CLI::App* command = app.add_subcommand("emit", "Print what a stage makes of a mod");
    command->add_option("spec", o->spec, "SPEC or FILE.flex of a score_mod or mask_mod");
    command->add_option("--score", o->score, "SPEC of a score_mod, to go with a mask");
    command->add_option("--mask", o->mask, "SPEC of a mask_mod, to go with a score_mod");
    command->add_option("--target", o->target, "cpu, or cpu:ISA for another instruction set");
    command->add_option("--stage", o->stage)
        ->check(CLI::IsMember({"ir", "facts", "source", "asm"}))
        ->capture_default_str();
    command->add_option("--dtype", o->dtype, "of q, k and v")->capture_default_str();
    command->add_flag("--decode", o->decode, "the kernel for few queries");
    command->callback([o] { emit(*o); });
}

}  // namespace flexion::cli
