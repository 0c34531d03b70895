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

unit-programs: $(UNIT_BIN)
.PHONY: unit-programs
