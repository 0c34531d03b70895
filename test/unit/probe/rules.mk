# probe_when_eval.h as BPF, if clang is installed. Included by test/rules.mk. <asm/types.h> is not on
# the path of -target bpf.
$(O)/test/programs/probe_when.bpf.o: test/programs/probe_when.bpf.c lib/probe/probe_when_eval.h
	@mkdir -p $(@D)
	@if command -v clang >/dev/null && test -f /usr/include/bpf/bpf_helpers.h; then \
		clang -target bpf -O2 -g -Wall -Wextra -Werror -Ilib -I/usr/include/`$(CC) -print-multiarch` \
			-c -o $@ $<; \
	else \
		: >$@; \
	fi

$(O)/test/unit/probe/probe_when_kernel_test.o: CPPFLAGS += -DPROBE_WHEN_OBJECT='"$(O)/test/programs/probe_when.bpf.o"'

$(O)/test/unit/probe/probe_when_test $(O)/test/unit/probe/probe_when_kernel_test: $(O)/test/programs/probe_when.bpf.o

# These tests load the BPF program, as probe_session.c does.
PROBE_LOADING := $(O)/test/unit/probe/program_test.o $(O)/test/unit/probe/samples_lost_test.o
$(PROBE_LOADING): $$(if $$(filter libbpf,$$(packaged)),$(PROBE_SKEL))
$(PROBE_LOADING): CPPFLAGS += -isystem $(O)/lib
