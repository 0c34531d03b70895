# The BPF program: object, stripped of its own debug information, then a header that holds it.
PROBE_SKEL := $(O)/lib/probe/probe.skel.h

$(O)/lib/probe/probe.bpf.o: lib/probe/probe.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -Werror -Ilib -I/usr/include/$(shell uname -m)-linux-gnu -MMD -MP -c -o $@ $<

$(PROBE_SKEL): $(O)/lib/probe/probe.bpf.o
	$(BPFTOOL) gen object $(@:.h=.o) $<
	$(BPFTOOL) gen skeleton $(@:.h=.o) name probe_bpf >$@

.SECONDEXPANSION:
$(O)/lib/probe/probe_session.o $(O)/lib/probe/probe_session_processes.o: $$(if $$(filter libbpf,$$(packaged)),$(PROBE_SKEL))
$(O)/lib/probe/probe_session.o $(O)/lib/probe/probe_session_processes.o: CPPFLAGS += -isystem $(O)/lib
