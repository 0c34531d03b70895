# pystack: a pstack for Python. Goals of make (GNU make):
#
#   all              the program, build/pystack (without a goal)
#   demo             install what is missing, build, and print the stack of a sample Python process
#   install          into PREFIX (/usr/local), below DESTDIR; uninstall removes it
#   agent            the Python agent for illumos's pstack and mdb; install-agent installs it
#   deb              Debian packages, below build/deb
#   ips              what IPS is to publish, below build/proto (on illumos)
#   clean            remove what was built
#
#   check            the tests, on every interpreter found; T=live/cli_test: that one alone
#   check-asan       the same with the address and undefined-behaviour sanitizers
#   check-costs      count system calls, bytes and instructions; costs-update stores the counts
#   check-faults     make each system call and allocation of pystack fail in turn (QUICK=yes: samples of them)
#   check-changes    look RUNS times at processes that change: exec, exit, fork, dlclose and the like
#   check-illumos    compile what illumos gets, against stand-in headers
#   matrix           get every interpreter; check-matrix runs the tests on each
#   check-lines      compare line tables of random functions with each interpreter's own
#   compare          compare the output with that of another build (ALSO=path/to/pystack)
#   check-values     compare values on every interpreter, and store a table of them
#   fidelity         random stops of busy programs, judged by what they say of themselves
#   oracle           compare the unwinding engines; check-engines prints them as a table
#   fuzz             damaged cores and debug information; fuzz-parsers runs libFuzzer,
#                    fuzz-coverage says what its corpus reaches
#   bench            compare with other tools, and write the README's table
#   hardening-check  what the compiler and the linker were asked to harden is in the program
#   soak             servers under load, captured in a tight loop for an hour (TIME=3600)
#   scale            what targets of unusual size cost: threads, frames, mappings, cores
#   lint             what must hold for every source; format lays them out
#   figures          sizes of files and functions, and others, beside those of other trees (TREES=)
#   help             this list
#
# Variables: O=build (sanitizer and other builds use a folder of their own), CC, OPT, PREFIX, DESTDIR, PYTHON.

O       ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1

# SYSTEM=SunOS with `make -n` shows what illumos does.
SYSTEM  ?= $(shell uname -s)

# make's own default is cc: take gcc unless somebody chose.
ifeq ($(origin CC),default)
CC      := gcc
endif
OPT     ?= -O2 -g
SAN     ?=
WERROR  ?=
WARN    := -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wconversion \
           -Wnull-dereference -Wformat=2 -Wundef $(WERROR)
PKG_CONFIG ?= pkg-config

# The BPF program of lib/probe: compiled by clang, made a header by bpftool. Without one of these pystack has no --at.
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
bpf_option = $(call once,bpf_option,$(if $(shell command -v $(CLANG) 2>/dev/null),$(if $(shell command -v $(BPFTOOL) 2>/dev/null),libbpf)))

# Used where they are; `pystack --version` says which are. `make clean` after one came or went.
OPTIONS = zlib minizip liblzma libzstd liblz4 libunwind-generic libdwarf libiberty jansson $(bpf_option)

# Pkg-config is asked only by goals that compile, so that `make demo` can install it first; and once.
once       = $(eval $(1) := $(2))$($(1))
packaged   = $(call once,packaged,$(shell for p in $(OPTIONS); do $(PKG_CONFIG) --exists $$p 2>/dev/null && echo $$p; done))
# Debian 12's libdwarf comes without a file for pkg-config.
DWARF_H   ?= /usr/include/libdwarf
bare_dwarf = $(if $(filter libdwarf,$(packaged)),,$(if $(wildcard $(DWARF_H)/libdwarf.h),$(filter libdwarf,$(OPTIONS))))
# Nor has libiberty one anywhere.
IBERTY_H  ?= /usr/include/libiberty
bare_iberty = $(if $(wildcard $(IBERTY_H)/demangle.h),$(filter libiberty,$(OPTIONS)))
has        = $(packaged) $(bare_dwarf) $(bare_iberty)
upper      = $(shell echo $(1) | tr a-z- A-Z_)
pkg_cflags = $(call once,pkg_cflags,$(shell $(PKG_CONFIG) --cflags $(DEPS) $(packaged) 2>/dev/null) \
             $(if $(bare_dwarf),-I$(DWARF_H)) $(if $(bare_iberty),-isystem $(IBERTY_H)) $(patsubst %,-DWITH_%,$(call upper,$(has))))
