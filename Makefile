# pystack: a pstack for Python.      make demo | all | check | check-asan | lint | install …
# GNU make. Every output goes below $(O); sanitizer and other builds use an O of their own.

O       ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1

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
DEPS    := libelf libunwind-generic zlib

# Pkg-config is asked only by goals that compile, so that `make demo` can install it first.
pkg_cflags = $(shell $(PKG_CONFIG) --cflags $(DEPS) 2>/dev/null)
pkg_libs   = $(shell $(PKG_CONFIG) --libs $(DEPS) 2>/dev/null)

CPPFLAGS += -D_GNU_SOURCE -DPYSTACK_VERSION='"$(VERSION)"' -Ilib -Iinclude -Iinclude/linux
CFLAGS   += -std=gnu11 $(OPT) $(WARN) $(SAN) -fvisibility=hidden
LDFLAGS  += $(SAN) -Wl,--as-needed

# Layers, leftmost knows least: a file includes its own layer and those before it.
LAYERS  := base elf proc os unwind python stack
archives = $(foreach layer,$(1),$(O)/lib/$(layer).a)
LIB_A   := $(call archives,$(LAYERS))

CMD_SRC := $(wildcard cmd/pystack/*.c)
CMD_OBJ := $(CMD_SRC:%.c=$(O)/%.o)

all: $(O)/pystack

$(O)/pystack: $(CMD_OBJ) $(LIB_A)
	$(CC) $(LDFLAGS) -o $@ $(CMD_OBJ) -Wl,--start-group $(LIB_A) -Wl,--end-group $(pkg_libs)

define layer_rule
$(O)/lib/$(1).a: $(patsubst %.c,$(O)/%.o,$(wildcard lib/$(1)/*.c))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach layer,$(LAYERS),$(eval $(call layer_rule,$(layer))))

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(pkg_cflags) $(CFLAGS) -MMD -MP -c -o $@ $<

include test/rules.mk

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(O)/pystack $(DESTDIR)$(PREFIX)/bin/pystack
	install -m 644 man1/pystack.1 $(DESTDIR)$(PREFIX)/share/man/man1/pystack.1

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/pystack $(DESTDIR)$(PREFIX)/share/man/man1/pystack.1

clean:
	rm -rf $(O) build-*

-include $(shell find $(O) -name '*.d' 2>/dev/null)

.PHONY: all install uninstall clean
.DELETE_ON_ERROR:
