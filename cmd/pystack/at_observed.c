/* The processes that are observed.
 *
 * A child shares its parent's memory at first, in the kernel as here: it is opened when a stack of
 * it is to be read. One that has executed a program is opened at once, before it maps libraries. */
#include "at_observed.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "at_threads.h"
#include "base/clock.h"
#include "base/owned.h"
#include "base/path.h"
#include "os/mappings.h"
#include "os/read.h"
#include "print_target.h"
#include "warn.h"

static uint64_t now_ns(void)
{
	return (uint64_t)clock_now_ns();
}

/* Grab the process `typed` and find its Python. False: f says why not. */
static bool observed_open(const struct observing *x, const char *typed, struct observed *o, struct fault *f)
{
	OWNED(mem_release) char *arg = strdup(typed);
	const struct operand operand = { typed, typed, NULL };
	struct stack_options stack = stack_options_of(x->opt, &operand);
	const char *lwps = NULL;
	char path[PATH_MAX];

	*f = (struct fault){ 0 };
	if (arg == NULL)
		return fault_memory(f) == RES_OK;
	stack.early = true;
	o->now.from = now_ns();
	o->now.P = proc_arg_xgrab(
	    arg, NULL, PR_ARG_PIDS, PGRAB_RDONLY | (x->opt->force ? PGRAB_FORCE : 0), &f->code, &lwps);
	if (o->now.P == NULL)
		return false;
	f->code = 0;
	o->pid = (uint32_t)Pstatus(o->now.P)->pr_pid;
	if (Pexecname(o->now.P, path, sizeof(path)) != NULL)
		(void)snprintf(o->name, sizeof(o->name), "%.*s", PROBE_EXE_KEPT - 1, path_base(path));
	o->now.upto = now_ns();
	o->selected = lwps != NULL;
	if (lwps != NULL && !at_threads_parse(lwps, &o->threads))
		(void)fault_set(f, 0, 0, 0, "more than %d ranges of threads", PROBE_RANGES);
	else if (o->pid == (uint32_t)getpid())
		f->code = G_SELF;
	else if (stack_target_prepare(o->now.P, &stack, &o->now.target, f) == RES_OK)
		return true;
	handle_close(&o->now);
	return false;
}

/* The same by its pid. It is still the process that has its number in the session. */
static bool observed_open_pid(const struct observing *x, struct observed *o, struct fault *f)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%u", o->pid);
	if (!observed_open(x, pid, o, f))
		return false;
	if (probe_session_lives(x->session, o->number) && os_same_process(o->now.P))
		return true;
	handle_close(&o->now);
	(void)fault_set(f, G_NOPROC, 0, 0, "it has ended");
	return false;
}

static void observed_free(struct observed *o)
{
	if (o == NULL)
		return;
	handle_close(&o->now);
	older_handles_free(&o->older);
	free(o);
}

/* Append *one, which is moved. NULL: out of memory, and it was freed. */
static struct observed *append_observed(struct observing *x, const struct observed *one)
{
	struct observed *o = malloc(sizeof(*o));

	if (o == NULL) {
		struct observed copy = *one;

		handle_close(&copy.now);
		x->failed = true;
		return NULL;
	}
	*o = *one;
	if (vec_push(&x->at, o) && addrmap_put(&x->by_number, o->number, (uint32_t)(x->at.n - 1)))
		return o;
	if (x->at.n > 0 && x->at.at[x->at.n - 1] == o)
		x->at.n--;
	observed_free(o);
	x->failed = true;
	return NULL;
}

struct observed *observing_find(const struct observing *x, uint32_t number)
{
	uint32_t i;

	return addrmap_get(&x->by_number, number, &i) ? x->at.at[i] : NULL;
}

/* The living process with this pid, or NULL. */
static const struct observed *find_pid(const struct observing *x, uint32_t pid)
{
	for (size_t i = 0; i < x->at.n; i++) {
		if (x->at.at[i]->pid == pid && !x->at.at[i]->gone)
			return x->at.at[i];
	}
	return NULL;
}

bool observing_has(const struct observing *x, uint32_t pid)
{
	return find_pid(x, pid) != NULL;
}

/* What was mapped when it was grabbed is what is mapped now, if that is so. */
static void prove_mappings(struct observed *o)
{
	uint64_t from = now_ns();

	if (o->now.P == NULL || os_code_token(o->now.P) != os_code_token_grabbed(o->now.P))
		return;
	o->now.from = from;
	o->now.upto = now_ns();
}

