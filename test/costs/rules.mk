# `make check-costs` counts pystack's work and compares it with the stored figures. `make
# costs-update` stores new figures.
COST_NEEDS := strace valgrind gdb util-linux

check-costs costs-update:
	@test/need.sh $(BUILD_NEEDS) $(COST_NEEDS)
	$(again) -s -j2 bench-programs
	@test/costs/costs.py --pystack $(O)/pystack --measure $(O)/bench/measure --out $(O)/costs \
		$(if $(filter costs-update,$@),--update)

.PHONY: check-costs costs-update
