/* Records as JSON: a line for each target, and for each distinct stack that is counted.
 *
 *     {"schema":1,"pystack":"0.1","type":"target","operand":"4711",…   json_target_begin
 *      "threads":[                                                     json_threads_begin
 *       {"lwp":4711,…,"frames":[                                       json_thread_begin
 *        {"kind":"native",…},{"kind":"python",…},…                     json_frames
 *       ]},…                                                           json_thread_end
 *      ],"capture":{…},"messages":[…],"complete":true}                 json_target_end
 *
 * pystack.schema.json says what each member means. Text of the target is made valid UTF-8
 * (escape_invalid); addresses are strings. Written by jansson (json_members.h); without it nothing
 * of this can be called, and json_is_built says so. */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "base/strbuf.h"
#include "report/deadlock.h"
#include "report/details.h"
#include "report/record.h"
#include "report/text_cache.h"

enum { JSON_SCHEMA = 1 }; /* the version of the schema */

/* True if this build has jansson. If not, none of the functions below may be called. */
bool json_is_built(void);

/* Each of these appends to out. If memory runs out, they append less, but what they append in all
 * is valid JSON as long as out has room for some words. */

/* operand: as typed. details: NULL if the target could not be examined. */
void json_target_begin(const char *operand, const struct record_details *details, struct strbuf *out);

/* What surrounds all threads of the target. */
void json_threads_begin(struct strbuf *out);
void json_threads_end(struct strbuf *out);

/* complete: nothing of the thread is missing. first: it is the first of the target. */
void json_thread_begin(
    const struct record_thread *t, bool ended, bool complete, bool first, struct strbuf *out);
void json_thread_end(struct strbuf *out);

/* Append the items of t from index `from` on, until out has TEXT_CHUNK bytes. Returns the index of
 * the next item, t->items.n at the end. apart: leave out what differs between threads and processes
 * at the same place (pc, sp, addresses of objects), so that equal stacks have equal texts. cache:
 * of this process and its symbolizer. */
size_t json_frames(
    const struct record_thread *t, size_t from, bool apart, struct text_cache *cache, struct strbuf *out);

/* A message as on standard error, without "pystack: ". */
struct json_message {
	const char *code; /* warning_code */
	char *text;       /* valid UTF-8 */
};

/* Append a circle of waits to those in out, for json_end. */
void json_deadlock(const deadlock_waits *circle, struct strbuf *out);

struct json_end {
	const struct json_message *messages;
	size_t n;
	const char *deadlocks; /* as json_deadlock made them; NULL or "": none */
	bool complete;         /* nothing of the target is missing */
	/* Of a target that was examined, else all are 0 */
	const char *method;  /* "passive", "stop", "core" or "probe"; NULL: it was not examined */
	double time;         /* seconds since 1970; 0: unknown, as of a core */
	int64_t held_ns;     /* stack_held_ns */
	size_t threads;      /* of the process, also those that were not asked for; 0: not said */
	bool sampled;        /* with -i */
	uint64_t samples[4]; /* taken, failed, late, skipped */
};
/* False: out of memory, something is missing; likewise json_stack. */
bool json_target_end(const struct json_end *end, struct strbuf *out);

/* The line of a stack that was counted. members: those besides its count, as text. */
bool json_stack(const char *members, uint64_t count, struct strbuf *out);

#endif
