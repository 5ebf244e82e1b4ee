// SPDX-License-Identifier: Apache-2.0
// Text to object code through LLVM's C interface.
//
// No optimisation pass runs: the emitter hoists, inlines and shares by itself, and the code
// generator selects, combines and schedules. A pass manager with inlining, CSE and LICM took 2 ms
// more of 8 for the same code.
#include "backend/cpu/jit/llvm.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/ErrorHandling.h>
#include <llvm-c/IRReader.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>

#include <memory>
#include <mutex>
#include <sstream>
#include <string_view>
#include <utility>

#include "support/env.h"
#include "support/fail.h"

namespace flexion::cpu {
namespace {

// The kernel that this thread compiles, for the handler of fatal errors.
thread_local const backend::Source* compiling = nullptr;

[[noreturn]] void refuse(const backend::Source& source, const char* step, std::string_view why) {
    const std::string& dump = settings().dump;
    fail<CompileError>("flexion: kernel '{}' for {}: {} failed: {}; {}", source.name, source.target,
                       step, why,
                       dump.empty() ? "set FLEXION_DUMP=DIR to keep its source"
                                    : formatted("its source is under {}", dump));
}

// LLVM calls this where it would otherwise end the process ("cannot select ..."). The exception
// passes through LLVM's frames, which leaks what they hold; nothing of this compilation is used
// again.
void on_fatal_error(const char* reason) {
    if (compiling) refuse(*compiling, "LLVM", reason);
    fail<CompileError>("flexion: LLVM failed: {}", reason);
}

void on_diagnostic(LLVMDiagnosticInfoRef info, void* text) {
    if (LLVMGetDiagInfoSeverity(info) != LLVMDSError) return;
    char* description = LLVMGetDiagInfoDescription(info);
    *static_cast<std::string*>(text) += description;
    LLVMDisposeMessage(description);
}

void initialize() {
    static std::once_flag once;
    std::call_once(once, [] {
        LLVMInstallFatalErrorHandler(on_fatal_error);
        LLVMInitializeX86TargetInfo();
        LLVMInitializeX86Target();
        LLVMInitializeX86TargetMC();
        LLVMInitializeX86AsmPrinter();
    });
}

template <auto Dispose>
struct Disposer {
    template <class T>
    void operator()(T* p) const {
        Dispose(p);
    }
};
template <class Ref, auto Dispose>
using Handle = std::unique_ptr<std::remove_pointer_t<Ref>, Disposer<Dispose>>;
using Context = Handle<LLVMContextRef, LLVMContextDispose>;
using Module = Handle<LLVMModuleRef, LLVMDisposeModule>;
using Machine = Handle<LLVMTargetMachineRef, LLVMDisposeTargetMachine>;
using Layout = Handle<LLVMTargetDataRef, LLVMDisposeTargetData>;
using Buffer = Handle<LLVMMemoryBufferRef, LLVMDisposeMemoryBuffer>;

std::string taken(char* message) {
    std::string text = message ? message : "";
    if (message) LLVMDisposeMessage(message);
    return text;
}

Buffer compile(const backend::Source& source, LLVMCodeGenFileType type) {
    initialize();
    std::istringstream target(source.target);
    std::string isa, triple, cpu, features;
    target >> isa >> triple >> cpu >> features;
    LLVMTargetRef found = nullptr;
    char* message = nullptr;
    if (LLVMGetTargetFromTriple(triple.c_str(), &found, &message) != 0)
        refuse(source, "the search for its target", taken(message));
    const Machine machine(LLVMCreateTargetMachine(found, triple.c_str(), cpu.c_str(),
                                                  features.c_str(), LLVMCodeGenLevelDefault,
                                                  LLVMRelocPIC, LLVMCodeModelSmall));

    const Context context(LLVMContextCreate());
    std::string diagnostics;
    LLVMContextSetDiagnosticHandler(context.get(), on_diagnostic, &diagnostics);
    LLVMModuleRef parsed = nullptr;
    // The parser takes the buffer, which only refers to the text.
    LLVMMemoryBufferRef text = LLVMCreateMemoryBufferWithMemoryRange(
        source.text.data(), source.text.size(), source.name.c_str(), true);
    if (LLVMParseIRInContext(context.get(), text, &parsed, &message) != 0)
        refuse(source, "parsing", taken(message));
    const Module module(parsed);
    const Layout layout(LLVMCreateTargetDataLayout(machine.get()));
    LLVMSetModuleDataLayout(module.get(), layout.get());
    LLVMSetTarget(module.get(), triple.c_str());
    if (LLVMVerifyModule(module.get(), LLVMReturnStatusAction, &message) != 0)
        refuse(source, "verification", taken(message));
    LLVMDisposeMessage(std::exchange(message, nullptr));

    LLVMMemoryBufferRef object = nullptr;
    if (LLVMTargetMachineEmitToMemoryBuffer(machine.get(), module.get(), type, &message, &object) !=
        0)
        refuse(source, "code generation", taken(message));
    Buffer result(object);
    if (!diagnostics.empty()) refuse(source, "code generation", diagnostics);
    return result;
}

Buffer compile_named(const backend::Source& source, LLVMCodeGenFileType type) {
    struct Scope {
        explicit Scope(const backend::Source* s) { compiling = s; }
        ~Scope() { compiling = nullptr; }
    } const scope(&source);
    return compile(source, type);
}

}  // namespace

backend::Binary compile_object(const backend::Source& source) {
    const Buffer object = compile_named(source, LLVMObjectFile);
    const char* start = LLVMGetBufferStart(object.get());
    return {start, start + LLVMGetBufferSize(object.get())};
}

std::string compile_assembly(const backend::Source& source) {
    const Buffer text = compile_named(source, LLVMAssemblyFile);
    return {LLVMGetBufferStart(text.get()), LLVMGetBufferSize(text.get())};
}

std::string llvm_version() {
    unsigned major = 0, minor = 0, patch = 0;
    LLVMGetVersion(&major, &minor, &patch);
    return formatted("LLVM {}.{}.{}", major, minor, patch);
}

}  // namespace flexion::cpu
