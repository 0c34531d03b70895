/* PRIVATE to the BPF program: system calls by which a process maps and unmaps code.
 *
 *   maps code        the windows lack it: `changes` counts it, until user space has made new ones
 *   unmaps data      perhaps with it an interpreter ends (`note_end`)
 *   unmaps code      a stack of before is not to be named by what is there now: sent with its time
 *   both in turn     an address means other code: the key of stacks changes (`epochs`)
 *
 * A call is noticed at its end. Nobody can be in new code before that. */
#ifndef PROBE_BPF_CODE_H
#define PROBE_BPF_CODE_H

#include "probe/bpf/i386.h"
#include "probe/bpf/processes.h"

enum { CODE_MMAP = 9, CODE_MPROTECT = 10, CODE_MUNMAP = 11, CODE_MREMAP = 25, CODE_SHMAT = 30 };
enum { CODE_PKEY_MPROTECT = 329 };
enum { CODE_MMAP32 = 90, CODE_MUNMAP32 = 91, CODE_IPC32 = 117, CODE_MPROTECT32 = 125 };
enum { CODE_MREMAP32 = 163, CODE_MMAP2_32 = 192, CODE_PKEY_MPROTECT32 = 380, CODE_SHMAT32 = 397 };
enum { CODE_PROT_EXEC = 4, CODE_MAP_FIXED = 16, CODE_SHM_EXEC = 0100000, CODE_SHM_REMAP = 040000 };
enum { CODE_ARGS = 4 };

static __always_inline int changes_memory(uint64_t number)
{
	return (number >= CODE_MMAP && number <= CODE_MUNMAP) || number == CODE_MREMAP ||
	       number == CODE_SHMAT || number == CODE_PKEY_MPROTECT;
}

static __always_inline int changes_memory_32(uint64_t number)
{
	return number == CODE_MMAP32 || number == CODE_MUNMAP32 || number == CODE_IPC32 ||
	       number == CODE_MPROTECT32 || number == CODE_MREMAP32 || number == CODE_MMAP2_32 ||
	       number == CODE_PKEY_MPROTECT32 || number == CODE_SHMAT32;
}

/* What a call has done to memory. */
struct code_call {
	struct probe_range_change gone, new; /* hi 0: nothing */
};

struct code_search {
	const struct probe_window *window;
	uint64_t first, last; /* bits */
	uint64_t found;
};

/* Is there code in 64 of the bits? */
static long code_step(uint32_t i, struct code_search *x)
{
	uint64_t word = x->first / 64 + i, bits;

	if (word > x->last / 64)
		return 1;
	bits = x->window->bits[word & (PROBE_WINDOW_BITS / 64 - 1)];
	if (i == 0)
		bits &= ~0ull << (x->first & 63);
	if (word == x->last / 64)
		bits &= ~0ull >> (63 - (x->last & 63));
	x->found |= bits;
	return bits != 0;
}

static int window_overlaps(const struct probe_window *w, uint64_t lo, uint64_t hi)
{
	struct code_search x = { .window = w };
	uint64_t end = w->lo + w->size;

	if (lo < w->lo)
		lo = w->lo;
	if (hi > end)
		hi = end;
	if (lo >= hi)
		return 0;
	x.first = (lo - w->lo) >> (w->shift & 63);
	x.last = (hi - 1 - w->lo) >> (w->shift & 63);
	bpf_loop(PROBE_WINDOW_BITS / 64, code_step, &x, 0);
	return x.found != 0;
}

/* Was there code, or may it have been, as it is not known? */
static int may_have_code(uint32_t target, const struct probe_range_change *r)
{
	const struct probe_target *t = bpf_map_lookup_elem(&targets, &target);
	const uint64_t *changed = bpf_map_lookup_elem(&changes, &target);

	if (r->hi == 0)
		return 0;
	return !t || !changed || *changed != t->changes || window_overlaps(&t->windows[0], r->lo, r->hi) ||
	       window_overlaps(&t->windows[1], r->lo, r->hi) ||
	       (t->vdso_size != 0 && r->lo < t->vdso_lo + t->vdso_size && t->vdso_lo < r->hi);
}

static __always_inline struct probe_range_change code_range(uint64_t lo, uint64_t n, uint32_t kind)
{
	struct probe_range_change r = { .lo = lo, .hi = lo + n > lo ? lo + n : ~0ull, .kind = kind };

	if (n == 0)
		r.hi = 0;
	return r;
}