shared     = $(call once,shared,$(if $(bare_dwarf),-ldwarf) $(if $(bare_iberty),-liberty) $(shell $(PKG_CONFIG) --libs $(filter-out libunwind-generic,$(packaged)) $(DEPS) 2>/dev/null))
# (libunwind is loaded by -m libunwind alone.) A group: an archive may need one that is named before it.
linked     = $(call once,linked,$(call rare,$(shared)))
pkg_libs   = $(GROUP) $(linked) $(SYSTEM_LIBS) $(GROUP_END)

# Linked from their archives, if there are any: a shared library has to be loaded by each run.
RARE    := -lbpf -ldwarf -lelf -lz -llzma -lzstd -llz4 -ljansson -lminizip
archive  = $(filter /%,$(shell $(CC) -print-file-name=$(patsubst -l%,lib%.a,$(1))))
rare     = $(foreach flag,$(1),$(if $(filter $(RARE),$(flag)),$(or $(call archive,$(flag)),$(flag)),$(flag)))

CPPFLAGS += -DPYSTACK_VERSION='"$(VERSION)"' -Ilib -Iinclude
CFLAGS   += -std=gnu11 $(OPT) $(HARDEN) $(WARN) $(SAN) -fvisibility=hidden

# Layers, leftmost knows least: a file includes its own layer and those before it. illumos has a libproc of its own.
ifeq ($(SYSTEM),SunOS)
LAYERS   := base arch elf os unwind dwarf symbol python capture stack report pydb
OTHER_OS := linux
DEPS     :=
# For what POSIX threads add to <stdio.h>, which gcc asks for with -pthread alone.
CPPFLAGS += -D__EXTENSIONS__
SYSTEM_LIBS := -lproc -lelf
CFLAGS   += -m64
LDFLAGS  += -m64 $(SAN) -Wl,-z,ignore
GROUP     = -Wl,-z,rescan-start
GROUP_END = -Wl,-z,rescan-end
SHARED    = -shared -Wl,-h,$(1) -Wl,-M,$(2)
WRAP_ONE  = -Wl,-z,wrap=
LIBDIR   ?= $(PREFIX)/lib/amd64
INSTALL  ?= ginstall
else
LAYERS   := base arch elf proc os unwind dwarf symbol python capture stack report probe pydb
OTHER_OS := illumos
DEPS     := libelf
SYSTEM_LIBS :=
CPPFLAGS += -D_GNU_SOURCE -Iinclude/linux -DWITH_PROBES
# What `make hardening-check` looks for. _FORTIFY_SOURCE needs an optimizer, and hides errors from sanitizers. The mark of
# indirect branches (-z ibt) would be false: archives of Debian have none. Shadow stacks need nothing of them.
HARDEN   := -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
FORTIFY   = $(if $(findstring -fsanitize,$(SAN)),,$(if $(filter -O1 -O2 -O3 -Os,$(OPT)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3))
CFLAGS   += $(FORTIFY)
LDFLAGS  += $(SAN) -Wl,--as-needed -Wl,-z,relro,-z,now,-z,noexecstack,-z,shstk
PROGRAM   = -pie
GROUP     = -Wl,--start-group
GROUP_END = -Wl,--end-group
SHARED    = -shared -Wl,-soname,$(1) -Wl,--version-script,$(2) -Wl,--gc-sections
WRAP_ONE  = -Wl,--wrap=
LIBDIR   ?= $(PREFIX)/lib
INSTALL  ?= install
endif
sources   = $(filter-out lib/os/$(OTHER_OS)% lib/arch/$(OTHER_OS)%,$(wildcard $(patsubst %,lib/%/*.c,$(1)) $(patsubst %,lib/%/*/*.c,$(1))))
archives = $(foreach layer,$(1),$(O)/lib/$(layer).a)
LIB_A   := $(call archives,$(LAYERS))

# Probes are of Linux (BPF); illumos's dtrace has its own. So are compressed cores, and systemd's.
CMD_SRC := $(filter-out $(if $(filter probe,$(LAYERS)),,cmd/pystack/at% cmd/pystack/core%),$(wildcard cmd/pystack/*.c))
CMD_OBJ := $(CMD_SRC:%.c=$(O)/%.o)

# Calls that go by way of cmd/pystack/refusals.c.
COUNTED := malloc calloc realloc strdup strndup vasprintf fdopendir open_memstream open openat read fstat statx mmap syscall \
           __vasprintf_chk __open_2 __openat_2 __read_chk refused_file bound_passed
WRAP     = $(COUNTED:%=$(WRAP_ONE)%)

all: $(O)/pystack

$(O)/pystack: $(CMD_OBJ) $(LIB_A)
	$(CC) $(LDFLAGS) $(PROGRAM) $(WRAP) -o $@ $(CMD_OBJ) $(GROUP) $(LIB_A) $(GROUP_END) $(pkg_libs)

define layer_rule
$(O)/lib/$(1).a: $(patsubst %.c,$(O)/%.o,$(call sources,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach layer,$(LAYERS),$(eval $(call layer_rule,$(layer))))

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(pkg_cflags) $(CFLAGS) -MMD -MP -c -o $@ $<

include lib/pydb/rules.mk
include lib/probe/rules.mk
include test/rules.mk

# illumos has no bpftrace, and its dtrace a stop() that needs no waiting for.
ifeq ($(SYSTEM),SunOS)
TRACER_SCRIPTS := $(wildcard cmd/scripts/*.d)
COMMANDS := pystack-top
FOR_SYSTEM = sed -f pkg/illumos.sed
else
TRACER_SCRIPTS := $(wildcard cmd/scripts/*.bt cmd/scripts/*.d)
COMMANDS := pystack-stopped pystack-top
FOR_SYSTEM = cat
endif

# An installed script calls the pystack that was installed with it, whatever PATH has. The other commands have names of their own
# (and a string of bpftrace 0.17 has no more than 64 bytes).
BY_PATH = sed -e 's|system("pystack |system("$(PREFIX)/bin/pystack |' -e 's|"pystack -F|"$(PREFIX)/bin/pystack -F|'

install: all
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	$(INSTALL) -m 755 $(O)/pystack $(DESTDIR)$(PREFIX)/bin/pystack
	$(INSTALL) -m 755 $(COMMANDS:%=cmd/scripts/%) $(DESTDIR)$(PREFIX)/bin
	$(INSTALL) -m 644 man1/pystack.1 $(COMMANDS:%=man1/%.1) $(DESTDIR)$(PREFIX)/share/man/man1
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/share/pystack $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(INSTALL) -m 644 cmd/scripts/pystack.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/pystack
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	$(INSTALL) -m 644 cmd/scripts/pystack.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_pystack
	$(INSTALL) -m 644 lib/report/pystack.schema.json $(DESTDIR)$(PREFIX)/share/pystack/pystack.schema.json
	for script in $(TRACER_SCRIPTS); do \
		to=$(DESTDIR)$(PREFIX)/share/pystack/$${script##*/}; \
		$(FOR_SYSTEM) <$$script | $(BY_PATH) >$$to && chmod 755 $$to || exit 1; \
	done

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/pystack $(DESTDIR)$(PREFIX)/share/man/man1/pystack.1
	rm -f $(DESTDIR)$(PREFIX)/bin/pystack-stopped $(DESTDIR)$(PREFIX)/bin/pystack-top
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/pystack-stopped.1 $(DESTDIR)$(PREFIX)/share/man/man1/pystack-top.1
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/pystack
	rm -f $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_pystack
	rm -rf $(DESTDIR)$(PREFIX)/share/pystack

# Debian packages of this tree, below $(O)/deb; what IPS is to publish, below $(O)/proto.
deb:
	@pkg/deb.sh $(O)/deb

ips: DESTDIR = $(O)/proto
ips: PREFIX = /usr
ips: install agent
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pystack
	$(INSTALL) -m 755 $(AGENT) $(DESTDIR)$(LIBDIR)/pystack/libpython_db.so.1
	pkgmogrify -DVERSION=$(VERSION) pkg/pystack.p5m | pkgdepend generate -md $(DESTDIR) - >$(O)/pystack.p5m
	pkgdepend resolve -m $(O)/pystack.p5m

# The first lines of this file.
help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile

clean:
	rm -rf $(O) build-*

-include $(shell find $(O) -name '*.d' 2>/dev/null)

.PHONY: all install uninstall clean deb ips help
.DELETE_ON_ERROR:
