/* PRIVATE to the BPF program: its maps, constants and scratch memory. */
#ifndef PROBE_BPF_MAPS_H
#define PROBE_BPF_MAPS_H

#include "probe/bpf/kernel.h"

/* The stack and thread states of a thread, kept from event to event. */
struct thread {
	uint64_t thread_pointer;
	uint64_t stack_lo, stack_hi; /* its mapping; 0 unknown */
	uint64_t list;               /* hash of the heads of the lists of thread states */
	uint32_t n_states, padding;
	struct probe_state states[PROBE_STATES];
};

/* The hash of a code object that was met before. */
struct known_code {
	uint64_t code;
	uint64_t event;            /* in which it was met last */
	uint32_t process, version; /* of 0: it had none */
	uint32_t restart, padding; /* of the process: see struct probe_epoch */
	uint64_t hash;
};

/* A part of a stack that was hashed before, and what its hash depends on besides its words. */
struct known_part {
	uint64_t va;
	uint64_t upto;    /* the end of the stack */
	uint64_t changes; /* as in struct scratch */
	uint64_t hash;
	uint32_t process, target;
	uint64_t words[PART / 8];
};

/* Scratch memory of one processor: 512 bytes of stack are too few. */
struct scratch {
	uint64_t busy;
	uint32_t used; /* bytes of `record` */
	uint32_t failed;
	uint32_t lost; /* enum probe_loss plus one */
	uint64_t hash;
	uint64_t at;             /* where a walk is */
	uint64_t stop;           /* of a chain of frames: where it ends */
	uint64_t interp, before; /* of a list of thread states: whose it is; the state before `at`, or 0 */
	uint64_t thread_pointer;
	uint64_t tstate_at;                 /* of `tstate`; 0: none */
	uint64_t stack_lo, stack_hi;        /* the used part of the stack */
	uint64_t other_lo, other_hi;        /* that of the stack which a signal has interrupted; 0: none */
	uint64_t signal_stack, signal_size; /* the alternate signal stack */
	uint64_t from, upto;                /* the part that is being read */
	uint32_t more;                      /* the interrupted stack comes after it */
	uint32_t python;                    /* index of the runtime that is walked */
	uint32_t is_main;                   /* the interpreter that is walked is its oldest one */
	uint32_t emit;                      /* send what is walked, do not hash it only */
	uint32_t outermost;                 /* the next code object is not its state's innermost */
	uint32_t n_innermost;               /* thread states that have a code object */
	uint32_t undecided;                 /* upper bits of the key's `spec` */
	uint32_t steps;                     /* thread states that have been looked at */
	uint32_t tries;                     /* lists that were begun again */
	uint32_t found, found_busy;         /* index plus one of this interpreter's state; it has frames */
	uint32_t roams;                     /* this interpreter's states do not name their threads */
	uint32_t unbound;                   /* some state may get another thread */
	uint32_t restart;                   /* of the process: see struct probe_epoch */
	uint32_t in_kernel;                 /* the event came in the kernel, not in the program */
	uint32_t unsure;                    /* code was mapped that the windows do not have yet */
	uint32_t holder;                    /* of the GIL that it waits for: its thread id, or 0 */
	struct probe_off off;               /* of the thread that leaves the processor */
	uint64_t id;
	struct probe_begin begin;
	struct thread fresh; /* zeros but for its thread pointer */
	uint8_t tstate[PY_OFFSETS_TSTATE_MAX + 8];
	/* Frames that lie side by side, then one that was read alone, then zeros. */
	uint8_t frames[FRAMES + PY_OFFSETS_FRAME_MAX + 8];
	uint64_t frames_at, last_at; /* address of `frames`; and of the frame before */
	uint32_t frames_n;           /* bytes there */
	uint32_t frame;              /* that is looked at: where it is in `frames` */
	uint8_t code[PY_OFFSETS_CODE_MAX + 8];
	uint64_t content[4 + CONTENT / 8]; /* of the objects of a code object; its size, its data */
	uint8_t small[PY_OFFSETS_OBJECT_MAX + 8];
	struct known_code known[KNOWN_CODES]; /* by address */
	uint64_t events;                      /* that have used this memory */
	uint32_t version;                     /* of the frame's code object */
	uint32_t table_n;                     /* what is left of a line table; and where, and the hash */
	uint64_t table_at, table_hash;
	uint64_t file[4];                 /* length and hash of the name of a file */
	uint64_t file_at, file_event;     /* where it is, and when it was read */
	uint32_t process;                 /* number of the process of the event */
	uint32_t target;                  /* that it has */
	uint64_t changes;                 /* of the target when the event began: its windows are newer */
	uint64_t words[2 * CHUNK / 8];    /* as many as a chunk may have, from any of a chunk's places on */
	uint64_t part;                    /* the hash of the part that is looked at */
	struct known_part parts[PARTS];   /* by address */
	uint64_t record_at;               /* the record of a tracepoint; 0: it is no tracepoint */
	uint32_t list;                    /* of arguments, plus one; 0: they are in the usual registers */
	uint16_t text_size[PROBE_VALUES]; /* of texts in it, with a NUL; 0: it is the target's */
	struct probe_hit event;
	struct probe_when_values values; /* of the event */
	uint8_t record[2 * PROBE_BATCH_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set by user space: PROBE_SLOTS for each processor */
	__type(key, uint32_t);
	__type(value, struct scratch);
} scratches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROBE_PIDS);
	__type(key, uint32_t);
	__type(value, uint32_t); /* number of the process */
} pids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROBE_PROCESSES);
	__type(key, uint32_t);
	__type(value, struct probe_process);
} processes SEC(".maps");

