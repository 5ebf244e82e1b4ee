#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs from Debian's packages what the build needs (setup.sh), and what the tests (setup.sh
# test), the demonstration (demo) or clang-tidy (tidy) need besides. Takes a few milliseconds when
# it is all there.
set -euo pipefail

packages=(g++ cmake ninja-build ccache lld-19 llvm-19-dev zlib1g-dev libzstd-dev libfmt-dev
          libxxhash-dev libzip-dev pkg-config libsleef-dev libdlpack-dev libgtest-dev libcli11-dev
          nlohmann-json3-dev libbenchmark-dev)
case ${1:-} in
    test) packages+=(clang-19 libclang-rt-19-dev clang-format-19 python3 python3-dev python3-venv
                     git) ;;
    demo) packages+=(python3 python3-dev python3-venv) ;;
    tidy) packages+=(clang-tidy-19 git) ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "setup: this is not Debian; please install the equivalents of: ${packages[*]}" >&2
    exit 0
fi
missing=()
for package in "${packages[@]}"; do
    case $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) in
        ii*) ;;
        *) missing+=("$package") ;;
    esac
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

sudo=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: please run as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    sudo=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
