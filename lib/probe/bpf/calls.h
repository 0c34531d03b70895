/* PRIVATE to the BPF program: when calls of threads have begun whose duration is summed. */
#ifndef PROBE_BPF_CALLS_H
#define PROBE_BPF_CALLS_H

#include "probe/bpf/maps.h"

struct call {
	uint64_t sp;        /* that with which a function returns; 0: of a system call */
	uint32_t tid, spec; /* spec: of the probe at its end */
};

enum { CALLS_OPEN = PROBE_SPECS }; /* spec of how many functions a thread is in */

/* Evicts nothing: a call whose beginning is not known is left out at its end. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set by user space */
	__type(key, struct call);
	__type(value, uint64_t);
} calls SEC(".maps");

/* A function begins or ends. *call is used up: room on the stack is scarce. */
static __always_inline void count_open(struct call *call, int64_t by)
{
	uint64_t *at, one = 1;

	call->sp = 0;
	call->spec = CALLS_OPEN;
	at = bpf_map_lookup_elem(&calls, call);
	if (at)
		*at += (uint64_t)by;
	else if (by > 0)
		(void)bpf_map_update_elem(&calls, call, &one, BPF_ANY);
}

int call_begins(uint32_t tid, uint32_t spec, uint64_t sp)
{
	struct call call = { .sp = sp, .tid = tid, .spec = spec };
	uint64_t now = bpf_ktime_get_ns();

	if (bpf_map_update_elem(&calls, &call, &now, BPF_ANY) != 0)
		count_loss(PROBE_LOST_CALL);
	else if (sp != 0)
		count_open(&call, 1);
	return 0;
}

struct call_search {
	uint32_t tid;
};

static long call_step(void *map, const struct call *key, const uint64_t *begin, const struct call_search *x)
{
	(void)begin;
	if (key->tid == x->tid)
		(void)bpf_map_delete_elem(map, key);
	return 0;
}

/* A thread ends, or executes another program: none of its calls will return. */
static void calls_end(uint32_t tid)
{
	struct call call = { .sp = 0, .tid = tid, .spec = CALLS_OPEN };
	struct call_search search = { .tid = tid };
	const uint64_t *open = bpf_map_lookup_elem(&calls, &call);

	if (open) {
		if (*open != 0)
			(void)bpf_for_each_map_elem(&calls, call_step, &search, 0);
		(void)bpf_map_delete_elem(&calls, &call);
	}
	for (uint32_t i = 0; i < PROBE_SPECS; i++) {
		call.spec = i;
		(void)bpf_map_delete_elem(&calls, &call);
	}
}

#endif
