#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests, in stages: test.sh [STAGE...], of setup release python asan fuzz tsan long; the first
# three when none is named, and the last takes an hour. Stops at the first stage that fails; prints
# the seconds of each at the end, and last the closing line of ctest for the release build.
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)
fuzz_seconds=${FLEXION_FUZZ_SECONDS:-60}  # of each target, side by side
names=()
seconds=()
closings=()

build() {  # PRESET [TARGET]
    cmake --preset "$1" >"build/$1.log" 2>&1 ||
        { cat "build/$1.log"; return 1; }
    cmake --build --preset "$1" -j "$jobs" ${2:+--target "$2"} -- --quiet
}

# NVRTC's package is looked for in VIRTUAL_ENV: its tests need no GPU.
build_and_test() {  # PRESET [TARGET]
    build "$@" || return 1
    local status=0
    VIRTUAL_ENV=$PWD/.venv ctest --preset "$1" -j "$jobs" >"build/$1.ctest.log" 2>&1 || status=$?
    grep -vE '^ +Start |^ *[0-9]+/[0-9]+ .* Passed ' "build/$1.ctest.log"
    return $status
}

setup() {
    tools/setup.sh test && tools/venv.sh nvrtc
}

# Every case that FLEXION_TEST_LONG lengthens; the sweep of the unary functions says what it found.
long() {
    build release || return 1
    local status=0
    VIRTUAL_ENV=$PWD/.venv FLEXION_TEST_LONG=1 ctest --preset release -j "$jobs" --timeout 20000 \
        >build/long.ctest.log 2>&1 || status=$?
    grep -vE '^ +Start |^ *[0-9]+/[0-9]+ .* Passed ' build/long.ctest.log
    grep -E ' ulp at ' build/release/Testing/Temporary/LastTest.log
    return $status
}

# The Python package as `pip install .` makes and installs it, but from the release build's objects.
python_tests() {
    rm -rf build/wheel build/installed
    {
        tools/venv.sh test &&
            .venv/bin/python -m pip wheel --no-deps --no-build-isolation -w build/wheel \
                --config-settings=build-dir=build/release \
                --config-settings=cmake.define.FLEXION_TESTS=ON . &&
            .venv/bin/python -m pip install --no-deps --no-index --target build/installed \
                build/wheel/flexion-*.whl
    } >build/python.log 2>&1 || { cat build/python.log; return 1; }
    local status=0
    PYTHONPATH=$PWD/build/installed .venv/bin/python -m pytest -rs \
        >build/python.ctest.log 2>&1 || status=$?
    grep -E '^(FAILED|ERROR|E  |SKIPPED|=+ .* =+$)' build/python.ctest.log
    return $status
}

# Each target in a process of its own, from the tree of AddressSanitizer. The compiler is not what
# is tested: mods run in the interpreter. Findings stay in build/fuzz; the seeds are the tests'
# examples.
fuzz() {
    build asan fuzz_targets || return 1
    local target name status=0
    local -A running=()
    for target in build/asan/tests/fuzz/fuzz_*; do
        name=$(basename "$target")
        mkdir -p "build/fuzz/corpus/$name"
        FLEXION_BACKEND=reference "$target" -max_total_time="$fuzz_seconds" -timeout=60 \
            -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="build/fuzz/" \
            "build/fuzz/corpus/$name" "tests/fuzz/seeds/$name" >"build/fuzz/$name.log" 2>&1 &
        running[$name]=$!
    done
    for name in "${!running[@]}"; do
        if wait "${running[$name]}"; then
            grep -h number_of_executed_units "build/fuzz/$name.log" | sed "s/^/$name /"
        else
            tail -n 50 "build/fuzz/$name.log"
            status=1
        fi
    done
    return $status
}

stage() {  # NAME COMMAND...
    local name=$1 start=$SECONDS status
    shift
    printf '\n== %s\n' "$name"
    "$@"
    status=$?
    names+=("$name")
    seconds+=($((SECONDS - start)))
    closings+=("$(grep -hsE 'tests passed|[0-9]+ passed' "build/$name.ctest.log" | tail -n 1)")
    if [ $status -ne 0 ]; then
        summary
        echo "stage $name failed" >&2
        exit 1
    fi
}

summary() {
    local i
    printf '\n%-10s %7s\n' stage seconds
    for i in "${!names[@]}"; do
        printf '%-10s %7d  %s\n' "${names[i]}" "${seconds[i]}" "${closings[i]}"
    done
    printf '%-10s %7d\n' total $SECONDS
}

mkdir -p build
rm -f build/*.ctest.log
stages=("$@")
if [ ${#stages[@]} -eq 0 ]; then
    stages=(setup release python)
fi
for each in "${stages[@]}"; do
    case $each in
        setup) stage setup setup ;;
        release) stage release build_and_test release ;;
        python) stage python python_tests ;;
        asan) stage asan build_and_test asan short_tests ;;
        tsan) stage tsan build_and_test tsan tsan_tests ;;
        fuzz) stage fuzz fuzz ;;
        long) stage long long ;;
        *)
            echo "test.sh: no stage $each; there are setup release python asan fuzz tsan long" >&2
            exit 2
            ;;
    esac
done
summary
grep -hs 'tests passed' build/release.ctest.log || true  # a run without that stage passed too