static __always_inline void of_mmap(
    struct code_call *c, uint64_t at, uint64_t n, uint64_t protection, uint64_t flags)
{
	if (flags & CODE_MAP_FIXED)
		c->gone = code_range(at, n, PROBE_CODE_UNMAPPED);
	if (protection & CODE_PROT_EXEC)
		c->new = code_range(at, n, PROBE_CODE_MAPPED);
}

static __always_inline void of_mprotect(struct code_call *c, const uint64_t *args)
{
	if (args[2] & CODE_PROT_EXEC)
		c->new = code_range(args[0], args[1], PROBE_CODE_PROTECTED);
}

/* What was there goes; it is code at the new place if it was before. */
static __always_inline void of_mremap(struct code_call *c, const uint64_t *args, uint64_t result)
{
	c->gone = code_range(args[0], args[1], PROBE_CODE_UNMAPPED);
	c->new = code_range(result, args[2], PROBE_CODE_MOVED);
}

/* The size of shared memory is not known. */
static __always_inline void of_shmat(struct code_call *c, uint64_t at, uint64_t flags)
{
	if (flags & CODE_SHM_REMAP)
		c->gone = code_range(at, ~at, PROBE_CODE_UNMAPPED);
	if (flags & CODE_SHM_EXEC)
		c->new = code_range(at, ~at, PROBE_CODE_MAPPED);
}

static void of_call(struct code_call *c, uint64_t number, const uint64_t *args, uint64_t result)
{
	if (number == CODE_MMAP)
		of_mmap(c, result, args[1], args[2], args[3]);
	else if (number == CODE_MUNMAP)
		c->gone = code_range(args[0], args[1], PROBE_CODE_UNMAPPED);
	else if (number == CODE_MREMAP)
		of_mremap(c, args, result);
	else if (number == CODE_SHMAT)
		of_shmat(c, result, args[2]);
	else if (number == CODE_MPROTECT || number == CODE_PKEY_MPROTECT)
		of_mprotect(c, args);
}

static void of_call_32(struct code_call *c, uint64_t number, const uint64_t *args, uint64_t result)
{
	uint32_t words[CODE_ARGS] = { 0 };

	if (number == CODE_MMAP2_32) {
		of_mmap(c, result, args[1], args[2], args[3]);
	} else if (number == CODE_MMAP32) {
		if (bpf_probe_read_user(words, sizeof(words), (const void *)args[0]) != 0)
			words[2] = CODE_PROT_EXEC;
		of_mmap(c, result, words[1] ? words[1] : ~result, words[2], words[3]);
	} else if (number == CODE_MUNMAP32) {
		c->gone = code_range(args[0], args[1], PROBE_CODE_UNMAPPED);
	} else if (number == CODE_MREMAP32) {
		of_mremap(c, args, result);
	} else if (number == CODE_SHMAT32) {
		of_shmat(c, result, args[2]);
	} else if (number == CODE_IPC32) {
		if ((uint32_t)args[0] % 65536 == 21) /* shmat, whose result is in memory */
			of_shmat(c, 0, args[2]);
	} else if (number == CODE_MPROTECT32 || number == CODE_PKEY_MPROTECT32) {
		of_mprotect(c, args);
	}
}

static void send_change(const struct probe_process *p, const struct probe_range_change *r)
{
	struct probe_code_record record = {
		.head = { .kind = PROBE_RECORD_CODE, .size = sizeof(record) },
		.process = p->number,
		.change = *r,
		.time = bpf_ktime_get_ns(),
	};
	uint32_t zero = 0;
	uint64_t *lost;

	if (bpf_ringbuf_output(&ring, &record, sizeof(record), 0) == 0)
		return;
	lost = bpf_map_lookup_elem(&changes_lost, &zero);
	if (lost)
		*lost = record.time;
}

/* Note what process p has done. */
static void note_change(const struct probe_process *p, struct code_call *c)
{
	uint32_t number = p->number, target = p->target;
	struct probe_epoch *e = bpf_map_lookup_elem(&epochs, &number);
	uint64_t *changed = bpf_map_lookup_elem(&changes, &target);
	int gone = may_have_code(target, &c->gone);

	if (gone) {
		if (e)
			e->gone = 1;
		send_change(p, &c->gone);
	}
	if (c->new.hi == 0 || (c->new.kind == PROBE_CODE_MOVED && !gone))
		return;
	if (e && e->gone) {
		e->gone = 0;
		__sync_fetch_and_add(&e->epoch, 1);
	}
	if (changed)
		__sync_fetch_and_add(changed, 1);
	send_change(p, &c->new);
}

