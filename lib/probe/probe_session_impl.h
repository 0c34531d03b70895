/* PRIVATE to lib/probe: the loaded BPF program (libbpf), and what user space keeps for it. */
#ifndef PROBE_PROBE_SESSION_IMPL_H
#define PROBE_PROBE_SESSION_IMPL_H

#include "probe/probe_changes.h"
#include "probe/probe_processes.h"
#include "probe/probe_stacks.h"

#include <probe/probe.skel.h>

struct probe_session {
	struct probe_bpf *bpf;
	struct ring_buffer *ring;
	struct probe_stacks stacks;
	/* Records that were taken out of the ring, which has to be kept empty, and wait to be read:
	 * 8 bytes with the size of each, then the record, padded to 8 bytes. */
	VEC(uint8_t) waiting;
	size_t confirmed; /* names of code objects that the program knows to have arrived */
	size_t read;      /* bytes of `waiting` that have been read */
	struct probe_processes processes;
	struct probe_changes changes;
	VEC(uint32_t) pythons; /* for probe_session_python */
	/* Processes have come or have mapped code: until it has been still for a while (ns), but
	 * not for too long, no stacks are read, since those processes may end soon. */
	bool urgent;
	int64_t still_from, hurried_from;
	bool attached; /* the probes have been */
	struct probe_target *scratch;
	struct probe_config config;
	struct probe_sampling sampling;     /* as in the program's map */
	uint64_t clocks_hz;                 /* the sum of the frequencies of all clocks */
	unsigned clocks;                    /* processors that have one */
	uint64_t clocks_from;               /* when they were started, ns */
	uint64_t detached;                  /* when the probes were, ns; 0: they are not */
	size_t ring_size;                   /* bytes */
	struct bpf_link *watch;             /* NULL: none */
	VEC(struct bpf_link *) links;       /* of clocks, one for each processor, and of places */
	VEC(struct probe_value_list) lists; /* as in the program's map */
};

/* Holders of GILs, which are told with off-cpu: load what finds them, and make room for it. Returns
 * 0 or an error number below 0. */
void probe_holders_choose(struct probe_bpf *b, const struct probe_config *c);
int probe_holders_size(struct probe_bpf *b, const struct probe_config *c);
/* Tell the program the threads that there are. Those that begin later it sees itself. */
void probe_holders_list(struct probe_session *s);

/* Prepare the maps of processes. Returns 0 or an error number. */
int probe_processes_begin(struct probe_session *s);

/* Start a clock of `hz`, or of the samples, on each processor that is online, for a probe. Returns
 * 0 or an error number; EINVAL: the kernel allows no such clock. */
int probe_clocks_attach(struct probe_session *s, uint32_t spec, uint32_t hz);

/* The clocks run: samples are due from now on. The last one is over half an interval after it was
 * due. */
void probe_samples_start(struct probe_session *s);

#endif