/* The threads that were selected, by the number of their process. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROBE_TARGETS);
	__type(key, uint32_t);
	__type(value, struct probe_threads);
} selections SEC(".maps");

/* How many processes the kernel has given a number. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, uint32_t);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set by user space */
	__type(key, uint32_t);
	__type(value, struct probe_target);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set by user space */
	__type(key, uint32_t);
	__type(value, uint64_t);
} changes SEC(".maps");

/* By the number of a process. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROBE_PROCESSES);
	__type(key, uint32_t);
	__type(value, struct probe_epoch);
} epochs SEC(".maps");

/* When the last record of mapped or unmapped code did not fit into the ring; 0: never. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, uint64_t);
} changes_lost SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, uint32_t);
	__type(value, struct thread);
} threads SEC(".maps");

/* Apart from `threads`, whose entries may be evicted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set by user space */
	__type(key, uint32_t);
	__type(value, struct probe_off);
} offs SEC(".maps");

/* The thread ids, as pystack sees them, of threads by their thread pointers: Python knows no other
 * name of a thread in each version. Only with off-cpu. */
struct thread_key {
	uint64_t thread_pointer;
	uint32_t process, padding; /* number of the process */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set by user space */
	__type(key, struct thread_key);
	__type(value, uint32_t);
} pointers SEC(".maps");

/* As `counts`, of stacks that wait for the GIL where its holder is known. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set by user space */
	__type(key, struct probe_held);
	__type(value, struct probe_count);
} held SEC(".maps");

/* When samples are due, set when the clocks start. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct probe_sampling);
} sampling SEC(".maps");

/* With sampling: the number of the last sample at which a thread was counted, or that was due when
 * it got its processor; without threads that have exited. Once it has been full, a thread that is
 * not in it may be any. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, uint32_t);
	__type(value, uint64_t);
} sampled SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct probe_key);
	__type(value, struct probe_count);
} counts SEC(".maps");

/* Code objects whose names have been sent: hash of address and words. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, uint64_t);
	__type(value, uint32_t);
} codes SEC(".maps");

/* Where the arguments of static probes and tracepoints are. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROBE_VALUE_LISTS);
	__type(key, uint32_t);
	__type(value, struct probe_value_list);
} value_lists SEC(".maps");

/* What --when says, twice the probe's index: for events of x86-64, then for those of i386. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set by user space */
	__type(key, uint32_t);
	__type(value, struct probe_when);
} conditions SEC(".maps");