const struct observed *observing_opened(const struct observing *x, uint32_t pid)
{
	const struct observed *o = find_pid(x, pid);

	return o != NULL && o->now.P != NULL ? o : NULL;
}

/* Observe what *o has been opened for, which is moved. False: a message was printed. */
static bool add_opened(struct observing *x, const char *typed, struct observed *o)
{
	const struct observed *before = find_pid(x, o->pid);
	struct fault f = { 0 };
	struct observed *added;
	enum res res;
	const char *why;

	/* Given twice: its places would be probed twice, and each event counted twice. */
	if (before != NULL && !before->selected && !o->selected) {
		handle_close(&o->now);
		return true;
	}
	if (before != NULL)
		res = fault_set(
		    &f, 0, 0, 0, "it was given twice: name its threads together, as in %u/1,3-5", o->pid);
	else
		res = probe_session_add(x->session,
		    &(struct probe_observed){ .pid = o->pid,
			.P = o->now.P,
			.py = stack_python_process(o->now.target),
			.threads = o->selected ? &o->threads : NULL },
		    &o->number, &f);
	if (res != RES_OK) {
		warn_fault(WARN_CANNOT_EXAMINE, typed, &f);
		handle_close(&o->now);
		return false;
	}
	if (stack_python(o->now.target, &why) == RES_FAIL)
		warn_record(&(struct record_warning){ .code = WARN_PYTHON, .operand = typed, .detail = why });
	added = append_observed(x, o);
	if (added != NULL && x->attached)
		prove_mappings(added);
	return added != NULL;
}

bool observing_add(struct observing *x, const char *typed)
{
	struct observed o = { .typed = typed, .changes = UINT64_MAX };
	struct fault f;

	if (observed_open(x, typed, &o, &f))
		return add_opened(x, typed, &o);
	warn_fault(WARN_CANNOT_EXAMINE, typed, &f);
	return false;
}

enum observing_added observing_add_pid(struct observing *x, uint32_t pid, bool python)
{
	struct observed o = { .changes = UINT64_MAX };
	struct fault f;
	char typed[16];

	(void)snprintf(typed, sizeof(typed), "%u", pid);
	if (observed_open(x, typed, &o, &f)) {
		if (!python || stack_python_process(o.now.target) != NULL)
			return add_opened(x, typed, &o) ? OBSERVING_ADDED : OBSERVING_NOT;
		handle_close(&o.now);
		return OBSERVING_NOT;
	}
	if (f.code == G_PERM)
		return OBSERVING_REFUSED;
	if (f.code == G_NOPROC || f.code == G_ZOMB || f.code == G_SYS || f.code == G_SELF)
		return OBSERVING_NOT;
	warn_fault(WARN_CANNOT_EXAMINE, typed, &f);
	x->failed = true;
	return OBSERVING_NOT;
}

bool observing_expect(struct observing *x, pid_t pid, const char *command)
{
	struct observed o = { .pid = (uint32_t)pid, .full = true };
	struct fault f = { 0 };

	if (probe_session_expect(x->session, o.pid, &o.number, &f) == RES_OK)
		return append_observed(x, &o) != NULL;
	warn_fault(WARN_CANNOT_EXAMINE, command, &f);
	return false;
}

/* Take the code that a process has mapped since it was grabbed: a new handle has its mappings. */
static void refresh_mappings(struct observing *x, struct observed *o)
{
	struct observed fresh = { .pid = o->pid, .number = o->number };
	uint64_t changes = probe_session_changes(x->session, o->number);
	struct fault f;

	if (o->gone || o->full || changes == o->changes)
		return;
	if (!observed_open_pid(x, &fresh, &f)) {
		/* The kernel did not tell its end if that came before the attachment. */
		if (kill((pid_t)o->pid, 0) != 0 && errno == ESRCH)
			probe_session_remove(x->session, o->number);
		return;
	}
	/* It executes another program, which the kernel tells once that has been mapped. */
	if (o->now.P != NULL && !os_same_process(o->now.P)) {
		handle_close(&fresh.now);
		return;
	}
	if (probe_session_refresh(x->session, o->number, fresh.now.P, stack_python_process(fresh.now.target),
		&changes, &f) != RES_OK) {
		char pid[16];

		(void)snprintf(pid, sizeof(pid), "%u", o->pid);
		warn_fault(WARN_CANNOT_EXAMINE, pid, &f);
		x->failed = o->full = true;
		handle_close(&fresh.now);
		return;
	}
	older_handles_keep(&o->older, &o->now);
	o->now = fresh.now;
	o->changes = changes;
	o->placed = false;
}

