# The BPF program: object, stripped of its own debug information, then a header that holds it.
PROBE_SKEL := $(O)/lib/probe/probe.skel.h

$(O)/lib/probe/probe.bpf.o: lib/probe/probe.bpf.c
	@mkdir -p $(@D)
	$(CLANG) -target bpf -mcpu=v3 -O2 -g -Wall -Werror -Ilib -I/usr/include/$(shell uname -m)-linux-gnu -MMD -MP -c -o $@ $<

$(PROBE_SKEL): $(O)/lib/probe/probe.bpf.o
	$(BPFTOOL) gen object $(@:.h=.o) $<
	$(BPFTOOL) gen skeleton $(@:.h=.o) name probe_bpf >$@

# What includes it.
PROBE_SESSION := $(addprefix $(O)/lib/probe/,probe_session.o probe_session_processes.o probe_session_samples.o probe_session_clocks.o \
	probe_session_watch.o probe_session_holders.o)

.SECONDEXPANSION:
$(PROBE_SESSION): $$(if $$(filter libbpf,$$(packaged)),$(PROBE_SKEL))
$(PROBE_SESSION): CPPFLAGS += -isystem $(O)/lib
