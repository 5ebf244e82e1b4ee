#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs the consumer by one route: run.sh ROUTE SOURCE BUILD CXX CC, where ROUTE is
# install, find_package, pkg_config, find_package_c, pkg_config_c, add_subdirectory or symbols. The
# others need `install` before them.
set -euo pipefail
route=$1 source=$2 build=$3 cxx=$4 cc=$5
consumer=$source/tests/consumer
work=$build/consumer/$route
prefix=$build/consumer/prefix
rm -rf "$work"
mkdir -p "$work"

configure_and_run() {  # SOURCE OPTIONS...
    cmake -S "$1" -B "$work" -G Ninja -DCMAKE_BUILD_TYPE=Release "${@:2}"
    cmake --build "$work" --target consumer
    "$work/consumer"
}

compile_and_run() {  # COMPILER OPTIONS...
    local flags
    flags=$(find "$prefix-moved" -name flexion.pc)
    export PKG_CONFIG_PATH=${flags%/*}
    pkg-config --exact-version="$(sed -n 's/.*FLEXION_VERSION "\(.*\)"/\1/p' \
        "$source/include/flexion/version.h")" flexion
    read -ra flags <<<"$(pkg-config --cflags --libs flexion)"
    "$@" -O2 -o "$work/consumer" "${flags[@]}" \
        -Wl,-rpath,"$(pkg-config --variable=libdir flexion)"
    "$work/consumer"
}

case $route in
    install)
        rm -rf "$prefix" "$prefix-moved"
        cmake --install "$build" --prefix "$prefix" --component flexion
        mv "$prefix" "$prefix-moved"  # an installation may be moved
        ;;
    find_package)
        configure_and_run "$consumer" -DCMAKE_CXX_COMPILER="$cxx" \
            -DCMAKE_PREFIX_PATH="$prefix-moved"
        ;;
    find_package_c)
        configure_and_run "$consumer/c" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix-moved"
        ;;
    add_subdirectory)
        configure_and_run "$consumer" -DCMAKE_CXX_COMPILER="$cxx" -DFLEXION_SOURCE="$source"
        ;;
    pkg_config)
        compile_and_run "$cxx" -std=c++20 "$consumer/main.cpp"
        ;;
    pkg_config_c)
        # On a machine without DLPack's header: links to all others stand for /usr/include.
        mkdir "$work/include"
        for file in /usr/include/*; do
            [ "${file##*/}" = dlpack ] || ln -s "$file" "$work/include/"
        done
        compile_and_run "$cc" -std=c99 -Wall -Werror -pedantic "$consumer/c/main.c" -nostdinc \
            -isystem "$("$cc" -print-file-name=include)" -isystem "$work/include" \
            -isystem "$work/include/$("$cc" -print-multiarch)" -lm
        ;;
    symbols)
        library=$(find "$prefix-moved" -name libflexion.so)
        # Everything that leaves is flexion's: no LLVM, {fmt} or xxHash for others to stumble over.
        foreign=$(nm -DC --defined-only "$library" |
            grep -vE ' (flexion(::|_)|(typeinfo|typeinfo name|vtable) for flexion::)' || true)
        if [ -n "$foreign" ]; then
            echo "$library exports what is not Flexion's:"
            echo "$foreign" | head -n 20
            exit 1
        fi
        nm -DC --defined-only "$library" | grep -c ' flexion::'
        ;;
esac
