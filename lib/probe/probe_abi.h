/* What the BPF program and user space share: maps and records. BPF C includes this header, so it
 * has fixed-width types only. All numbers are of the machine's own order. */
#ifndef PROBE_PROBE_ABI_H
#define PROBE_PROBE_ABI_H

#include "python/py_offsets.h"

#include "probe/probe_value_abi.h"

enum {
	PROBE_PYTHONS = 4, /* runtimes in one process */
	PROBE_STATES = 4,  /* thread states of one thread */
	PROBE_WINDOWS = 2, /* of code: the program's own, and that of its libraries */
	PROBE_WINDOW_BITS = 1 << 17,
	PROBE_BLOCKS = 1 << 16,
	PROBE_BLOCK_SHIFT = 16,
	PROBE_REGS = 21,           /* words in struct pt_regs of x86-64 */
	PROBE_TEXT_MAX = 256,      /* bytes of a string argument, with its NUL */
	PROBE_TEXTS = 4,           /* string arguments of an event */
	PROBE_BATCH_MAX = 32768,   /* bytes of a record */
	PROBE_STACK_MAX = 1 << 20, /* bytes of a stack; it is cut there */
	PROBE_SPECS = 16,          /* probes at a time */
	PROBE_SYSCALLS = 1024,     /* their numbers are lower */
	PROBE_TARGETS = 257,       /* address spaces at a time, and the two bare ones */
	PROBE_PROCESSES = 1 << 15, /* numbers of processes; each is given once */
	PROBE_ADDED = 3 << 13,     /* those from here on are given by user space, the others by the program */
	PROBE_PIDS = 1 << 13,      /* processes at a time */
	PROBE_RANGES = 16,         /* of threads of a process */
	PROBE_EXE_KEPT = 32,       /* bytes of a name that is kept, with its NUL */
	PROBE_EXE_MAX = 64,        /* bytes of the name of an executable, with its NUL */
	PROBE_BUFFER = 1 << 26,    /* usual bytes of the ring buffer */
	PROBE_BUFFER_MIN = 1 << 18,
	PROBE_BUFFER_MAX = 1 << 30,
	PROBE_SLOTS = 6,          /* scratch memories of a processor */
	PROBE_OFFS = 1 << 16,     /* threads that are off the processor at a time */
	PROBE_POINTERS = 1 << 16, /* threads whose ids are known by their thread pointers */
	PROBE_HELD = 1 << 16,     /* pairs of stacks that wait for the GIL and its holders */
	PROBE_RETURNS = 64,       /* return addresses that are replaced: the kernel allows no more */
};

/* The code of a process from lo on, `size` bytes; bit i of `bits` stands for the addresses from
 * lo + (i << shift) on. */
struct probe_window {
	uint64_t lo, size;
	uint32_t shift, padding;
	uint64_t bits[PROBE_WINDOW_BITS / 64];
};

/* A process that runs one program. It has a number that no other has: a pid may be given again, and
 * another program may be executed. */
struct probe_process {
	uint32_t observed; /* 0: not yet */
	uint32_t target;   /* index of its address space, which its children share until they change it */
	uint32_t number;
	uint32_t from;     /* number of the parent, or of what it was before it executed this program */
	uint32_t how;      /* enum probe_process_origin */
	uint32_t selected; /* only some of its threads are observed */
	uint32_t pid;      /* in the initial namespace */
	uint32_t seen;     /* in the namespace of pystack */
	uint64_t since;    /* when it was forked, or has executed the program; CLOCK_MONOTONIC, ns */
	char name[PROBE_EXE_KEPT]; /* of the executable, cut; "": unknown */
};

/* A process in the initial namespace, and in that of pystack. */
struct probe_pid {
	uint32_t pid, seen;
};

/* The threads of a process that are observed: those with an id in one of n ranges. */
struct probe_threads {
	uint32_t n;
	struct probe_range {
		uint32_t lo, hi;
	} at[PROBE_RANGES];
};

enum probe_process_origin {
	PROBE_PROCESS_ADDED,  /* by user space */
	PROBE_PROCESS_FORKED, /* by `from` */
	PROBE_PROCESS_EXECED, /* `from` has executed another program; its target is a bare one */
};

enum { PROBE_NO_PROCESS = 0x7fffffff }; /* no number */
/* Targets of processes of which nothing is known, by their words: their native stacks only. */
enum {
	PROBE_TARGET_BARE,
	PROBE_TARGET_BARE_32,
	PROBE_TARGET_FIRST, /* of those that are known */
};

/* The address space of processes that are observed. */
struct probe_target {
	uint32_t index; /* of this target */
	uint32_t n_pythons;
	uint32_t word; /* bytes in a pointer of the program: 8, or 4 of i386 */
	/* How often it had mapped code when its windows were filled. While that differs from the
	 * map of changes, every word that may be an address counts as code. */
	uint64_t changes;
	uint64_t vdso_lo, vdso_size;
	struct py_offsets pythons[PROBE_PYTHONS];
	struct probe_window windows[PROBE_WINDOWS];
	/* 0: no address with these bits 16 to 31 is code */
	uint8_t near_code[PROBE_BLOCKS];
};

