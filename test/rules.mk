# Building and running the tests. Included by the Makefile of the top directory.
#
# test/unit/LAYER/NAME_test.c   one program each, linked with LAYER and the layers before it only
# test/support/*.c              an archive; a program links what it calls (#include "support/NAME.h")

CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check 2>/dev/null)

UNIT_SRC := $(wildcard test/unit/*/*_test.c)
UNIT_BIN := $(UNIT_SRC:%.c=$(O)/%)
SUPPORT_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard test/support/*.c))
SUPPORT_A := $(O)/test/support.a

# Of a test, the compiler need not warn that it does not look at what write(2) or fgets return: what it
# waits for tells.
$(O)/test/%.o: CPPFLAGS += -Itest
$(O)/test/%.o: CFLAGS += -Wno-unused-result

$(SUPPORT_A): $(SUPPORT_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

# The layers up to and including $(1).
upto = $(wordlist 1,$(words $(shell echo $(LAYERS) | sed 's/\b$(1)\b.*/$(1)/')),$(LAYERS))
unit_layer = $(notdir $(patsubst %/,%,$(dir $(1))))

.SECONDEXPANSION:
$(UNIT_BIN): $(O)/%: $(O)/%.o $(SUPPORT_A) $$(call archives,$$(call upto,$$(call unit_layer,$$*)))
	$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(CHECK_LIBS) $(pkg_libs)

# Programs that tests of the layer need.
include test/unit/capture/rules.mk
include test/unit/unwind/rules.mk
include test/unit/probe/rules.mk

# test/live/NAME_test.c         runs the built tool on real processes and cores
LIVE_SRC := $(wildcard test/live/*_test.c)
LIVE_BIN := $(LIVE_SRC:%.c=$(O)/%)

# A program that embeds the libpython named on its command line.
$(O)/test/programs/embed: test/programs/embed.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O1 -g -w -pthread -o $@ $< -ldl

# A program that starts and ends the Python of that library.
$(O)/test/programs/restarted: test/programs/restarted.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O1 -g -o $@ $< -ldl

$(O)/test/live/live_probe_restart_test: $(O)/test/programs/restarted

# Puts frames on Python's chain as compiled code does.
$(O)/test/programs/libmade.so: test/programs/made_library.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -fPIC -shared -o $@ $<

$(O)/test/live/live_shapes_test: $(O)/test/programs/embed $(O)/test/programs/libmade.so
$(O)/test/live/live_probe_scenes_test: $(O)/test/programs/embed

# A library that moves the text of its process.
$(O)/test/programs/libmove.so: test/programs/move_library.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -fPIC -shared -o $@ $<

$(O)/test/live/live_moved_test: $(O)/test/programs/libmove.so

# A library that is loaded while its program is sampled.
$(O)/test/programs/libspin.so: test/programs/spin_library.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -fPIC -shared -o $@ $<

$(O)/test/live/live_sample_test: $(O)/test/programs/libspin.so

# A library whose functions get return probes. Each call must stay a call.
$(O)/test/programs/liburetprobed.so: test/programs/uretprobed_library.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -fno-optimize-sibling-calls -fPIC -shared -o $@ $<

$(O)/test/live/live_uretprobe_test: $(O)/test/programs/liburetprobed.so

# A library whose functions have names of C++ and Rust. Each call must stay a call.
$(O)/test/programs/libnamed.so: test/programs/named_library.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -fno-optimize-sibling-calls -fPIC -shared -Wl,--build-id -o $@ $<

$(O)/test/programs/libstripped.so: $(O)/test/programs/libnamed.so
	strip -o $@ $<

# A library whose functions have names and comments of Cython.
$(O)/test/programs/libcython.so: test/programs/cython_library.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -fno-optimize-sibling-calls -fPIC -shared -o $@ $<

$(O)/test/live/live_names_test: $(O)/test/programs/libnamed.so $(O)/test/programs/libstripped.so \
	$(O)/test/programs/libcython.so

# A program that loads the libpython named on its command line when it is told to.
$(O)/test/programs/late: test/programs/late.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O1 -g -w -o $@ $< -ldl

$(O)/test/live/live_probe_late_test: $(O)/test/programs/late

# A program with frames of any size.
$(O)/test/programs/variable_frames: test/programs/variable_frames.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O1 -g -w -o $@ $<

$(O)/test/live/live_probe_keys_test: $(O)/test/programs/variable_frames

# A program with a wide stack.
$(O)/test/programs/wide_stack: test/programs/wide_stack.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O1 -g -pthread -o $@ $<

$(O)/test/live/live_bounds_test: $(O)/test/programs/wide_stack

# A program that makes functions at run time, and registers them for debuggers.
$(O)/test/programs/made_code: test/programs/made_code.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O1 -g -fno-optimize-sibling-calls -fno-inline -o $@ $<

$(O)/test/programs/named_code: test/programs/named_code.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O1 -g -fno-optimize-sibling-calls -o $@ $<

$(O)/test/live/live_made_code_test: $(O)/test/programs/made_code $(O)/test/programs/named_code

# Two libraries that differ in a name only, and a program that maps the one in place of the other.
$(O)/test/programs/libreplaced_a.so $(O)/test/programs/libreplaced_b.so: \
$(O)/test/programs/libreplaced_%.so: test/programs/replaced_library.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g0 -fPIC -shared -nostdlib -DLEAF=leaf_of_$* -Wl,-e,leaf_of_$* -o $@ $<

$(O)/test/programs/replacing: test/programs/replacing.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O1 -g -o $@ $<

$(O)/test/live/live_probe_mappings_test: $(O)/test/programs/libreplaced_a.so $(O)/test/programs/libreplaced_b.so \
	$(O)/test/programs/replacing

# A library on a file system that does not answer.
$(O)/test/programs/libsilent.so: test/programs/silent_library.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O1 -g -w -fPIC -shared -o $@ $<

$(O)/test/live/live_silent_test: $(O)/test/programs/libsilent.so

# Programs on musl. Without musl-gcc they are empty, and the test says so.
MUSL_PROGRAMS := $(O)/test/programs/musl_threads $(O)/test/programs/musl_threads_static
$(MUSL_PROGRAMS): test/programs/musl_threads.c
	@mkdir -p $(@D)
	if command -v musl-gcc >/dev/null; then musl-gcc -O2 $(if $(findstring static,$@),-static) -o $@ $<; else : >$@; fi
$(O)/test/live/live_musl_test: $(MUSL_PROGRAMS)

# A preloaded library that makes system and library calls of pystack fail.
$(O)/test/programs/librefuse.so: test/programs/refuse.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O1 -fPIC -shared -o $@ $< -ldl

$(O)/test/live/live_refused_test $(O)/test/live/live_core_packed_test: $(O)/test/programs/librefuse.so

# A preloaded library in which getppid() waits in vfork.
$(O)/test/programs/libvfork.so: test/programs/vfork_library.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -w -fPIC -shared -o $@ $<

$(O)/test/live/live_shapes_test: $(O)/test/programs/libvfork.so

# test/fuzz/NAME_fuzz.c         damage with a fixed seed; not part of `make check`
FUZZ_BIN := $(patsubst %.c,$(O)/%,$(wildcard test/fuzz/*_fuzz.c))

$(LIVE_BIN) $(FUZZ_BIN): $(O)/%: $(O)/%.o $(SUPPORT_A) $(call archives,base)
	$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(CHECK_LIBS) $(pkg_libs)

# test/oracle/engines           walks stacks with two engines; linked with all layers. Live tests
#                               run it on their targets.
ORACLE := $(O)/test/oracle/engines

$(LIVE_BIN) $(FUZZ_BIN): | $(ORACLE)

$(ORACLE): $(ORACLE).o $(SUPPORT_A) $(LIB_A)
	$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(CHECK_LIBS) $(pkg_libs)

# This test does pstack's work: it grabs a process, unwinds its stacks and calls the agent.
$(O)/test/live/live_agent_test: $(LIB_A) $(AGENT)

# This test reads values by their addresses.
$(O)/test/live/live_values_test: $(LIB_A)

# This test decodes line tables.
$(O)/test/live/live_lines_test: $(LIB_A)

$(O)/test/fuzz/dwarf_fuzz: $(call archives,arch elf proc os dwarf)

# This test makes its core file from a process by means of libproc.
$(O)/test/live/live_illumos_test: $(call archives,arch elf proc)

include test/fuzz/rules.mk

unit-programs: $(UNIT_BIN) $(PARSERS_BIN)
live-programs: $(LIVE_BIN) $(O)/pystack
fuzz-programs: $(FUZZ_BIN) $(O)/pystack

# Debian's names of the packages needed to build, and of those needed to test and to lint as well.
BUILD_NEEDS := gcc make pkg-config libc6-dev libelf-dev libunwind-dev libdwarf-dev libiberty-dev libjansson-dev libbpf-dev clang bpftool liblzma-dev libzstd-dev liblz4-dev zlib1g-dev libminizip-dev python3
CHECK_NEEDS := check debuginfod libdebuginfod1 zstd xz-utils lz4 python3-jsonschema jq gcc-multilib git elfutils gdb dwz debootstrap bpftrace musl-tools python3-greenlet python3-gevent python3-eventlet python3-numpy python3-uvloop python3-trio python3-fusepy libfuse2 systemtap-sdt-dev mercurial zsh
LINT_NEEDS  := mandoc clang clang-format clang-tidy unicode-data

# A second make, which runs pkg-config after it has been installed.
again = +@$(MAKE) --no-print-directory

# T=live/cli_test runs only that program (with `make check` or `make check-asan`).
T       ?=
CHECKED  = $(if $(T),$(T:%=$(O)/test/%),$(filter-out $(SKIPPED:%=$(O)/test/%),$(LIVE_BIN) $(UNIT_BIN) $(PARSERS_BIN)))
SKIPPED  =

needs-check:
	@test/need.sh $(BUILD_NEEDS) $(CHECK_NEEDS) $(LINT_NEEDS)
	@test/root.sh || :

check:
	@test/need.sh $(BUILD_NEEDS) $(CHECK_NEEDS)
	@test/root.sh || :
	$(again) -s -j2 check-programs
	@test/report $(CHECKED)

check-programs: $(O)/pystack $(CHECKED)

# The same tests with everything built with sanitizers. live_tracers_test is left out: it waits long
# for tracers to start, and calls no other code of pystack than the other tests.
SANITIZED = SKIPPED=live/live_tracers_test \
	O=build-asan OPT='-O1 -g' \
	SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'

check-asan:
	$(again) -s check $(SANITIZED)

# FUZZ_RUNS=1000: the number of damaged cores of each interpreter.
fuzz:
	$(again) -s -j2 fuzz-programs $(SANITIZED)
	@test/report $(FUZZ_BIN:$(O)/%=build-asan/%)

# Compare the stacks of busy programs at N random moments for each interpreter, walked by two
# engines. CORES=: also compare this many cores of each. ROOT=: the directory that the path PYTHON=
# is relative to. ROWS=: use these rows of test/matrix/rows (or `all`) instead of this machine's
# interpreters.
CORES   ?= 0
# AGAINST=fp: the engine to compare with.
AGAINST ?= libunwind
oracle: $(ORACLE)
	test/oracle/oracle.py --engines $(ORACLE) -n $(N) --python '$(PYTHON)' --root '$(ROOT)' --rows '$(ROWS)' --cores $(CORES) --against $(AGAINST)

# Print the results of the engines for each interpreter as a table.
check-engines: N = 100
check-engines: ROWS = all
check-engines: $(ORACLE)
	@test/oracle/oracle.py --engines $(ORACLE) -n $(N) --rows '$(ROWS)' --table

# Check the stacks of busy programs at N random moments for each interpreter, or for PYTHON= only.
N       ?= 2000
fidelity: $(O)/pystack
	test/fidelity/check.py --pystack $(O)/pystack -n $(N) --python '$(PYTHON)'

# matrix: get interpreters of Debian's suites and build others, each in a root. check-matrix: run
# the live and core tests and fidelity on each. BUILDS=3.13-freethreaded (or none): build only
# these. ROWS='sid-3.14 bullseye': only rows whose label begins so. FIDELITY=2500: random stops of
# each of the four busy programs.
BUILDS  ?=
ROWS    ?=
matrix:
	@test/need.sh debootstrap
	@test/matrix/fetch.sh $(BUILDS)

check-matrix:
	$(again) -s -j2 live-programs
	@$(if $(FIDELITY),FIDELITY=$(FIDELITY)) test/matrix/check.sh $(O)/test/live $(O)/pystack $(ROWS)

# compare: compare what another build prints with what this one prints. ALSO=path/to/pystack. ROWS= and
# PYTHON= as above; ROWS=all: only the rows of the matrix.
.PHONY: compare
compare: $(O)/pystack
	test/matrix/compare_outputs.py --also '$(ALSO)' --pystack $(O)/pystack --python '$(PYTHON)' --rows '$(ROWS)'

# check-values: compare values of all types on this machine's interpreters and those of the matrix.
check-values: $(O)/test/live/live_values_test
	@{ sed '/^$$/q' test/results/values.md && test/matrix/values.py $<; } >$(O)/values.md && mv $(O)/values.md test/results/values.md

# check-lines: compare the lines of LINES random functions, made from SEED, with each interpreter's own.
SEED    ?= 1
LINES   ?= 300
check-lines: $(O)/test/live/live_lines_test
	@PYSTACK_LINES='$(SEED) $(LINES)' $<

include test/bench/rules.mk
include test/scale/rules.mk
include test/soak/rules.mk
include test/costs/rules.mk
include test/faults/rules.mk

demo:
	@test/need.sh $(BUILD_NEEDS)
	$(again) -s -j2 all
	@test/demo.sh $(O)/pystack

# Compile the sources of the illumos build against our own declarations.
ILLUMOS_SOURCES = $(call sources,$(LAYERS)) $(CMD_SRC)

check-illumos:
	@test/need.sh clang
	+@$(MAKE) --no-print-directory -s SYSTEM=SunOS check-illumos-here

check-illumos-here:
	@SOURCES='$(ILLUMOS_SOURCES)' FLAGS='$(filter-out -DPYSTACK_VERSION%,$(CPPFLAGS)) -std=gnu11 $(WARN)' test/illumos/check.sh

# What a build must show of its hardening flags; O=… CC=clang: of another one.
hardening-check: all agent
	@CC='$(CC)' COMPILE='$(filter-out $(WARN),$(CFLAGS))' LINK='$(LDFLAGS) $(PROGRAM)' \
		test/hardening.sh $(O)/pystack $(AGENT) $(CMD_OBJ) $(patsubst %.c,$(O)/%.o,$(filter-out %.bpf.c,$(call sources,$(LAYERS))))

lint: all
	@test/need.sh $(LINT_NEEDS)
	@O='$(O)' LAYERS='$(LAYERS)' FLAGS='-std=gnu11 -D_GNU_SOURCE -DPYSTACK_VERSION="\"\"" -Ilib -Iinclude -Iinclude/linux -DWITH_PROBES -isystem $(O)/lib $(pkg_cflags)' test/lint/run.sh

# figures: numbers and sizes of files and functions, beside those of other trees (TREES=path).
.PHONY: figures
figures: all
	@test/lint/figures.py $(TREES) .

format:
	git ls-files '*.[ch]' | xargs clang-format -i

format-check:
	git ls-files '*.[ch]' | xargs clang-format --dry-run -Werror

.PHONY: hardening-check oracle check-engines unit-programs live-programs fuzz-programs libfuzzer-programs fuzz-parsers fuzz-coverage check check-programs check-asan fidelity fuzz matrix check-matrix check-values check-lines demo format format-check lint needs-check check-illumos check-illumos-here
