/* PRIVATE to the BPF program: the kernel's structures, as far as they are needed. Members are found
 * by their names in the kernel at hand (CO-RE). */
#ifndef PROBE_BPF_KERNEL_H
#define PROBE_BPF_KERNEL_H

#include <linux/bpf.h>
#include <stdint.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "probe/probe_abi.h"
#include "probe/probe_when_eval.h"

#define KERNEL __attribute__((preserve_access_index))

struct desc_struct {
	uint16_t limit0, base0;
	uint16_t base1 : 8, flags : 8, limit1 : 8, base2 : 8;
} KERNEL;

struct thread_struct {
	struct desc_struct tls_array[3]; /* segments of i386's thread pointers */
	unsigned short gsindex;
	unsigned long fsbase;
} KERNEL;

/* The page of a process that the kernel keeps for its uprobes ([uprobes]): a trampoline, and copies
 * of instructions. */
struct xol_area {
	unsigned long vaddr;
} KERNEL;

struct uprobes_state {
	struct xol_area *xol_area;
} KERNEL;

struct qstr {
	const unsigned char *name;
} KERNEL;

struct dentry {
	struct qstr d_name;
} KERNEL;

struct path {
	struct dentry *dentry;
} KERNEL;

struct file {
	struct path f_path;
} KERNEL;

struct mm_struct {
	struct file *exe_file;
	unsigned long task_size; /* where the address space ends */
	unsigned long start_stack;
	struct uprobes_state uprobes_state;
} KERNEL;

struct thread_info {
	uint32_t status;
} KERNEL;

/* What a uretprobe has replaced on a thread's stack: a list, youngest first. A kernel without
 * uprobes has none of it. */
struct return_instance {
	unsigned long stack, orig_ret_vaddr;
	struct return_instance *next;
} KERNEL;

struct uprobe_task {
	struct return_instance *return_instances;
	unsigned long vaddr, xol_vaddr; /* of an instruction, and of its copy that is executed */
} KERNEL;

struct kernel_atomic {
	int counter;
};

struct signal_struct {
	struct kernel_atomic live; /* threads */
} KERNEL;

struct ns_common {
	unsigned inum;
} KERNEL;

struct pid_namespace {
	struct ns_common ns;
} KERNEL;

struct upid {
	int nr;
	struct pid_namespace *ns;
} KERNEL;

struct pid {
	unsigned level;
	struct upid numbers[1]; /* level + 1 */
} KERNEL;

struct task_struct {
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct signal_struct *signal;
	struct thread_info thread_info;
	int pid, tgid;
	unsigned int __state; /* 0: it runs, or could */
	struct mm_struct *mm;
	struct thread_struct thread;
	struct uprobe_task *utask;
	unsigned long sas_ss_sp, sas_ss_size; /* the alternate signal stack */
	char comm[16];
} KERNEL;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} KERNEL;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} KERNEL;

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	struct file *vm_file;
} KERNEL;

struct pt_regs; /* read whole: words of struct probe_begin */

enum {
	COMPAT = 2, /* thread_info.status: in a system call of i386 (TS_COMPAT) */
	REG_BP = 4,
	REG_R11 = 6,
	REG_R9 = 8,
	REG_R8 = 9,
	REG_R10 = 7,
	REG_DX = 12,
	REG_SI = 13,
	REG_DI = 14,
	REG_CX = 11,
	REG_CALL = 15, /* orig_ax: the number of the system call */
	REG_AX = 10,
	REG_BX = 5,
	REG_IP = 16,
	REG_CS = 17,
	REG_SP = 19,

	PAGE = 4096,
	PID_LEVELS = 33, /* of pid namespaces: MAX_PID_NS_LEVEL and the initial one */
	CONTENT = 128,   /* bytes of a line table that are read at once */
	TABLE_GROUP = 2, /* words of the rest that are hashed in one turn of a loop */
	KNOWN_CODES = 1024,
	FRAMES = 768,        /* bytes of Python's own stack that are read at a time */
	CHUNK = 4096,        /* bytes of a stack that are read at a time */
	PART = 512,          /* bytes of a chunk that are hashed at a time */
	PARTS = 256,         /* parts of stacks whose hashes are kept */
	GROUP = 8,           /* words that are looked at in one turn of a loop */
	CHUNK_32 = PART / 2, /* the same of a program of i386 */
	CHUNKS = PROBE_STACK_MAX / CHUNK + 1,
	PAGES = PROBE_STACK_MAX / PAGE + 1,
	FRAMES_MAX = 1 << 14, /* Python frames of a thread state */
	CFRAMES_MAX = 1 << 12,
	DATA_CHUNKS_MAX = 64,
	STATES_MAX = 1 << 14, /* thread states of an interpreter */
	STATES_TRIES = 16,    /* lists of an event that are begun again, as they have changed meanwhile */
	INTERPS_MAX = 1 << 8,
	FILE_NAME = 768,
	NAME = 320,
	CHARACTERS = 1024, /* of a str that has them elsewhere; up to four bytes each */
	TABLE = 4096,      /* bytes of a piece */
	TABLES = 16,       /* pieces of a line table */
	BYTES_HEAD = 48,
	/* Scratch memory of a processor, PROBE_SLOTS of it: two for what may be preempted. */
	SLOT_SYSCALL = 0,
	SLOT_TICK = 2,
	SLOT_SWITCH = 3,
	SLOT_TRACEPOINT = 4,
};

#endif
