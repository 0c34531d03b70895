/* See at_find.h. */
#include "at_find.h"
#include "warn.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/hash.h"
#include "base/path.h"
#include "os/process_stat.h"
#include "os/same_file.h"
#include "probe/probe_exe.h"

bool process_stat_read(uint32_t pid, struct process_stat *out)
{
	struct os_process_stat st;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	if (!os_process_stat_read(AT_FDCWD, path, &st))
		return false;
	out->parent = (uint32_t)st.parent;
	out->began = (uint32_t)st.began;
	return true;
}

/* Has a process, which may not be looked at, this name, as far as one can tell? */
static bool is_likely(uint32_t pid, const char *wanted)
{
	char path[64], name[PROBE_EXE_MAX] = "";
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	in = fopen(path, "re");
	if (in == NULL)
		return false;
	(void)!fgets(name, sizeof(name), in);
	(void)fclose(in);
	name[strcspn(name, "\n")] = '\0';
	return probe_exe_is(name, wanted);
}

/* One more process may not be looked at. */
static bool refuse_process(struct observing *x, bool likely)
{
	x->refused++;
	x->failed |= likely;
	return false;
}

/* Call add() for each process that is not observed. Returns how many it has added. */
static size_t each_process(
    struct observing *x, bool (*add)(struct observing *x, uint32_t pid, const void *data), const void *data)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;
	size_t n = 0;

	while (proc != NULL && (e = readdir(proc)) != NULL) {
		uint32_t pid = (uint32_t)strtoul(e->d_name, NULL, 10);

		if (isdigit((unsigned char)e->d_name[0]) && !observing_has(x, pid))
			n += add(x, pid, data);
	}
	if (proc != NULL)
		(void)closedir(proc);
	return n;
}

static bool add_child(struct observing *x, uint32_t pid, const void *data)
{
	struct process_stat st;
	enum observing_added added;

	(void)data;
	if (!process_stat_read(pid, &st) || !observing_has(x, st.parent))
		return false;
	added = observing_add_pid(x, pid, false);
	return added == OBSERVING_REFUSED ? refuse_process(x, true) : added == OBSERVING_ADDED;
}

void at_find_children(struct observing *x)
{
	/* A child may precede its parent in the list, or be forked while it is read. */
	do
		observing_update(x);
	while (each_process(x, add_child, NULL) > 0);
}

int process_exe_is(uint32_t pid, const char *wanted)
{
	static const char deleted[] = " (deleted)";
	char link[64], path[PATH_MAX], name[PROBE_EXE_MAX] = "";
	size_t n, cut = sizeof(deleted) - 1;
	ssize_t got;

	(void)snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	got = readlink(link, path, sizeof(path) - 1);
	/* Of one whose executable may not be known, this name is all that is. */
	if (got < 0 && (errno == EACCES || errno == EPERM))
		return is_likely(pid, wanted) ? -1 : 0;
	if (got <= 0)
		return 0;
	n = (size_t)got;
	path[n] = '\0';
	if (n > cut && strcmp(path + n - cut, deleted) == 0)
		path[n - cut] = '\0';
	(void)snprintf(name, sizeof(name), "%.*s", PROBE_EXE_MAX - 1, path_base(path));
	return probe_exe_is(name, wanted);
}

static bool add_named(struct observing *x, uint32_t pid, const void *data)
{
	int is = process_exe_is(pid, data);
	enum observing_added added;

	if (is <= 0)
		return is < 0 && refuse_process(x, true);
	added = observing_add_pid(x, pid, false);
	return added == OBSERVING_REFUSED ? refuse_process(x, true) : added == OBSERVING_ADDED;
}

void at_find_named(struct observing *x, const char *name)
{
	char wanted[PROBE_EXE_MAX] = "";

	(void)snprintf(wanted, sizeof(wanted), "%s", name);
	observing_update(x);
	(void)each_process(x, add_named, wanted);
}

/* What tells a process from others of its pid, and its program from those that it has executed
 * before. */
static uint32_t program_of(uint32_t pid, const struct process_stat *st)
{
	char link[64];
	struct os_file_id exe;

	(void)snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	return os_file_of_link(link, &exe) ? (uint32_t)hash_word(st->began, exe.inode) : st->began;
}

