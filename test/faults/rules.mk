# `make check-faults`: each request of pystack to the system fails. ALL=yes: each call and allocation, every
# limit and 1,000 moments of each signal (about an hour), and store the table. SCENES='-i,-o json', PARTS=calls,memory: some of them.
ALL   ?=
PARTS ?=

$(O)/faults/inject: test/faults/inject.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $<

# A library in which a thread stays at one instruction.
$(O)/faults/libstill.so: test/faults/still.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g -fPIC -shared -o $@ $<

faults-programs: $(O)/pystack $(O)/faults/inject $(O)/faults/libstill.so $(O)/test/programs/librefuse.so

check-faults:
	@test/need.sh $(BUILD_NEEDS) gdb util-linux
	$(again) -s faults-programs
	@test/faults/faults.py --pystack $(O)/pystack --inject $(O)/faults/inject --library $(O)/faults/libstill.so \
		--refuse $(O)/test/programs/librefuse.so --out $(if $(ALL),test/results,$(O))/faults.md \
		$(if $(ALL),--all) '--scenes=$(SCENES)' '--parts=$(PARTS)'

.PHONY: check-faults faults-programs
