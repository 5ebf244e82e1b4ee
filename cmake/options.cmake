# SPDX-License-Identifier: Apache-2.0
# flexion_options: how every target of the project is compiled and linked. Nothing here is global,
# so that a project which adds this one as a folder keeps its own flags.
add_library(flexion_options INTERFACE)
target_include_directories(flexion_options INTERFACE
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
# Contraction of a*b+c would make compiled masks differ from the interpreter.
target_compile_options(flexion_options INTERFACE -Wall -Wextra -ffp-contract=off)
# GCC 12 reports overlapping copies inside std::string that cannot happen (GCC bug 105651).
target_compile_options(flexion_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# GCC 12's SLP vectorizer drops the rounding of `Pair{double(float(x)), double(float(y))}`; the
# interval rule of a cast from f64 to f32 was one victim. Loops are not affected.
target_compile_options(flexion_options INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-fno-tree-slp-vectorize>)
target_link_options(flexion_options INTERFACE -Wl,--as-needed -Wl,--gc-sections)

if(FLEXION_SANITIZE)
    set(flags -fsanitize=${FLEXION_SANITIZE} -fno-omit-frame-pointer -g1)
    if(FLEXION_SANITIZE MATCHES "undefined")
        list(APPEND flags -fno-sanitize-recover=undefined)
        # clang's check of a function pointer's type reads what clang puts in front of functions,
        # where code that was compiled at run time may have an unmapped page.
        list(APPEND flags $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
    endif()
    target_compile_options(flexion_options INTERFACE ${flags})
    target_link_options(flexion_options INTERFACE ${flags})
endif()

# lld links a binary with LLVM inside in 3 s, GNU ld in 20 s. Compilers look for it as `ld.lld`.
find_program(FLEXION_LLD ld.lld HINTS /usr/lib/llvm-19/bin NO_DEFAULT_PATH)
find_program(FLEXION_LLD ld.lld)
mark_as_advanced(FLEXION_LLD)
if(FLEXION_LLD)
    cmake_path(GET FLEXION_LLD PARENT_PATH lld_dir)
    target_link_options(flexion_options INTERFACE -fuse-ld=lld -B${lld_dir})
endif()

# Compilations are repeated in every build folder; the second time they cost nothing.
find_program(FLEXION_CCACHE ccache)
mark_as_advanced(FLEXION_CCACHE)
if(FLEXION_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${FLEXION_CCACHE})
endif()
