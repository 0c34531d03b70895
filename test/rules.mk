# Building and running the tests. Included by the Makefile of the top folder.
#
# test/unit/LAYER/NAME_test.c   one program each, linked with LAYER and the layers before it only
# test/support/*.c              an archive: a program gets what it calls (#include "support/NAME.h")

CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check 2>/dev/null)

UNIT_SRC := $(wildcard test/unit/*/*_test.c)
UNIT_BIN := $(UNIT_SRC:%.c=$(O)/%)
SUPPORT_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard test/support/*.c))
SUPPORT_A := $(O)/test/support.a

$(O)/test/%.o: CPPFLAGS += -Itest

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

# test/live/NAME_test.c         runs the built tool on real processes and cores
LIVE_SRC := $(wildcard test/live/*_test.c)
LIVE_BIN := $(LIVE_SRC:%.c=$(O)/%)

$(LIVE_BIN): $(O)/%: $(O)/%.o $(SUPPORT_A) $(call archives,base)
	$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(CHECK_LIBS) $(pkg_libs)

unit-programs: $(UNIT_BIN)
live-programs: $(LIVE_BIN) $(O)/pystack

# T=live/cli_test runs that program alone.
T        ?=
CHECKED  := $(if $(T),$(T:%=$(O)/test/%),$(UNIT_BIN) $(LIVE_BIN))

check: $(O)/pystack $(CHECKED)
	@test/report $(CHECKED)

.PHONY: unit-programs live-programs check

# --- native stacks: test/programs/native_scenes.c, built in the ways that make stacks differ ---
# Without warnings' and sanitizers' flags: what matters is the code that comes out.

SCENES := $(O)/test/programs/native_scenes
SCENE_BUILDS := O2 O0 O3fp O2now
SCENE_FLAGS_O2    := -O2 -fno-plt -Wl,-z,lazy
SCENE_FLAGS_O0    := -O0 -fomit-frame-pointer -Wl,-z,lazy
SCENE_FLAGS_O3fp  := -O3 -fno-omit-frame-pointer -DWITH_FRAME_POINTERS -Wl,-z,lazy
SCENE_FLAGS_O2now := -O2 -static-pie -Wl,-z,now

$(SCENE_BUILDS:%=$(SCENES).%): $(SCENES).%: test/programs/native_scenes.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -g -w $(SCENE_FLAGS_$*) -pthread -o $@ $<

$(O)/test/unit/unwind/native_scenes_test: $(SCENE_BUILDS:%=$(SCENES).%)
