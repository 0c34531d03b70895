/* The kernel's tracepoints as tracefs describes them: which there are, the number of each, and the
 * fields of its record. Source: Linux Documentation/trace/events.rst, "Event formats". */
#ifndef PROBE_PROBE_TRACEFS_H
#define PROBE_PROBE_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "probe/probe_spec.h"

enum {
	PROBE_FIELDS_MAX = 128,       /* fields of an event */
	PROBE_TRACEPOINT_MAX = 65536, /* bytes of a record */
};

enum probe_field_form {
	PROBE_FIELD_VALUE,    /* an integer or an address of 1, 2, 4 or 8 bytes */
	PROBE_FIELD_BYTES,    /* an array or structure in the record */
	PROBE_FIELD_DATA_LOC, /* u32: offset (low half) and bytes (high half) of data in the record */
	PROBE_FIELD_REL_LOC,  /* the same with an offset from the end of the u32 */
};

struct probe_field {
	char name[64];
	uint32_t offset, size; /* bytes in the record; offset + size ≤ PROBE_TRACEPOINT_MAX */
	enum probe_field_form form;
	bool is_signed;
	bool is_text; /* elements of type char: a string, if form is not VALUE */
};

struct probe_tracepoint {
	uint32_t id;
	size_t n;
	struct probe_field fields[PROBE_FIELDS_MAX]; /* the four common_ ones first */
};

struct probe_tracefs {
	int dir;          /* O_PATH */
	const char *path; /* a constant */
};

/* Find tracefs where it is usually mounted. RES_FAIL: it is not mounted, or not readable; the fault
 * has the command that mends it. The caller closes it. */
enum res probe_tracefs_open(struct probe_tracefs *out, struct fault *f);
/* The same at these n places, the usual one first, which the caller keeps. */
enum res probe_tracefs_open_at(
    const char *const *paths, size_t n, struct probe_tracefs *out, struct fault *f);
void probe_tracefs_close(struct probe_tracefs *t);

/* The number and the fields of an event. RES_NONE: there is no such event. RES_FAIL: it cannot be
 * read, or its description is damaged; *out is unchanged then. */
enum res probe_tracefs_find(const struct probe_tracefs *t, const char *category, const char *event,
    struct probe_tracepoint *out, struct fault *f);

/* Parse the n bytes of an event's `format`. RES_FAIL: damaged; *out is unchanged then. */
enum res probe_tracefs_parse(const char *text, size_t n, struct probe_tracepoint *out, struct fault *f);

/* Call fn for each event, in the kernel's order, until it returns false. The strings are valid
 * during the call, and are names (probe_spec.h). RES_FAIL: the list cannot be read. */
typedef bool probe_tracepoint_fn(void *data, const char *category, const char *event);
enum res probe_tracefs_each(
    const struct probe_tracefs *t, probe_tracepoint_fn *fn, void *data, struct fault *f);

/* The field of this name; NULL: there is none. */
const struct probe_field *probe_tracepoint_field(const struct probe_tracepoint *event, const char *name);

#endif
