/* See at_operands.h. */
#include "at_operands.h"

#include <ctype.h>
#include <dirent.h>
#include <libproc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "at_find.h"
#include "os/images.h"
#include "probe/probe_exe.h"
#include "stack/stack.h"

struct process {
	uint32_t pid, parent;
	uint32_t began;
};

/* All processes, newest first. */
struct processes {
	VEC(struct process) at;
};

static int by_age(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	if (x->began != y->began)
		return x->began > y->began ? -1 : 1;
	return x->pid > y->pid ? -1 : x->pid < y->pid;
}

static bool list_processes(struct processes *out)
{
	DIR *proc = opendir("/proc");
	const struct dirent *e;
	bool ok = true;

	while (proc != NULL && (e = readdir(proc)) != NULL) {
		struct process one = { .pid = (uint32_t)strtoul(e->d_name, NULL, 10) };
		struct process_stat st;

		if (!isdigit((unsigned char)e->d_name[0]) || one.pid == (uint32_t)getpid() ||
		    !process_stat_read(one.pid, &st))
			continue;
		one.parent = st.parent;
		one.began = st.began;
		ok = ok && vec_push(&out->at, one);
	}
	if (proc != NULL)
		(void)closedir(proc);
	if (out->at.n != 0)
		qsort(out->at.at, out->at.n, sizeof(out->at.at[0]), by_age);
	return ok;
}

static void add_operand(struct operands *x, char *typed)
{
	if (typed == NULL || !vec_push(&x->at, typed)) {
		free(typed);
		x->failed = true;
	}
}

static bool has_operand(const struct operands *x, const char *typed)
{
	for (size_t i = 0; i < x->at.n; i++) {
		if (strcmp(x->at.at[i], typed) == 0)
			return true;
	}
	return false;
}

static void add_pid(struct operands *x, uint32_t pid)
{
	char typed[16];

	(void)snprintf(typed, sizeof(typed), "%u", pid);
	if (!has_operand(x, typed))
		add_operand(x, strdup(typed));
}

/* Is there a Python in the process? likely: it is asked for if one may not look at it. */
static bool has_python(struct operands *x, uint32_t pid, bool likely)
{
	const struct stack_options opt = { .lwps = NULL };
	struct stack_target *t = NULL;
	struct fault f = { 0 };
	struct ps_prochandle *P;
	enum res res = RES_NONE;
	const char *why;
	int code = 0;

	P = Pgrab((pid_t)pid, PGRAB_RDONLY, &code);
	if (P == NULL) {
		x->refused += code == G_PERM && likely;
		return false;
	}
	if (stack_target_prepare(P, &opt, &t, &f) == RES_OK)
		res = stack_python(t, &why);
	else
		x->failed = true;
	stack_target_close(t);
	os_release_images(P);
	Prelease(P, 0);
	return res != RES_NONE;
}

static void add_described(const struct options *opt, const struct processes *all, struct operands *x)
{
	char wanted[PROBE_EXE_MAX] = "";

	(void)snprintf(wanted, sizeof(wanted), "%s", opt->exe != NULL ? opt->exe : "python");
	for (size_t i = 0; i < all->at.n; i++) {
		uint32_t pid = all->at.at[i].pid;
		int is = process_exe_is(pid, wanted);

		if (opt->exe != NULL ? is > 0 : has_python(x, pid, is != 0))
			add_pid(x, pid);
		if (opt->exe != NULL)
			x->refused += is < 0;
	}
}

/* Process pid has been added; add its descendants. */
static void add_descendants(const struct processes *all, uint32_t pid, struct operands *x)
{
	VEC(uint32_t) next = VEC_EMPTY; /* the last is the next */
	size_t steps = 0;

	x->failed |= !vec_push(&next, pid);
	/* Of parents read one after the other some may be each other's. */
	while (next.n > 0 && steps++ <= all->at.n) {
		uint32_t parent = next.at[--next.n];

		if (parent != pid && has_python(x, parent, true))
			add_pid(x, parent);
		for (size_t i = all->at.n; i-- > 0;) {
			if (all->at.at[i].parent == parent && all->at.at[i].pid != pid)
				x->failed |= !vec_push(&next, all->at.at[i].pid);
		}
	}
	vec_free(&next);
}

void operands_find(const struct options *opt, int argc, char **argv, struct operands *out)
{
	struct processes all = { VEC_EMPTY };

	*out = (struct operands){ .failed = !list_processes(&all) };
	if (opt->exe != NULL || opt->all)
		add_described(opt, &all, out);
	for (int i = opt->first; i < argc; i++) {
		const char *name = strncmp(argv[i], "/proc/", 6) == 0 ? argv[i] + 6 : argv[i];
		uint32_t pid = (uint32_t)strtoul(name, NULL, 10);

		/* It may be a descendant of one before it. */
		if (!has_operand(out, argv[i]))
			add_operand(out, strdup(argv[i]));
		if (pid != 0) {
			out->failed |= !vec_push(&out->typed, pid);
			add_descendants(&all, pid, out);
		}
	}
	vec_free(&all.at);
}

void operands_free(struct operands *x)
{
	vec_free(&x->typed);
	for (size_t i = 0; i < x->at.n; i++)
		free(x->at.at[i]);
	vec_free(&x->at);
}
