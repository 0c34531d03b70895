#include "support/observer.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/vec.h"

static const char *why_not; /* the kernel refuses BPF programs */

/* fd: its standard output; below 0: a pipe. */
static struct observer start(const char *const args[], int fd)
{
	struct observer o;
	int out[2], err[2];

	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(pipe(err), 0);
	o.pid = fork();
	ck_assert_int_ge(o.pid, 0);
	if (o.pid == 0) {
		(void)dup2(fd < 0 ? out[1] : fd, STDOUT_FILENO);
		(void)dup2(err[1], STDERR_FILENO);
		(void)close(out[0]);
		(void)close(err[0]);
		(void)execv(spawn_tool(), (char *const *)(uintptr_t)args);
		_exit(127);
	}
	(void)close(out[1]);
	(void)close(err[1]);
	o.out = out[0];
	o.err = err[0];
	return o;
}

/* The first line of its standard error: "attached", or why it is not. */
static void first_line(int fd, char *line, size_t n)
{
	size_t at = 0;

	while (at + 1 < n && read(fd, line + at, 1) == 1 && line[at] != '\n')
		at++;
	line[at] = '\0';
}

static char *read_all(int fd)
{
	VEC(char) text = VEC_EMPTY;
	ssize_t n;

	do {
		ck_assert(vec_reserve(&text, text.n + 65536));
		n = read(fd, text.at + text.n, 65535);
		text.n += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	text.at[text.n] = '\0';
	(void)close(fd);
	return text.at;
}

struct run observer_wait(struct observer *o)
{
	struct run r = { .status = -1 };
	int status;

	r.out = read_all(o->out);
	r.err = read_all(o->err);
	ck_assert_int_eq(waitpid(o->pid, &status, 0), o->pid);
	r.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return r;
}

struct run observer_end(struct observer *o)
{
	ck_assert_int_eq(kill(o->pid, SIGINT), 0);
	return observer_wait(o);
}

const char *observer_why_not(void)
{
	return why_not;
}

bool observer_start(struct observer *o, const char *const args[])
{
	return observer_start_on(o, args, -1);
}

bool observer_start_on(struct observer *o, const char *const args[], int fd)
{
	static const char *const reasons[] = { "built without libbpf", "has no BTF", "no bpf(2)",
		"BPF programs may not be loaded", "initial pid namespace", "no probes of provider python",
		"tracefs" };
	static char line[512];

	*o = start(args, fd);
	first_line(o->err, line, sizeof(line));
	if (strncmp(line, "pystack: attached", 17) == 0)
		return true;
	why_not = line;
	(void)kill(o->pid, SIGKILL);
	(void)waitpid(o->pid, NULL, 0);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strstr(line, reasons[i]) != NULL)
			return false;
	}
	ck_abort_msg("not attached: %s", line);
}

long observer_lost(const char *err, const char *begin)
{
	const char *at;
	long n = 0;

	for (at = err; (at = strstr(at, begin)) != NULL; at += strlen(begin))
		n += strtol(at + strlen(begin), NULL, 10);
	return n;
}

bool observer_name(const char *line, char name[64])
{
	const char *open = strrchr(line, '('), *close = strrchr(line, ')');

	if (strncmp(line, "                [ ", 18) != 0 || open == NULL || close == NULL || close < open)
		return false;
	(void)snprintf(name, 64, "%.*s", (int)(close - open - 1), open + 1);
	return true;
}

long observer_count(const char *text, const char *name)
{
	char *copy = strdup(text), *save = NULL, innermost[64] = "";
	long sum = 0;

	ck_assert_ptr_nonnull(copy);
	for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *end;
		long count = strtol(line, &end, 10);

		if (*end == '\0' && end != line) {
			sum += strcmp(innermost, name) == 0 ? count : 0;
			innermost[0] = '\0';
		} else if (innermost[0] == '\0') {
			(void)observer_name(line, innermost);
		}
	}
	free(copy);
	return sum;
}
