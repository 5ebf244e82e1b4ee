#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the CUDA back end, tests it and measures it on a machine with a Hopper GPU: no LLVM and no
# package registry are needed there. Every step has a time limit; all of it ends within 9 minutes.
#
#   tools/gpu_check.sh --pack FILE.tgz
#       on a development machine: the headers and libraries that the build needs (fmt, xxHash,
#       DLPack, GoogleTest)
#   tools/gpu_check.sh [--deps FILE.tgz] [--quick|--tests|--bench] [OUT]
#       on the GPU machine; results go to OUT (default: build-gpu/out)
# With compute-sanitizer on the machine, its four tools run over a short list of cases.
set -uo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --pack ]; then
    stage=$(mktemp -d)
    mkdir -p "$stage/include" "$stage/lib"
    cp -r /usr/include/{fmt,gtest,dlpack,xxhash.h,xxh3.h} "$stage/include/"
    for library in libgtest.a libgtest_main.a; do
        cp "$(find /usr/lib -name $library | head -1)" "$stage/lib/"
    done
    tar czf "$2" -C "$stage" . && rm -r "$stage"
    ls -l "$2"
    exit
fi

build=build-gpu
prefix=$PWD/$build/deps
what=all
while [ $# -gt 0 ]; do
    case $1 in
        --deps) mkdir -p "$prefix" && tar xzf "$2" -C "$prefix" && shift 2 ;;
        --quick | --tests | --bench) what=${1#--} && shift ;;
        *) break ;;
    esac
done
out=${1:-$build/out}
mkdir -p "$out"
failed=0
summary=()
step() { # step NAME SECONDS command...
    local name=$1 limit=$2 begin=$SECONDS left=$((530 - SECONDS))
    shift 2
    limit=$((limit < left ? limit : left > 1 ? left : 1))
    timeout "$limit" "$@" >"$out/$name.log" 2>&1
    local code=$?
    [ $code -eq 0 ] || { failed=1 && tail -n 25 "$out/$name.log"; }
    summary+=("$(printf '%-12s %4ds  %s' "$name" $((SECONDS - begin)) \
        "$([ $code -eq 0 ] && echo ok || echo "FAILED ($code)")")")
    return $code
}

shards() { # shards TEST FILTER: compilation takes most of the time, so one process per core
    local count=$(nproc) jobs=() failed=0
    for ((i = 0; i < count; ++i)); do
        GTEST_TOTAL_SHARDS=$count GTEST_SHARD_INDEX=$i "$1" --gtest_brief=1 --gtest_filter="$2" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job" || failed=1; done
    return $failed
}

# The Python extension too, where it can be built.
python=OFF
python3 -c 'import nanobind, pytest, torch' 2>"$out/python.log" && python=ON
step configure 60 cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release -DFLEXION_CPU=OFF \
    -DFLEXION_TOOLS=OFF -DFLEXION_PYTHON=$python -DPython_EXECUTABLE="$(command -v python3)" \
    -DCMAKE_PREFIX_PATH="$prefix" &&
    step build 200 ninja -C $build flexion_c cuda_attention_test cuda_device_test cuda_nvrtc_test \
        cuda_tiles_test gpu_host_time $([ $python = ON ] && echo flexion_python)
if [ $failed -eq 0 ]; then
    if [ $what != bench ]; then
        filter='*'
        [ $what = quick ] && filter='*bf16*'
        step unit 60 $build/tests/backend/cuda/cuda_tiles_test
        step nvrtc 90 $build/tests/backend/cuda/cuda_nvrtc_test
        export -f shards
        step cases 120 bash -c "shards $build/tests/backend/cuda/gpu/cuda_attention_test '$filter'"
        step device 130 $build/tests/backend/cuda/gpu/cuda_device_test --gtest_brief=1
        if [ $python = ON ]; then
            step python 90 env PYTHONPATH=$build/python/package python3 -m pytest -q \
                tests/python/test_cuda.py
        fi
        sanitized='*none_causal_128x128:*alibi_document_*:*d256x256_none_window_*'
        sanitized+=':*q1_k521_*softcap*:*alibi_nothing_*:*rows_nan_causal_*'
        [ $what = quick ] && sanitized='*q128_k128_d64x64_none_causal_128x128'
        # Race checkers follow lanes, not warps (device/sm90_forward.cuh).
        export FLEXION_NVRTC_OPTIONS="-lineinfo -DFX_LANES_ARRIVE=32"
        for tool in memcheck racecheck synccheck initcheck; do
            command -v compute-sanitizer >/dev/null || break
            step $tool 40 compute-sanitizer --tool $tool --error-exitcode 9 \
                $build/tests/backend/cuda/gpu/cuda_attention_test --gtest_brief=1 \
                --gtest_filter="$sanitized"
        done
        unset FLEXION_NVRTC_OPTIONS
        grep -hE '^\[  (PASSED|SKIPPED)|^ *[0-9]+ FAILED|SUMMARY' \
            "$out"/{unit,nvrtc,cases,device,*check}.log | sort | uniq -c
        [ $python = ON ] && tail -n 1 "$out/python.log"
    fi
    if [ $what != tests ]; then
        step host 30 $build/bench/gpu/gpu_host_time
        step bench 200 python3 bench/gpu.py --library $build/src/api/libflexion_c.so \
            --json "$out/bench.json" $([ $what = quick ] && echo --quick)
    fi
fi
printf '%s\n' "${summary[@]}"
[ $what = tests ] || cat "$out/host.log" "$out/bench.log"
exit $failed