/* An interpreter that has versions of code objects has its data stack in pieces of this size, or
 * twice that, and so on, from the kernel, and gives them back when it ends (CPython 3.11 to 3.15
 * pystate.c). The next one may give the same versions to other code objects at the same addresses.
 * If the process has unmapped something else of that size, they are only read once more. */
static __always_inline void note_end(const struct probe_process *p, const struct probe_range_change *gone)
{
	enum { DATA_STACK = 16384 };
	uint32_t number = p->number;
	uint64_t n = gone->hi - gone->lo;
	struct probe_epoch *e;

	if (n < DATA_STACK || (n & (n - 1)) != 0)
		return;
	e = bpf_map_lookup_elem(&epochs, &number);
	if (e)
		__sync_fetch_and_add(&e->restart, 1);
}

/* The beginning of the name of a mapped file. */
struct file_name {
	char at[PROBE_EXE_MAX];
};

static long take_file_name(struct task_struct *task, struct vm_area_struct *vma, struct file_name *out)
{
	const unsigned char *name = BPF_CORE_READ(vma, vm_file, f_path.dentry, d_name.name);

	(void)task;
	(void)bpf_probe_read_kernel_str(out->at, sizeof(out->at), name);
	return 0;
}

/* A process that is not observed has mapped code: say so if that is Python's. */
static void look_for_python(struct task_struct *task, uint64_t at)
{
	struct probe_pid_record r = { .head = { .kind = PROBE_RECORD_PYTHON, .size = sizeof(r) } };
	enum { ABSENT = -2 }; /* -ENOENT */
	struct file_name name = { "" };
	long failed = bpf_find_vma(task, at, take_file_name, &name, 0);

	/* If another thread changes the mappings, user space finds out. */
	if (failed == ABSENT || (!failed && !probe_exe_is(name.at, libpython)))
		return;
	r.pid.pid = (uint32_t)task->tgid;
	r.pid.seen = seen_pid(task);
	if (r.pid.seen != 0 && bpf_ringbuf_output(&ring, &r, sizeof(r), 0) != 0)
		count_loss(PROBE_LOST_PYTHON);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(watch_code, struct pt_regs *regs, long result)
{
	enum { FIRST = REG_BP, N = REG_CALL - REG_BP + 1 };
	struct task_struct *task = bpf_get_current_task_btf();
	struct code_call call = { .gone = { .hi = 0 }, .new = { .hi = 0 } };
	uint64_t words[N] = { 0 }, args[CODE_ARGS], number;
	const struct probe_process *p;
	uint32_t compat = is_compat(task);

	(void)bpf_probe_read_kernel(&number, sizeof(number), (const uint64_t *)regs + REG_CALL);
	if ((uint64_t)result >= (uint64_t)-4095 ||
	    !(compat ? changes_memory_32(number) : changes_memory(number)))
		return 0;
	/* Also of threads that were not selected. */
	p = known_process_of(task);
	if (p ? !p->observed : !find_pythons)
		return 0;
	(void)bpf_probe_read_kernel(words, sizeof(words), (const uint64_t *)regs + FIRST);
	if (compat) {
		args[0] = words[REG_BX - FIRST];
		args[1] = words[REG_CX - FIRST];
		args[2] = words[REG_DX - FIRST];
		args[3] = words[REG_SI - FIRST];
		of_call_32(&call, number, args, (uint32_t)result);
	} else {
		args[0] = words[REG_DI - FIRST];
		args[1] = words[REG_SI - FIRST];
		args[2] = words[REG_DX - FIRST];
		args[3] = words[REG_R10 - FIRST];
		of_call(&call, number, args, (uint64_t)result);
	}
	if (p && call.gone.hi != 0)
		note_end(p, &call.gone);
	if (p && (call.gone.hi != 0 || call.new.hi != 0))
		note_change(p, &call);
	else if (!p && call.new.hi != 0 && call.new.kind == PROBE_CODE_MAPPED)
		look_for_python(task, call.new.lo);
	return 0;
}

#endif
