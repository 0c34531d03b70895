/* The probes that there are, by their canonical texts (probe_spec.h). */
#ifndef PROBE_PROBE_LIST_H
#define PROBE_PROBE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/vec.h"
#include "probe/probe_spec.h"
#include "probe/probe_tracefs.h"
#include "probe/probe_usdt.h"

/* Where probes are looked for, besides the system calls. All of it is the caller's. */
struct probe_sources {
	const struct probe_tracefs *tracefs; /* NULL: tracepoints are left out */
	const struct probe_source_file {
		const char *path;
		const struct probe_usdt_list *probes; /* NULL: it has none */
		bool is_python; /* the target's interpreter: its probes are also python:NAME */
	} * files;
	size_t n_files;
};

struct probe_list {
	VEC(char *) names; /* by kind, then sorted; each once. Escape them to print them */
};

/* List the probes that match `pattern` (NULL: all). A pattern with * ? or [ is a glob(7) whose *
 * matches colons and slashes too; another one matches where it occurs. A pattern without a colon
 * may match a part between colons, as epoll_* does in syscall:epoll_wait. A frequency is named HZ.
 * RES_FAIL: out of memory, or the list of tracepoints cannot be read; *out is unchanged then. The
 * caller frees *out. */
enum res probe_list_make(
    const struct probe_sources *sources, const char *pattern, struct probe_list *out, struct fault *f);
void probe_list_free(struct probe_list *list);

/* Find whether the probe exists. RES_OK: it does, or that cannot be known: a UPROBE, a USDT of a
 * file that is not in `sources`, a TRACEPOINT without tracefs. RES_FAIL: it does not, and the fault
 * has the nearest names; or tracefs cannot be read. */
enum res probe_list_check(
    const struct probe_sources *sources, const struct probe_spec *spec, struct fault *f);

/* True if the text matches the pattern, as above. */
bool probe_list_matches(const char *pattern, const char *text);

#endif
