# SPDX-License-Identifier: Apache-2.0
# Gossamer's daily commands; CMake does the work (CMakeLists.txt; CMakePresets.json for use without make). `make` leaves
# build/gossamer, build/libgossamer.a and build/gossamer.pc; `make demo` and `make check` also install what is missing
# (Debian packages).
#
#   B=FOLDER                          another build folder
#   CC, CFLAGS, CPPFLAGS, LDFLAGS     as usual; a build folder keeps those it was made with until others are given
#   CONFIG="-DGOSSAMER_WITH_PNG=OFF"  options for CMake
B ?= build
BUILD := +@tools/build $(B)

all:
	$(BUILD) products
tests:
	$(BUILD) products tests
bench-build:
	$(BUILD) bench-build
check: deps
	$(BUILD) products tests tests-without-all
	@tools/check-floors $(B)
	@tools/check-headers
	@tools/run-tests $(B) -C without-all
# What CI asks besides `make check` without warnings: floors, formatting, documented headers, no warning from clang
# either, and that the fused chains are those of the zoo (mined from a build by GCC).
gates:
	@tools/install-deps gates
	@tools/check-format
	@tools/check-headers
	+@CC=clang CONFIG=-DGOSSAMER_WERROR=ON tools/build $(B)/clang products tests bench-build
	@tools/check-floors $(B)/clang
	$(BUILD) products tests bench-build
	@tools/mine-chains --check $(B)
# The slow suites: 10,000 random programs; builds without each optional library in turn, another C library, another
# processor, the address, undefined-behaviour and thread sanitizers.
check-all: check
	@tools/install-deps all
	+@tools/check-slow $(B)
deps:
	@tools/install-deps
demo: deps
	$(BUILD) products
	@tools/demo $(B)
# Whole training steps beside PyTorch and JAX, and beside a busy neighbour (docs/performance.md); RACE passes options on
# to bench/race.py.
bench: bench-build
	@python3 bench/race.py --build $(B) $(RACE)
	@python3 bench/neighbour.py --build $(B)
# Seconds of training to 95 % on Omniglot, beside PyTorch: make bench-time DATA="omniglot.zip train-classes.txt".
bench-time: all
	@python3 bench/time_to.py $(DATA) --build $(B)
# One user from process start to prediction, beside PyTorch, JAX and ONNX Runtime.
bench-cold: all
	@python3 bench/cold.py --build $(B)
bench-peers:
	@python3 -m venv $(B)/peers
	@$(B)/peers/bin/pip install -q torch "jax[cpu]" numpy pillow onnx onnxruntime
clean:
	rm -rf $(B)

.PHONY: all tests bench bench-build bench-cold bench-peers bench-time check check-all gates deps demo clean
.NOTPARALLEL: # one CMake at a time; -j is for what it builds
.DEFAULT_GOAL := all
