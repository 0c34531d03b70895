/* Stacks captured in the kernel, at probes, without stopping the threads: the BPF program, and what
 * it sends.
 *
 *   probe_session ─┬─ probe_session_add     a process to observe
 *                  ├─ probe_session_attach  from now on its events are captured
 *                  ├─ probe_session_read    stacks and events as they come
 *                  └─ probe_session_counts  how often each stack was met
 *
 * Needs Linux 5.17 with BTF, and root or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE. Programs and maps
 * belong to descriptors: they are gone when pystack ends, however it ends. */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include <libproc.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/memory_piece.h"
#include "base/vec.h"
#include "probe/probe_abi.h"
#include "probe/probe_changes.h"
#include "probe/probe_clocks.h"
#include "probe/probe_when_eval.h"

struct py_process;

/* Where a probe is attached, as its kind needs it. */
struct probe_place {
	uint32_t spec;                /* index in probe_config.specs */
	const char *file;             /* PROBE_AT_CODE */
	uint64_t offset;              /* in the file */
	uint64_t semaphore;           /* offset in the file of the counter of a static probe; 0: none */
	pid_t pid;                    /* −1: in each process */
	const char *category, *event; /* PROBE_AT_TRACEPOINT */
	bool is_begin;                /* there calls begin whose duration is summed at the probe */
	const struct probe_value_list *values; /* NULL: its arguments are those of a function */
};

struct probe_config {
	const struct probe_spec_abi *specs; /* n_specs ≤ PROBE_SPECS */
	size_t n_specs;
	/* Two for each of specs, for events of x86-64 and those of i386. NULL in it: each event is
	 * wanted; NULL: there are none. Read again when probes are attached. */
	const struct probe_when *const *conditions;
	bool counting;   /* count in the kernel; events are not sent */
	size_t targets;  /* most processes; 0: one */
	uint64_t buffer; /* bytes of the ring buffer, rounded down to a power of two; 0: the usual size */
	uint32_t pid_namespace; /* the inode number of this process's own; 0: the initial one */
	bool follow_forks;      /* children of processes are observed */
	bool follow_execs;      /* a process stays observed whatever it executes */
	bool find_pythons;      /* probe_session_python finds processes that map Python */
	const char *exe;        /* observed is what executes a file of this name (probe_exe_is), or NULL */
	/* Sampling, with one spec, PROBE_AT_TICK: the threads that run, or wait for a processor,
	 * every sample_ns, `samples` times (0: without end), from the attachment on. 0: no
	 * sampling. */
	uint64_t sample_ns, samples;
	bool watches; /* probe_session_watch is to be called */
};

struct probe_session;

/* Load the program. RES_FAIL: f says what is missing. */
enum res probe_session_open(const struct probe_config *config, struct probe_session **out, struct fault *f);
void probe_session_close(struct probe_session *s); /* NULL ok */

/* A process to observe. */
struct probe_observed {
	uint32_t pid; /* as this process sees it */
	struct ps_prochandle *P;
	const struct py_process *py;         /* its interpreters; NULL: none */
	const struct probe_threads *threads; /* observed ones; NULL: all, later ones too */
};

/* Observe a process from now on. *number: of the process, as in the keys of its stacks. RES_FAIL:
 * too many processes, or a layout that the program cannot walk. */
enum res probe_session_add(
    struct probe_session *s, const struct probe_observed *one, uint32_t *number, struct fault *f);

/* Observe what the process pid will execute; it is not observed before, as the process *number. */
enum res probe_session_expect(struct probe_session *s, uint32_t pid, uint32_t *number, struct fault *f);

/* Take the next process (its pid as this process sees it) that is not observed and has mapped a
 * libpython. False: there is none. */
bool probe_session_python(struct probe_session *s, uint32_t *pid);

/* The processes so far, in the order in which they came: those above, and those that the kernel has
 * seen to be forked or to execute a program. */
size_t probe_session_processes(const struct probe_session *s);
struct probe_process probe_session_process(const struct probe_session *s, size_t i);

/* False: it has ended, or has executed another program, which has another number. */
bool probe_session_lives(struct probe_session *s, uint32_t number);

/* Observe it no longer. */
void probe_session_remove(struct probe_session *s, uint32_t number);

