# test/programs/native_scenes.c, built in the ways that make stacks differ. Without warnings' and
# sanitizers' flags: what matters is the code that comes out. Included by test/rules.mk.

NATIVE_SCENES := $(O)/test/programs/native_scenes
SCENE_BUILDS := O2 O0 O3fp O2now O2static
SCENE_FLAGS_O2    := -O2 -fno-plt -Wl,-z,lazy
SCENE_FLAGS_O0    := -O0 -fomit-frame-pointer -Wl,-z,lazy
SCENE_FLAGS_O3fp  := -O3 -fno-omit-frame-pointer -DWITH_FRAME_POINTERS -Wl,-z,lazy
SCENE_FLAGS_O2now := -O2 -static-pie -Wl,-z,now
# No .eh_frame_hdr: gcc asks for none.
SCENE_FLAGS_O2static := -O2 -static -Wl,--no-eh-frame-hdr

$(SCENE_BUILDS:%=$(NATIVE_SCENES).%): $(NATIVE_SCENES).%: test/programs/native_scenes.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -g -w $(SCENE_FLAGS_$*) -pthread -o $@ $<

$(O)/test/unit/unwind/native_scenes_test: $(SCENE_BUILDS:%=$(NATIVE_SCENES).%)
