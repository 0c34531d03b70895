/* PRIVATE to the BPF program: which processes are observed, and those that come. */
#ifndef PROBE_BPF_PROCESSES_H
#define PROBE_BPF_PROCESSES_H

#include "probe/bpf/calls.h"
#include "probe/bpf/gil.h"
#include "probe/bpf/namespace.h"
#include "probe/probe_exe.h"

/* The process that a task belongs to, even if it is not to be observed yet, or NULL. */
static __always_inline struct probe_process *known_process_of(struct task_struct *task)
{
	uint32_t pid = (uint32_t)task->tgid, *number = bpf_map_lookup_elem(&pids, &pid);

	return number ? bpf_map_lookup_elem(&processes, number) : 0;
}

/* Is a thread of process `number` one of those that were selected? It is a global function, so that
 * the verifier follows it once and not at each call. */
int is_selected(uint32_t number, uint32_t tid)
{
	const struct probe_threads *t = bpf_map_lookup_elem(&selections, &number);

	if (!t)
		return 0;
	for (uint32_t i = 0; i < PROBE_RANGES; i++) {
		if (i < t->n && t->at[i].lo <= tid && tid <= t->at[i].hi)
			return 1;
	}
	return 0;
}

/* The observed process that a task belongs to, or NULL; so for threads that were not selected. */
static __always_inline const struct probe_process *process_of(struct task_struct *task)
{
	const struct probe_process *p = known_process_of(task);

	if (!p || !p->observed)
		return 0;
	return p->selected && !is_selected(p->number, seen_tid(task)) ? 0 : p;
}

/* Observe the process of a task from now on, under a new number, and say so. */
static void add_process(
    struct task_struct *task, uint32_t from, uint32_t how, uint32_t target, const char *name)
{
	struct probe_process_record r = { .head = { .kind = PROBE_RECORD_PROCESS, .size = sizeof(r) } };
	uint32_t pid = (uint32_t)task->tgid, zero = 0, *next = bpf_map_lookup_elem(&numbers, &zero), number;

	if (!next)
		return;
	number = __sync_fetch_and_add(next, 1);
	r.process.observed = 1;
	r.process.target = target;
	r.process.number = number;
	r.process.from = from;
	r.process.how = how;
	r.process.pid = pid;
	r.process.seen = seen_pid(task);
	r.process.since = bpf_ktime_get_ns();
	__builtin_memcpy(r.process.name, name, sizeof(r.process.name) - 1);
	/* Nobody can meet the number before it is in the map of pids. */
	if (number < PROBE_ADDED && bpf_map_update_elem(&processes, &number, &r.process, BPF_ANY) == 0 &&
	    bpf_map_update_elem(&pids, &pid, &number, BPF_ANY) == 0) {
		if (bpf_ringbuf_output(&ring, &r, sizeof(r), 0) == 0)
			return;
	} else {
		(void)bpf_map_delete_elem(&pids, &pid);
	}
	count_loss(PROBE_LOST_PROCESS);
}

/* A child has its parent's memory, so it needs no target of its own. A thread of this number may
 * have existed before. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(watch_fork, struct task_struct *parent, struct task_struct *child)
{
	const struct probe_process *p = known_process_of(parent);
	uint32_t tid = (uint32_t)child->pid;

	if (!p || !p->observed)
		return 0;
	(void)bpf_map_delete_elem(&threads, &tid);
	/* It may have left a processor just before the last thread of its process ended. */
	(void)bpf_map_delete_elem(&offs, &tid);
	if (follow_forks && child->tgid != parent->tgid)
		add_process(child, p->number, PROBE_PROCESS_FORKED, p->target, p->name);
	/* Nobody waits for the GIL of a process that has one thread, and that may execute soon, and
	 * would leave what was noted behind: its first thread is noted when it starts another. */
	if (holders && child->tgid == parent->tgid) {
		note_thread(child, p, BPF_ANY);
		note_thread(parent, p, BPF_ANY);
	}
	return 0;
}

/* Another program has other code, of which nothing is known: only its native stacks can be taken
 * until user space has looked at it. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(watch_exec, struct task_struct *task)
{
	const struct probe_process *p = known_process_of(task);
	uint32_t tid = (uint32_t)task->pid, pid = (uint32_t)task->tgid;
	uint32_t target =
	    BPF_CORE_READ(task, mm, task_size) >> 32 == 0 ? PROBE_TARGET_BARE_32 : PROBE_TARGET_BARE;
	char name[PROBE_EXE_MAX] = "";

	if (!p && exe_name[0] == 0)
		return 0;
	(void)bpf_map_delete_elem(&threads, &tid);
	if (timing && p)
		calls_end(tid);
	(void)bpf_probe_read_kernel_str(
	    name, sizeof(name), BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name));
	if ((p && follow_execs) || (exe_name[0] != 0 && probe_exe_is(name, exe_name) && seen_pid(task) != 0))
		add_process(task, p ? p->number : PROBE_NO_PROCESS, PROBE_PROCESS_EXECED, target, name);
	else if (p)
		(void)bpf_map_delete_elem(&pids, &pid);
	return 0;
}

/* A thread ends; perhaps the last one of its process. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(watch_exit, struct task_struct *task)
{
	const struct probe_process *p = known_process_of(task);
	uint32_t pid = (uint32_t)task->tgid;

	if (!p)
		return 0;
	if (holders)
		forget_thread(task, p);
	if (timing)
		calls_end((uint32_t)task->pid);
	if (BPF_CORE_READ(task, signal, live.counter) == 0)
		(void)bpf_map_delete_elem(&pids, &pid);
	return 0;
}

#endif