/* How often the process has mapped code while it was observed. From each time on, stacks that are
 * the same may be counted under several keys, until its code is taken again: probe_session_refresh,
 * with a handle that was grabbed after this call, its interpreters, and the result of this call.
 * Sets *changes to what P is good for; if that is UINT64_MAX, it has to be done once more.
 * RES_FAIL: as probe_session_add. */
uint64_t probe_session_changes(const struct probe_session *s, uint32_t number);
enum res probe_session_refresh(struct probe_session *s, uint32_t number, struct ps_prochandle *P,
    const struct py_process *py, uint64_t *changes, struct fault *f);

/* A process whose code was read between two times (CLOCK_MONOTONIC, ns). */
struct probe_reading {
	uint32_t process;
	uint64_t from, upto;
};

/* Set *out, which has to be freed (vec_free), to the addresses at which the process that was read
 * has other code at one of the two times than process `number` had at another time, `at`. The two
 * are the same process, or the one that was read is an ancestor. */
void probe_session_replaced(struct probe_session *s, uint32_t number, uint64_t at,
    const struct probe_reading *reading, struct probe_ranges *out);

/* Tell the program the results of comparisons with the names of an innermost code object, or of
 * none, as probe_when_results has them: from now on it decides conditions on them itself. */
void probe_session_decide(struct probe_session *s, const struct probe_begin *begin, uint32_t results);

/* Attach the probes: those of code and tracepoints at these n places. */
enum res probe_session_attach(
    struct probe_session *s, const struct probe_place *places, size_t n, struct fault *f);
/* Attach further ones, of code. */
enum res probe_session_attach_places(
    struct probe_session *s, const struct probe_place *places, size_t n, struct fault *f);
void probe_session_detach(struct probe_session *s);

/* A stack that has arrived whole; valid during the call of probe_reader.stack. */
struct probe_stack {
	const struct probe_begin *begin;
	const struct memory_piece *pieces;
	size_t n_pieces;
};

/* What is done with that which arrives. */
struct probe_reader {
	void *data;
	/* A stack is new, or was sent twice. */
	void (*stack)(void *data, const struct probe_stack *stack);
	/* An event; its stack has come before, unless it was lost. */
	void (*event)(void *data, const struct probe_hit *event);
};

/* A program ignores this signal unless it asks for it. */
#define PROBE_WATCH_SIGNAL SIGURG

/* Send process pid PROBE_WATCH_SIGNAL when its first thread executes the instruction at `address`,
 * which a debug register of the processor watches: no code is changed. At most one is watched.
 * False: it cannot be, as no register is free. */
bool probe_session_watch(struct probe_session *s, uint32_t pid, uint64_t address);
void probe_session_unwatch(struct probe_session *s);

/* Wait at most `ms` milliseconds (0: do not wait) and hand on what has arrived, for some 50
 * milliseconds: the rest is pending, for the next call. While processes come, or map code, nothing
 * is handed on: the caller has to look at them first, since they may end soon. RES_FAIL: reading
 * failed, or out of memory. A signal ends the wait. */
enum res probe_session_read(
    struct probe_session *s, int ms, const struct probe_reader *reader, struct fault *f);

/* True if records have arrived that probe_session_read has not handed on. */
bool probe_session_pending(const struct probe_session *s);

/* Call each() for every key with a count. False from it ends the iteration. */
enum res probe_session_counts(struct probe_session *s,
    bool (*each)(void *data, const struct probe_key *key, const struct probe_count *count), void *data,
    struct fault *f);

/* Call each() for the waits for the GIL by a stack and the thread that held it then, where that is
 * known. These are not in the counts of the stack. As above. */
enum res probe_session_held(struct probe_session *s,
    bool (*each)(void *data, const struct probe_held *held, const struct probe_count *count), void *data,
    struct fault *f);

/* How often the stack of this key was met. */
uint64_t probe_session_count(const struct probe_session *s, const struct probe_key *key);

/* With sampling, after probe_session_detach: call each() for every thread that waits for a
 * processor, with the number of samples that it has spent so. */
void probe_session_waiting(struct probe_session *s,
    bool (*each)(void *data, const struct probe_key *key, const struct probe_count *count), void *data);

/* What the clocks of profile have done. */
void probe_session_clocks(struct probe_session *s, struct probe_clocks *out);

/* How many events were lost, by reason (enum probe_loss), since the session began. */
void probe_session_losses(struct probe_session *s, uint64_t out[PROBE_LOSSES]);

#endif
