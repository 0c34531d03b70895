# `make bench`: the programs that bench.py measures and measures with.
BENCH_NEEDS := elfutils gdb python3-venv

$(O)/bench/measure: test/bench/measure.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<

$(O)/bench/libwatch.so: test/bench/watch.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared $(LDFLAGS) -o $@ $< -pthread

$(O)/bench/libmany.so: test/bench/many.S test/bench/many.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared $(LDFLAGS) -o $@ $^

bench-programs: $(O)/pystack $(O)/bench/measure $(O)/bench/libwatch.so $(O)/bench/libmany.so

# RUNS: rounds at most. SCENES: patterns of scene names. ALSO: another pystack to compare with.
# PYPI=no: no peers from PyPI. STORE=yes: store the results even if only some scenes were run.
STORE   ?=
RUNS    ?= 25
SCENES  ?=
ALSO    ?=
PYPI    ?= yes
bench:
	@test/need.sh $(BUILD_NEEDS) $(if $(filter no,$(PYPI)),,$(BENCH_NEEDS))
	$(again) -s bench-programs
	@test/bench/bench.py --pystack $(O)/pystack --out $(O)/bench --runs $(RUNS) --scenes '$(SCENES)' \
		--also '$(ALSO)' --pypi '$(PYPI)' --store '$(STORE)'

.PHONY: bench bench-programs
