# Building and running the tests. Included by the Makefile of the top folder.
#
# test/unit/LAYER/NAME_test.c   one program each, linked with LAYER and the layers before it only
# test/support/*.c              linked into every test program

CHECK_LIBS = $(shell $(PKG_CONFIG) --libs check 2>/dev/null)

UNIT_SRC := $(wildcard test/unit/*/*_test.c)
UNIT_BIN := $(UNIT_SRC:%.c=$(O)/%)
SUPPORT_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard test/support/*.c))

# The layers up to and including $(1).
upto = $(wordlist 1,$(words $(shell echo $(LAYERS) | sed 's/\b$(1)\b.*/$(1)/')),$(LAYERS))
unit_layer = $(notdir $(patsubst %/,%,$(dir $(1))))

.SECONDEXPANSION:
$(UNIT_BIN): $(O)/%: $(O)/%.o $(SUPPORT_OBJ) $$(call archives,$$(call upto,$$(call unit_layer,$$*)))
	$(CC) $(LDFLAGS) -o $@ $< $(SUPPORT_OBJ) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(CHECK_LIBS) $(pkg_libs)

unit-programs: $(UNIT_BIN)
.PHONY: unit-programs
