#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and runs the consumer by one route: run.sh ROUTE SOURCE BUILD CXX, where ROUTE is install,
# find_package, pkg_config, add_subdirectory or symbols. The others need `install` before them.
set -euo pipefail
route=$1 source=$2 build=$3 cxx=$4
consumer=$source/tests/consumer
work=$build/consumer/$route
prefix=$build/consumer/prefix
rm -rf "$work"
mkdir -p "$work"

configure_and_run() {
    cmake -S "$consumer" -B "$work" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_CXX_COMPILER="$cxx" "$@"
    cmake --build "$work" --target consumer
    "$work/consumer"
}

case $route in
    install)
        rm -rf "$prefix" "$prefix-moved"
        cmake --install "$build" --prefix "$prefix" --component flexion
        mv "$prefix" "$prefix-moved"  # an installation may be moved
        ;;
    find_package)
        configure_and_run -DCMAKE_PREFIX_PATH="$prefix-moved"
        ;;
    add_subdirectory)
        configure_and_run -DFLEXION_SOURCE="$source"
        ;;
    pkg_config)
        file=$(find "$prefix-moved" -name flexion.pc)
        export PKG_CONFIG_PATH=${file%/*}
        pkg-config --exact-version="$(sed -n 's/.*FLEXION_VERSION "\(.*\)"/\1/p' \
            "$source/include/flexion/version.h")" flexion
        read -ra flags <<<"$(pkg-config --cflags --libs flexion)"
        "$cxx" -std=c++20 -O2 "$consumer/main.cpp" -o "$work/consumer" "${flags[@]}" \
            -Wl,-rpath,"$(pkg-config --variable=libdir flexion)"
        "$work/consumer"
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
