/* PRIVATE to the BPF program: ids of processes and threads as pystack's pid namespace has them.
 * Everywhere else in the program they are those of the initial namespace. */
#ifndef PROBE_BPF_NAMESPACE_H
#define PROBE_BPF_NAMESPACE_H

#include "probe/bpf/maps.h"

/* The id in that namespace of the thread whose struct pid is at `at`; 0: it has none there. It is a
 * global function, so that the verifier follows it once and not at each call. */
int id_in_namespace(uint64_t at)
{
	const struct pid *pid = (const struct pid *)at;
	uint32_t level = BPF_CORE_READ(pid, level);

#pragma clang loop unroll(disable)
	for (uint32_t i = 0; i < PID_LEVELS; i++) {
		const struct upid *upid = (const void *)(at + bpf_core_field_offset(struct pid, numbers) +
							 i * bpf_core_type_size(struct upid));

		if (i > level)
			break;
		if (BPF_CORE_READ(upid, ns, ns.inum) == pid_namespace)
			return BPF_CORE_READ(upid, nr);
	}
	return 0;
}

/* Of a thread. Neither is inlined, since its stack would be added to that of a capture. */
static __noinline uint32_t seen_tid(struct task_struct *task)
{
	return pid_namespace != 0 ? (uint32_t)id_in_namespace((uint64_t)BPF_CORE_READ(task, thread_pid))
				  : (uint32_t)task->pid;
}

/* Of its process. */
static __noinline uint32_t seen_pid(struct task_struct *task)
{
	return pid_namespace != 0
		   ? (uint32_t)id_in_namespace((uint64_t)BPF_CORE_READ(task, group_leader, thread_pid))
		   : (uint32_t)task->tgid;
}

/* List the processes of the namespace: struct probe_pid for each. */
SEC("iter/task")
int list_processes(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct probe_pid one;

	if (!task || task->pid != task->tgid)
		return 0;
	one.pid = (uint32_t)task->tgid;
	one.seen = (uint32_t)id_in_namespace((uint64_t)BPF_CORE_READ(task, thread_pid));
	if (one.seen != 0)
		(void)bpf_seq_write(ctx->meta->seq, &one, sizeof(one));
	return 0;
}

#endif
