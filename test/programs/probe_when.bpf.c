/* The evaluator of conditions as a BPF program. A test compiles it, so that probe_when_eval.h stays
 * valid in BPF. */
#include <linux/types.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "probe/probe_when_eval.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe_when);
} when SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe_when_values);
} values SEC(".maps");

/* Returns the result of `when` for `values`. */
SEC("raw_tracepoint/sys_enter")
int evaluate(const void *ctx)
{
	const struct probe_when_values *v;
	const struct probe_when *w;
	__u32 zero = 0;

	(void)ctx;
	w = bpf_map_lookup_elem(&when, &zero);
	v = bpf_map_lookup_elem(&values, &zero);
	if (!w || !v)
		return PROBE_WHEN_UNKNOWN;
	return (int)probe_when_eval(w, v);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