static bool add_python(struct observing *x, uint32_t pid, const void *data)
{
	struct process_stat st;
	enum observing_added added;
	uint32_t before, program;

	if (!process_stat_read(pid, &st))
		return false;
	program = program_of(pid, &st);
	if (addrmap_get(&x->examined, pid, &before) && before == program)
		return false;
	x->failed |= !addrmap_put(&x->examined, pid, program);
	added = observing_add_pid(x, pid, true);
	return added == OBSERVING_REFUSED ? refuse_process(x, is_likely(pid, data))
					  : added == OBSERVING_ADDED;
}

void at_find_pythons(struct observing *x)
{
	static const char python[PROBE_EXE_MAX] = "python";

	observing_update(x);
	(void)each_process(x, add_python, python);
}

/* Look at a process that has mapped Python's code. False: nothing of Python was found. */
static bool look_at_mapped(struct observing *x, uint32_t pid)
{
	enum observing_added added = OBSERVING_ADDED;

	observing_update(x);
	if (!observing_has(x, pid))
		added = observing_add_pid(x, pid, true);
	if (added == OBSERVING_REFUSED)
		(void)refuse_process(x, true);
	return added != OBSERVING_NOT;
}

static bool is_unready(const struct observing *x, uint32_t pid)
{
	for (size_t i = 0; i < x->unready.n; i++) {
		if (x->unready.at[i].pid == pid)
			return true;
	}
	return false;
}

/* The code of a library is mapped before its data, without which nothing is found. So it is looked
 * at again, after pauses that double, until the process ends. */
void at_find_mapped(struct observing *x)
{
	enum { PAUSE_NS = 10000000 };
	uint32_t pid;

	while (probe_session_python(x->session, &pid)) {
		struct unready one = { pid, clock_now_ns() + PAUSE_NS, PAUSE_NS };

		/* A process may map the file any number of times. */
		if (!look_at_mapped(x, pid) && !is_unready(x, pid))
			x->failed |= !vec_push(&x->unready, one);
	}
	for (size_t i = x->unready.n; i-- > 0;) {
		struct unready *u = &x->unready.at[i];
		struct process_stat st;

		if (clock_now_ns() < u->due)
			continue;
		if (!process_stat_read(u->pid, &st) || look_at_mapped(x, u->pid)) {
			*u = x->unready.at[--x->unready.n];
			continue;
		}
		u->pause *= 2;
		u->due = clock_now_ns() + u->pause;
	}
}

void at_find_refused(struct observing *x, const char *option)
{
	if (x->refused == 0)
		return;
	warn_line("%s: %zu process%s may not be examined: permission denied", option, x->refused,
	    x->refused == 1 ? "" : "es");
	x->refused = 0;
}

/* Append the name of the executable of the first process that has the name `wanted`, if that is
 * another one: a link to it was executed. */
static void put_likely(struct strbuf *out, const char *wanted)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;

	while (proc != NULL && out->n == 0 && (e = readdir(proc)) != NULL) {
		uint32_t pid = (uint32_t)strtoul(e->d_name, NULL, 10);
		char link[64], path[PATH_MAX];
		ssize_t n;

		(void)snprintf(link, sizeof(link), "/proc/%u/exe", pid);
		if (!isdigit((unsigned char)e->d_name[0]) || !is_likely(pid, wanted) ||
		    (n = readlink(link, path, sizeof(path) - 1)) <= 0)
			continue;
		path[n] = '\0';
		strbuf_fmt(out, "; that of process %u is ", pid);
		escape_text(out, path_base(path), strlen(path_base(path)), false);
	}
	if (proc != NULL)
		(void)closedir(proc);
}

void at_find_none(const struct observing *x, const char *name)
{
	struct strbuf likely = STRBUF_EMPTY;
	char wanted[PROBE_EXE_MAX] = "";

	if (x->at.n != 0)
		return;
	(void)snprintf(wanted, sizeof(wanted), "%s", name);
	put_likely(&likely, wanted);
	warn_line("--exe: no process has this executable yet%s", strbuf_text(&likely));
	strbuf_free(&likely);
}
