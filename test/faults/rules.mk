# `make check-faults`: each request of pystack to the system fails. QUICK=yes: each error of each call once (two
# minutes); ALL=yes: each call and allocation, every limit and 1,000 moments of each signal (hours), and store
# the table. SCENES='-i,-o json', PARTS=calls,memory,limits,moments: some of them.
#
# `make check-changes`: pystack looks at processes that change all the time, RUNS times. STORE=yes: store the table.
ALL   ?=
QUICK ?=
PARTS ?=
STORE ?=
check-changes: RUNS = 600

$(O)/faults/inject: test/faults/inject.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $<

# A library in which a thread stays at one instruction.
$(O)/faults/libstill.so: test/faults/still.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -fPIC -shared -o $@ $<

$(O)/faults/changing: test/faults/changing.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=gnu11 -O1 -g -pthread -o $@ $< -ldl

faults-programs: $(O)/pystack $(O)/faults/inject $(O)/faults/libstill.so $(O)/test/programs/librefuse.so
changes-programs: $(O)/pystack $(O)/faults/changing

check-faults:
	@test/need.sh $(BUILD_NEEDS) gdb util-linux
	$(again) -s faults-programs
	@test/faults/faults.py --pystack $(O)/pystack --inject $(O)/faults/inject --library $(O)/faults/libstill.so \
		--refuse $(O)/test/programs/librefuse.so --out $(if $(ALL),test/results,$(O))/faults.md \
		$(if $(ALL),--all) $(if $(QUICK),--quick) '--scenes=$(SCENES)' '--parts=$(PARTS)'

check-changes:
	@test/need.sh $(BUILD_NEEDS)
	$(again) -s changes-programs
	@test/faults/changes.py --pystack $(O)/pystack --target $(O)/faults/changing --runs $(RUNS) \
		--out $(if $(STORE),test/results,$(O))/changes.md '--scenes=$(SCENES)'

.PHONY: check-faults check-changes faults-programs changes-programs