/* A stack is counted by its key. */
struct probe_key {
	uint64_t hash;
	uint32_t process; /* its number */
	uint32_t spec;    /* index of the probe, below PROBE_KEY_RESULTS */
};

/* A condition on Python's innermost function, of which the program knows nothing yet, is decided by
 * user space: `spec` of the key has the results of its other comparisons then. */
enum {
	PROBE_KEY_SPEC = 0xff,         /* the index */
	PROBE_KEY_RESULTS = 8,         /* the bit from which on there are probe_when_results */
	PROBE_KEY_UNDECIDED = 1 << 24, /* there are */
};

/* With sampling: one interval before the first sample is due, and when the last one is over; ns of
 * CLOCK_MONOTONIC. 0: samples are not taken yet. */
struct probe_sampling {
	uint64_t from, until;
	uint64_t full; /* 1: there have been more threads than can be noted */
};

/* A thread that is off the processor. */
struct probe_off {
	uint64_t since;
	struct probe_key key; /* of the stack with which it left */
	uint32_t holder;      /* of the GIL that it waits for: its thread id; 0: none, or unknown */
	uint32_t padding;
};

/* A stack that waits for the GIL, and the thread that held it then. What is counted of them is not
 * counted of the stack alone. */
struct probe_held {
	struct probe_key key;
	uint32_t holder; /* its thread id, not 0 */
	uint32_t padding;
};

struct probe_count {
	uint64_t count;
	uint64_t sum;  /* of the value that is summed */
	uint64_t sent; /* its stack has been sent whole; until then each event tries */
};

/* What was lost or could not be decided: indices in the map of losses. */
enum probe_loss {
	PROBE_LOST_RING,    /* events: the ring buffer was full */
	PROBE_LOST_MAP,     /* events: the map of counts was full */
	PROBE_LOST_NESTED,  /* events: the program was interrupted by itself */
	PROBE_LOST_STACK,   /* events: the stack could not be read */
	PROBE_LOST_STATES,  /* events: the list of thread states could not be read, or is too long */
	PROBE_LOST_FRAMES,  /* events: a Python frame or its code object could not be read */
	PROBE_LOST_DEPTH,   /* events: more Python frames than are followed */
	PROBE_LOST_PROCESS, /* processes: more than can be observed */
	PROBE_LOST_VALUE,   /* events: what is to be summed could not be read */
	PROBE_LOST_TEST,    /* events: --when could not be decided */
	PROBE_LOST_WIDTH,   /* events: 32-bit code in a 64-bit program, or the other way round */
	PROBE_LOST_CALL,    /* calls whose duration is not known: more are under way than are kept */
	PROBE_LOST_LATE,    /* samples: the clock was later than is believed */
	PROBE_LOST_SAMPLED, /* ticks of clocks: of threads whose samples could not be noted */
	PROBE_LOST_PYTHON,  /* processes: they have mapped a libpython, and the ring buffer was full */
	PROBE_EVENTS,       /* events that passed the filters */
	PROBE_TICKS,        /* of clocks, whatever they found */
	PROBE_LOSSES
};

enum probe_record_kind {
	PROBE_RECORD_HIT,
	PROBE_RECORD_BEGIN,   /* a stack: struct probe_begin */
	PROBE_RECORD_MEMORY,  /* struct probe_memory and its bytes, repeatedly */
	PROBE_RECORD_END,     /* the stack is complete */
	PROBE_RECORD_PROCESS, /* struct probe_process_record: a process has come */
	PROBE_RECORD_PYTHON, /* struct probe_pid_record: a process that is not observed has mapped a libpython */
	PROBE_RECORD_CODE, /* struct probe_code_record: a process has mapped or unmapped code */
};

struct probe_record {
	uint32_t kind; /* enum probe_record_kind */
	uint32_t size; /* with this header */
	uint64_t id;   /* of the stack: all of its records have it */
};

struct probe_pid_record {
	struct probe_record head;
	struct probe_pid pid;
};

struct probe_process_record {
	struct probe_record head;
	struct probe_process process;
};

enum probe_change_kind {
	PROBE_CODE_MAPPED,
	PROBE_CODE_UNMAPPED,  /* by munmap, or by mapping something else there */
	PROBE_CODE_MOVED,     /* it was moved to there */
	PROBE_CODE_PROTECTED, /* what is mapped there may be executed from now on */
};

/* A range of addresses that means other code from a time on. */
struct probe_range_change {
	uint64_t lo, hi;
	uint32_t kind; /* enum probe_change_kind */
	uint32_t padding;
};

struct probe_code_record {
	struct probe_record head;
	uint32_t process; /* its number */
	uint32_t padding;
	struct probe_range_change change;
	uint64_t time; /* CLOCK_MONOTONIC, ns */
};

