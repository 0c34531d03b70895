/* The processes that are observed with --at. */
#ifndef PYSTACK_AT_OBSERVED_H
#define PYSTACK_AT_OBSERVED_H

#include <libproc.h>

#include "at_handle.h"
#include "base/addrmap.h"
#include "base/vec.h"
#include "options.h"
#include "probe/probe.h"

/* A process while it runs one program. */
struct observed {
	const char *typed; /* its operand; NULL: it came later */
	uint32_t number, pid;
	char name[PROBE_EXE_KEPT]; /* of its executable; "": unknown */
	struct observed *parent;   /* whose memory it has; NULL: none, or not known */
	bool selected;             /* only these threads are observed */
	struct probe_threads threads;
	bool missed;       /* the kernel does not know it; what it has become may be on its way */
	bool gone;         /* it has ended, or has executed another program */
	bool full;         /* there was no room for what it has mapped, or it waits for its program */
	bool placed;       /* probes in what it has mapped are set */
	uint64_t changes;  /* how often it had mapped code when it was grabbed */
	struct handle now; /* none while no stack of its own has been read, and after its end */
	struct older_handles older;
};

/* A process that has mapped Python, of which nothing was found yet. */
struct unready {
	uint32_t pid;
	int64_t due, pause; /* when it is looked at again, and after what time; ns */
};

struct observing {
	const struct options *opt;
	struct probe_session *session;
	VEC(struct observed *) at;   /* owned */
	struct addrmap by_number;    /* number → index in `at` */
	size_t seen;                 /* processes of the session that were looked at */
	size_t refused;              /* processes that one may not look at */
	struct addrmap examined;     /* at_find_pythons: pid → its program, of those looked at */
	VEC(struct unready) unready; /* at_find_mapped: to be looked at again */
	bool attached;               /* the probes are */
	bool failed;                 /* one could not be observed, and a message was printed */
};

/* Observe an operand. False: a message was printed. */
bool observing_add(struct observing *x, const char *typed);

enum observing_added {
	OBSERVING_ADDED,
	OBSERVING_NOT,     /* it has ended, has no Python, or a message was printed */
	OBSERVING_REFUSED, /* one may not look at it */
};

/* Observe a process; python: only if it has a Python. */
enum observing_added observing_add_pid(struct observing *x, uint32_t pid, bool python);

/* True if a process with this pid is observed. */
bool observing_has(const struct observing *x, uint32_t pid);

/* The living process with this pid, if it has a handle of its own. Else NULL. */
const struct observed *observing_opened(const struct observing *x, uint32_t pid);

/* Observe what process pid will execute. False: a message was printed. */
bool observing_expect(struct observing *x, pid_t pid, const char *command);

/* Look at the processes that have come, and at the code that was mapped. */
void observing_update(struct observing *x);

/* The process with this number, or NULL. */
struct observed *observing_find(const struct observing *x, uint32_t number);

/* The handle that a stack is read with: of its process, or if that has ended too early, of the
 * parent, whose memory it had. NULL: there is none; f says why. *replaced, which the caller has to
 * free (vec_free): where the handle has other code than the process had then. */
struct handle *observing_reader(
    struct observing *x, const struct probe_begin *begin, struct probe_ranges *replaced, struct fault *f);

/* The probes have just been attached. */
void observing_attached(struct observing *x);

/* Find out which ones are gone, since the last call but one. idle: no stack waits to be read, so
 * their handles are closed. False: all are gone. */
bool observing_sweep(struct observing *x, bool idle);

/* Close the handles of all processes, and free the lists. */
void observing_free(struct observing *x);

#endif
