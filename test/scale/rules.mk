# `make scale`: what targets of unusual size cost. STORE=yes: write test/results/scale.md.
$(O)/scale/many_mappings: test/scale/many_mappings.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<

scale-programs: $(O)/pystack $(O)/scale/many_mappings $(O)/bench/measure

# SCALES: patterns of the names of targets. PYTHON: the interpreter of the targets.
SCALES ?=
scale:
	@test/need.sh $(BUILD_NEEDS)
	$(again) -s scale-programs
	@test/scale/scale.py --pystack $(O)/pystack --built $(O) --python '$(or $(PYTHON),/usr/bin/python3)' \
		--scales '$(SCALES)' $(if $(STORE),--store test/results/scale.md)

.PHONY: scale scale-programs
