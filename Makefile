# SPDX-License-Identifier: Apache-2.0
# The two commands, and the smaller ones they are made of. Each does its own set-up.
PYTHON = PYTHONPATH=build/release/python/package .venv/bin/python
CONFIGURE = cmake --preset release --log-level=WARNING >/dev/null
.PHONY: help build demo test test-sanitizers test-long tidy format clean
help:
	@echo "make demo       build, then run the demonstration (tables here, pictures in demo-out)"
	@echo "make test       the tests of the release build and of the Python package"
	@echo "make test-sanitizers  the short list under ASan and UBSan, a minute of fuzzing, TSan"
	@echo "make test-long  the release tests with all their cases: hours"
	@echo "make build      the library, the command and the tests, in build/release"
	@echo "make tidy       clang-tidy; make format: clang-format"

build:
	@tools/setup.sh
	@$(CONFIGURE)
	@cmake --build --preset release

demo:
	@tools/setup.sh demo
	@$(CONFIGURE)
	@cmake --build --preset release --target flexion_demo -- --quiet
	@build/release/examples/flexion_demo demo-out
	@tools/venv.sh demo
	@$(CONFIGURE) -DFLEXION_PYTHON=ON -DPython_EXECUTABLE=$(CURDIR)/.venv/bin/python
	@cmake --build --preset release --target python_package -- --quiet
	@$(PYTHON) examples/embed/embed.py
	@$(PYTHON) -m flexion.bench --direction forward --head-dim 64 --seq 2048 --seconds 0.5

test:
	@tools/test.sh

test-sanitizers:
	@tools/test.sh setup asan fuzz tsan

test-long:
	@tools/test.sh setup long

tidy:
	@tools/setup.sh tidy
	@cmake --preset debug --log-level=WARNING >/dev/null
	@git ls-files 'src/*.cpp' | xargs -P $$(nproc) -n 4 clang-tidy-19 -p build/debug --quiet

format:
	@git ls-files '*.h' '*.cpp' '*.cuh' | xargs clang-format-19 -i

clean:
	rm -rf build demo-out
