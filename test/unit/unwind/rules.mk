# Builds of test/programs/native_scenes.c whose stacks differ. They have no flags of warnings or
# sanitizers, which would change the code. Included by test/rules.mk.

NATIVE_SCENES := $(O)/test/programs/native_scenes
SCENE_BUILDS := O2 O0 O3fp O2now O2static O2debug O2bare O1bare
SCENE_FLAGS_O2    := -O2 -fno-plt -Wl,-z,lazy
SCENE_FLAGS_O0    := -O0 -fomit-frame-pointer -Wl,-z,lazy
SCENE_FLAGS_O3fp  := -O3 -fno-omit-frame-pointer -DWITH_FRAME_POINTERS -Wl,-z,lazy
SCENE_FLAGS_O2now := -O2 -static-pie -Wl,-z,now
# No .eh_frame_hdr: gcc's static programs do not have it.
SCENE_FLAGS_O2static := -O2 -static -Wl,--no-eh-frame-hdr
# Only .debug_frame describes the program's own code.
SCENE_FLAGS_O2debug := -O2 -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-plt
# No call frame information for the program's own code, not even .debug_frame.
SCENE_BARE := -g0 -fno-asynchronous-unwind-tables -fno-unwind-tables -fomit-frame-pointer -fno-plt
SCENE_FLAGS_O2bare := -O2 $(SCENE_BARE)
SCENE_FLAGS_O1bare := -O1 $(SCENE_BARE)

$(SCENE_BUILDS:%=$(NATIVE_SCENES).%): $(NATIVE_SCENES).%: test/programs/native_scenes.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -g -w $(SCENE_FLAGS_$*) -pthread -o $@ $<

$(O)/test/unit/unwind/native_scenes_test: $(SCENE_BUILDS:%=$(NATIVE_SCENES).%)
