# SPDX-License-Identifier: Apache-2.0
# flexion_llvm: LLVM 19's C interface, for the one library that sees it.
enable_language(C)  # LLVM's package tests libffi with it where a C compiler was named
find_package(LLVM 19.1 CONFIG REQUIRED)
llvm_map_components_to_libnames(archives
    aarch64codegen aarch64desc aarch64info analysis core irreader passes support target
    x86asmparser x86codegen x86desc x86info)
add_library(flexion_llvm INTERFACE)
target_include_directories(flexion_llvm SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS})
target_link_libraries(flexion_llvm INTERFACE
    "$<IF:$<BOOL:${FLEXION_LLVM_STATIC}>,${archives},LLVM>")