/* The results of comparisons with the names of a code object, as probe_when_results has them. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct probe_code_key);
	__type(value, uint32_t);
} named SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROBE_LOSSES);
	__type(key, uint32_t);
	__type(value, uint64_t);
} losses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PROBE_BUFFER); /* set by user space */
} ring SEC(".maps");

/* Constants, set by user space before loading. */
const volatile struct probe_spec_abi specs[PROBE_SPECS];
/* The probe of each system call, plus one, by its number: at its entry or return, and as x86-64 or
 * i386. A table and no search: the verifier would follow each probe that is found. */
const volatile uint8_t syscall_specs[2][2][PROBE_SYSCALLS];
const volatile uint32_t counting = 0;        /* events are counted, not sent */
const volatile uint32_t timing = 0;          /* the duration of system calls is summed */
const volatile uint32_t conditional = 0;     /* there are conditions */
const volatile char exe_name[PROBE_EXE_MAX]; /* --exe: what executes it is observed; "": nothing */
const volatile uint32_t find_pythons = 0;    /* processes that map Python are looked for */
const volatile char libpython[PROBE_EXE_MAX] = "libpython";
const volatile uint32_t pid_namespace = 0; /* its inode number; 0: the initial one */
const volatile uint32_t follow_execs = 1;  /* a process stays observed whatever it executes */
const volatile uint32_t follow_forks = 0;  /* children of processes are observed */
const volatile uint32_t off_cpu_spec = 0;
const volatile uint64_t off_cpu_min = 0; /* ns */
const volatile uint32_t holders = 0;     /* with off-cpu: the holders of GILs are asked for */

const volatile uint64_t sample_ns = 0; /* the program samples so often; 0: it does not */
static void count_losses(uint32_t which, uint64_t n)
{
	uint64_t *at = bpf_map_lookup_elem(&losses, &which);

	if (at)
		__sync_fetch_and_add(at, n);
}

static void count_loss(uint32_t which)
{
	count_losses(which, 1);
}

static __always_inline uint64_t mix_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

/* Eight bytes from a member on, of which the caller takes its width. An absent one (offset 0) is at
 * mask, beyond all that is ever read into the buffer, which is longer by eight bytes: there it is
 * zero. So no branch is needed, of which the verifier would follow both sides. */
static __always_inline uint64_t member_at(const uint8_t *bytes, uint32_t offset, uint32_t mask)
{
	return *(const uint64_t *)(bytes + ((offset - 1) & mask));
}

/* The same of the frame that is looked at. */
static __always_inline uint64_t frame_member(const struct scratch *s, uint32_t offset)
{
	uint32_t absent = (uint32_t)((int32_t)(offset - 1) >> 31);

	return *(const uint64_t *)(s->frames + (((s->frame + offset - 1) | absent) &
						   (FRAMES + PY_OFFSETS_FRAME_MAX - 1)));
}

#define TSTATE(s, p, name) \
	(member_at((s)->tstate, (p)->tstate_##name, PY_OFFSETS_TSTATE_MAX - 1) & (p)->word_mask)
#define FRAME(s, p, name) frame_member(s, (p)->frame_##name)
#define CODE(s, p, offset) (member_at((s)->code, offset, PY_OFFSETS_CODE_MAX - 1) & (p)->word_mask)
#define SMALL(s, offset) member_at((s)->small, offset, PY_OFFSETS_OBJECT_MAX - 1)

/* A word of the target at va + offset − 1. */
static __always_inline int read_word(const struct py_offsets *p, uint64_t va, uint32_t offset, uint64_t *out)
{
	uint64_t bytes[2] = { 0, 0 };
	int failed = (int)bpf_probe_read_user(bytes, p->word & 15, (const void *)(va + offset - 1));

	*out = bytes[0];
	return failed;
}

#endif