/* How often code has come to where code had been. It is part of the key of a process's stacks. */
struct probe_epoch {
	uint32_t epoch;
	uint32_t gone; /* code was unmapped, and none was mapped since */
	/* How often an interpreter may have ended. It is not part of the key. */
	uint32_t restart, padding;
};

/* An event. It is sent without those of `text` that it does not use. */
struct probe_hit {
	struct probe_record head;
	struct probe_key key;
	uint64_t time; /* CLOCK_MONOTONIC, ns */
	uint32_t tid;
	uint32_t n_args;    /* 0: they are those of a system call or function, in registers */
	uint32_t texts;     /* bit i: args[i] is a string, the next of `text` */
	uint32_t unknown;   /* bit i: args[i] could not be read */
	uint32_t is_signed; /* bit i: args[i] is a signed number */
	uint32_t n_text;    /* of `text` that are used */
	uint32_t is_32bit;  /* of a system call of i386, or in code of i386 */
	uint32_t holder;    /* as in struct probe_off */
	int64_t result;
	uint64_t sum;
	char comm[16];
	uint64_t args[PROBE_VALUES];
	uint32_t text_n[PROBE_TEXTS]; /* bytes of it with its NUL; 0: unreadable */
	char text[PROBE_TEXTS][PROBE_TEXT_MAX];
};

enum {
	PROBE_STACK_CUT = 1,     /* it is larger than PROBE_STACK_MAX */
	PROBE_STACK_UNKNOWN = 2, /* no Python was known in its process */
	PROBE_STACK_GIL = 4,     /* at off-cpu: it waits for the GIL of its interpreter */
	PROBE_STACK_GONE = 8,    /* the thread exits, and has no memory any more: no stack is sent */
};

struct probe_state {
	uint64_t tstate;
	uint32_t python;  /* index of its runtime */
	uint32_t is_main; /* it is of the runtime's oldest interpreter, which lives as long */
};

/* A return address that a uretprobe has replaced by that of the kernel's trampoline. */
struct probe_return {
	uint64_t slot, pc; /* where it belongs, and the address */
};

struct probe_begin {
	struct probe_record head;
	struct probe_key key;
	uint32_t tid, flags;
	uint64_t time; /* CLOCK_MONOTONIC, ns */
	uint64_t regs[PROBE_REGS];
	uint64_t thread_pointer;
	uint32_t n_states, n_returns;
	struct probe_state states[PROBE_STATES];
	struct probe_return returns[PROBE_RETURNS];
	/* The innermost code object: its address, and what identifies it. innermost
	 * PROBE_NO_CODE: there is none; 0: several thread states have one each, or no interpreter
	 * is known. */
	uint64_t code, innermost;
};

enum { PROBE_NO_CODE = 1 };

/* A code object of a process. */
struct probe_code_key {
	uint64_t innermost; /* as in struct probe_begin */
	uint64_t process;   /* its number */
};

enum probe_memory_kind {
	PROBE_MEMORY_PLAIN,
	PROBE_MEMORY_CODE, /* a code object */
	PROBE_MEMORY_NAME, /* a part of the code object before it, which is sent once */
};

struct probe_memory {
	uint64_t at;
	uint32_t n;    /* bytes; padded to a multiple of 8 */
	uint32_t kind; /* enum probe_memory_kind */
	uint64_t code; /* hash that identifies the code object */
};

enum probe_spec_kind {
	PROBE_AT_SYSCALL,
	PROBE_AT_TICK,       /* of a clock */
	PROBE_AT_SWITCH,     /* off-cpu */
	PROBE_AT_CODE,       /* a uprobe, or a static probe */
	PROBE_AT_TRACEPOINT, /* of the kernel */
};

/* What is summed at a probe. */
struct probe_sum {
	uint32_t what;      /* PROBE_SUM_…, or a subject of conditions plus one; 0: nothing */
	uint32_t shift;     /* bits of the 64 that are not of the value */
	uint32_t is_signed; /* it is signed */
	uint32_t padding;
};

/* What a probe does; constant while it is attached. */
struct probe_spec_abi {
	uint32_t kind;     /* enum probe_spec_kind */
	uint32_t texts[2]; /* bit i: argument i is a string to copy; [1]: of i386 */
	int32_t syscall;   /* its number; −1: not one */
	int32_t syscall32; /* its number for i386; −1: none */
	uint32_t is_return;
	uint32_t hz; /* PROBE_AT_TICK */
	uint32_t padding2;
	uint64_t min_ns;          /* PROBE_AT_SWITCH: shorter times are left out */
	struct probe_sum sums[2]; /* [1]: of i386 */
	uint32_t sum_by_sp;       /* DURATION: calls within each other are told apart by the stack pointer */
	uint32_t padding;
};

enum {
	PROBE_SUM_ABSENT = 254,       /* the event has no such value */
	PROBE_SUM_DURATION = 255,     /* from the beginning of the call that ends at the probe */
	PROBE_COOKIE_BEGIN = 1 << 30, /* of a place: there the call begins */
	PROBE_CALLS = 65536,          /* whose duration is summed, at a time */
};

#endif