/* A process has come, by fork or by exec. */
static void take_process(struct observing *x, const struct probe_process *p)
{
	struct observed one = { .number = p->number, .pid = p->seen, .changes = UINT64_MAX };
	struct observed *from = observing_find(x, p->from), *o;

	(void)snprintf(one.name, sizeof(one.name), "%.*s", PROBE_EXE_KEPT - 1,
	    p->name[0] == '\0' && from != NULL ? from->name : p->name);
	if (p->how == PROBE_PROCESS_FORKED && from != NULL) {
		one.parent = from;
		one.changes = from->changes;
	} else if (from != NULL) {
		from->gone = true;
	}
	o = append_observed(x, &one);
	if (o != NULL && p->how == PROBE_PROCESS_EXECED)
		refresh_mappings(x, o);
}

void observing_attached(struct observing *x)
{
	x->attached = true;
	for (size_t i = 0; i < x->at.n; i++)
		prove_mappings(x->at.at[i]);
}

void observing_update(struct observing *x)
{
	for (; x->seen < probe_session_processes(x->session); x->seen++) {
		struct probe_process p = probe_session_process(x->session, x->seen);

		if (p.how != PROBE_PROCESS_ADDED)
			take_process(x, &p);
	}
	for (size_t i = 0; i < x->at.n; i++)
		refresh_mappings(x, x->at.at[i]);
}

/* Of the handles of o, the one by which most is certain of a stack; of several, the newest. */
static struct handle *choose_handle(
    struct observing *x, struct observed *o, const struct probe_begin *begin, struct probe_ranges *replaced)
{
	struct handle *best = NULL;

	for (size_t i = o->older.at.n + 1; i-- > 0;) {
		struct handle *h = i == o->older.at.n ? &o->now : &o->older.at.at[i];
		struct probe_ranges r;

		if (h->P == NULL)
			continue;
		probe_session_replaced(x->session, begin->key.process, begin->time,
		    &(struct probe_reading){ o->number, h->from, h->upto }, &r);
		if (best == NULL || (replaced->all && !r.all) ||
		    (replaced->all == r.all && r.at.n < replaced->at.n)) {
			vec_free(&replaced->at);
			*replaced = r;
			best = h;
		} else {
			vec_free(&r.at);
		}
	}
	return best;
}

/* Look at what a stack of one process needs, which may be in code that was mapped just before:
 * processes that have come, its own code, and that of its ancestors. */
static void update_for(struct observing *x, uint32_t number)
{
	if (x->seen != probe_session_processes(x->session))
		observing_update(x);
	for (struct observed *o = observing_find(x, number); o != NULL; o = o->parent)
		refresh_mappings(x, o);
}

struct handle *observing_reader(
    struct observing *x, const struct probe_begin *begin, struct probe_ranges *replaced, struct fault *f)
{
	struct observed *o;
	struct fault why;

	*replaced = (struct probe_ranges){ .all = false };
	update_for(x, begin->key.process);
	for (o = observing_find(x, begin->key.process); o != NULL; o = o->parent) {
		if (o->now.P != NULL || (!o->gone && observed_open_pid(x, o, &why))) {
			struct handle *h = choose_handle(x, o, begin, replaced);

			probe_ranges_merge(replaced);
			return h;
		}
	}
	(void)fault_set(f, 0, 0, 0, "the process has ended before it could be looked at");
	return NULL;
}

/* Children that have no handle of their own need the one that is closed. */
static void open_children(struct observing *x, const struct observed *parent)
{
	struct fault f;

	for (size_t i = 0; i < x->at.n; i++) {
		struct observed *o = x->at.at[i];

		if (o->parent == parent && o->now.P == NULL && !o->gone)
			(void)observed_open_pid(x, o, &f);
	}
}

bool observing_sweep(struct observing *x, bool idle)
{
	bool any = false;

	for (size_t i = 0; i < x->at.n; i++) {
		struct observed *o = x->at.at[i];

		if (idle)
			older_handles_sweep(&o->older);
		if (o->gone && o->now.P != NULL && idle) {
			open_children(x, o);
			handle_close(&o->now);
		}
		any |= !o->gone;
		if (o->gone || probe_session_lives(x->session, o->number))
			continue;
		o->gone = o->missed;
		o->missed = true;
	}
	return any;
}

void observing_free(struct observing *x)
{
	for (size_t i = 0; i < x->at.n; i++)
		observed_free(x->at.at[i]);
	vec_free(&x->at);
	addrmap_free(&x->by_number);
	addrmap_free(&x->examined);
	vec_free(&x->unready);
}
