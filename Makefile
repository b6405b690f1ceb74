# Gossamer. `make` builds build/gossamer; `make demo` and `make check` also install what is missing (Debian packages).
# Sources are found by folder: a new file needs no change here.

B ?= build
CC ?= gcc
# For a debugger: make B=build/debug CFLAGS="-O1 -g"
CFLAGS ?= -O2
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter
# No contraction and no reassociation: the same bits from every variant and compiler flag.
STD := -std=gnu17 -D_GNU_SOURCE -ffp-contract=off -fno-math-errno -fvisibility=hidden -fPIC -pthread
INC := -Iinclude -Isrc

-include $(B)/config.mk
$(B)/config.mk: tools/configure
	@mkdir -p $(B)
	@tools/configure $(B)

ARCH := $(shell $(CC) -dumpmachine | cut -d- -f1)
SRC := $(sort $(wildcard src/*/*.c))
ISA_SRC := $(sort $(wildcard src/kernel/isa/*.c))
# Each file of src/kernel/isa/ is compiled once a variant; GOSS_ISA names it and suffixes its symbols.
ifeq ($(ARCH),x86_64)
ISAS := generic avx2 avx512
else ifeq ($(ARCH),aarch64)
ISAS := generic neon
else
ISAS := generic
endif
FLAGS_generic :=
FLAGS_avx2 := -mavx2 -mfma
FLAGS_avx512 := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma -mprefer-vector-width=512
FLAGS_neon :=

OBJ := $(SRC:%.c=$(B)/%.o) $(foreach i,$(ISAS),$(ISA_SRC:%.c=$(B)/%.$(i).o))
CLI_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard cli/*.c)))
TESTS := $(patsubst tests/%.c,$(B)/tests/%,$(sort $(wildcard tests/test_*.c)))
BENCHES := $(patsubst bench/%.c,$(B)/bench/%,$(sort $(wildcard bench/bench_*.c)))
BENCH_OBJ := $(addprefix $(B)/bench/,workload.o workload_run.o serve.o numbers.o)
# Steps written by hand, raced like peers: for this machine alone, as a day of hand work would be.
LEANS := $(patsubst bench/lean/%.c,$(B)/bench/%,$(sort $(wildcard bench/lean/lean_*.c)))
LEAN_OBJ := $(patsubst bench/%.c,$(B)/bench/%.o,$(filter-out bench/lean/lean_%.c,$(wildcard bench/lean/*.c)) bench/serve.c bench/numbers.c)
EXAMPLES := $(patsubst examples/%.c,$(B)/examples/%,$(sort $(wildcard examples/*.c)))
ALL_CFLAGS = $(STD) $(WARN) $(CFLAGS) $(INC) -I$(B) $(LIB_CFLAGS) -MMD -MP

all: $(if $(CLI_OBJ),$(B)/gossamer) $(B)/libgossamer.a
tests: $(TESTS) $(EXAMPLES)
bench-build: $(BENCHES) $(LEANS)

$(B)/libgossamer.a: $(OBJ)
	@rm -f $@
	@ar rcs $@ $(OBJ)
$(B)/gossamer: $(CLI_OBJ) $(B)/libgossamer.a
	@$(CC) $(CFLAGS) -pthread -o $@ $(CLI_OBJ) $(B)/libgossamer.a $(LIB_LIBS) -lm
$(B)/tests/%: $(B)/tests/%.o $(B)/libgossamer.a
	@$(CC) $(CFLAGS) -pthread -o $@ $< $(B)/libgossamer.a $(LIB_LIBS) -lm
$(B)/bench/%: $(B)/bench/%.o $(BENCH_OBJ) $(B)/libgossamer.a
	@$(CC) $(CFLAGS) -pthread -o $@ $< $(BENCH_OBJ) $(B)/libgossamer.a $(LIB_LIBS) -lm
$(B)/bench/lean_%: $(B)/bench/lean/lean_%.o $(LEAN_OBJ) $(B)/libgossamer.a
	@$(CC) $(CFLAGS) -pthread -o $@ $< $(LEAN_OBJ) $(B)/libgossamer.a $(LIB_LIBS) -lm
# No traps: or gcc leaves choices between two numbers as branches, in loops that it then does not vectorise.
$(B)/bench/lean/%.o: CFLAGS += -O3 -march=native -fno-trapping-math
$(B)/examples/%: $(B)/examples/%.o $(B)/libgossamer.a
	@$(CC) $(CFLAGS) -pthread -o $@ $< $(B)/libgossamer.a $(LIB_LIBS) -lm

define ISA_RULE
$(B)/src/kernel/isa/%.$(1).o: src/kernel/isa/%.c $(B)/config.mk
	@mkdir -p $$(@D)
	@echo '  cc $$< ($(1))'
	@$$(CC) $$(ALL_CFLAGS) -O3 $$(FLAGS_$(1)) -DGOSS_ISA=$(1) -DGOSS_ISA_$(1)=1 -c -o $$@ $$<
endef
$(foreach i,$(ISAS),$(eval $(call ISA_RULE,$(i))))
$(B)/%.o: %.c $(B)/config.mk
	@mkdir -p $(@D)
	@echo '  cc $<'
	@$(CC) $(ALL_CFLAGS) -c -o $@ $<

check: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all tests
	@tools/check-floors
	@tools/run-tests $(B)
# The slow suites: all tests under the address, undefined-behaviour and thread sanitizers, and the kernels' on aarch64.
check-all: check
	@tools/install-deps all
	@tools/check-neon $(B)
	@$(MAKE) --no-print-directory -j$$(nproc) B=$(B)/asan CFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all" all tests
	@tools/run-tests $(B)/asan
	@$(MAKE) --no-print-directory -j$$(nproc) B=$(B)/tsan CFLAGS="-O1 -g -fsanitize=thread" all tests
	@tools/run-tests $(B)/tsan
deps:
	@tools/install-deps
demo: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@tools/demo $(B)
# Whole training steps beside PyTorch and JAX (docs/performance.md); RACE passes options on to bench/race.py.
bench: bench-build
	@python3 bench/race.py --build $(B) $(RACE)
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

-include $(OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(TESTS:=.d) $(BENCHES:=.d) $(BENCH_OBJ:.o=.d) $(LEAN_OBJ:.o=.d) \
	$(patsubst bench/lean/%.c,$(B)/bench/lean/%.d,$(wildcard bench/lean/*.c)) $(EXAMPLES:=.d)
.SECONDARY:
.PHONY: all tests bench bench-build bench-cold bench-peers bench-time check check-all deps demo clean
.DEFAULT_GOAL := all
