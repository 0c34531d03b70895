/* --all finds a process that loads its libpython after it was looked at. */
#include <check.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "support/observer.h"
#include "support/run_suite.h"

struct program {
	pid_t pid;
	int to, from;
};

static void start(struct program *p, const char *library)
{
	char path[PATH_MAX];
	int in[2], out[2];

	spawn_built("test/programs/late", path);
	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	p->pid = fork();
	if (p->pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)close(in[1]);
		(void)close(out[0]);
		(void)execl(path, path, library, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_gt(p->pid, 0);
	(void)close(in[0]);
	(void)close(out[1]);
	p->to = in[1];
	p->from = out[0];
	fixture_settle(p->pid);
}

static void call(const struct program *p)
{
	char byte = '!';

	ck_assert_int_eq(write(p->to, &byte, 1), 1);
	ck_assert_int_eq(read(p->from, &byte, 1), 1);
}

/* Append what pystack prints within a tenth of a second. */
static void read_more(const struct observer *o, struct strbuf *out)
{
	struct pollfd one = { .fd = o->out, .events = POLLIN };
	char text[4096];
	ssize_t n;

	if (poll(&one, 1, 100) != 1)
		return;
	n = read(o->out, text, sizeof(text));
	if (n > 0)
		strbuf_add(out, text, (size_t)n);
}

START_TEST(loaded_late)
{
	enum { TRIES = 600 };
	struct strbuf text = STRBUF_EMPTY;
	struct program p;
	struct observer o;
	struct run r;
	glob_t found;
	bool seen = false;

	if (glob("/usr/lib/*/libpython3.*.so.1.0", 0, NULL, &found) != 0) {
		(void)printf("SKIP: no libpython is installed\n");
		return;
	}
	start(&p, found.gl_pathv[0]);
	globfree(&found);
	if (observer_start(&o, (const char *const[]){ "pystack", "-v", "-p", "--at", "syscall:rmdir", "--all",
				   "--when", "comm == \"late\"", NULL })) {
		for (int i = 0; !seen && i < TRIES; i++) {
			call(&p);
			read_more(&o, &text);
			seen = strstr(strbuf_text(&text), "(leaf) ]") != NULL;
		}
		r = observer_end(&o);
		ck_assert_msg(seen, "%s%s%s", strbuf_text(&text), r.out, r.err);
		run_free(&r);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	strbuf_free(&text);
	(void)close(p.to);
	ck_assert_int_eq(waitpid(p.pid, NULL, 0), p.pid);
	(void)close(p.from);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libpython loaded late");
	TCase *tcase = tcase_create("late");
	int status;

	if (!spawn_init())
		return EXIT_FAILURE;
	tcase_set_timeout(tcase, 240);
	tcase_add_test(tcase, loaded_late);
	suite_add_tcase(suite, tcase);
	status = run_made_suite(suite);
	spawn_fini();
	return status;
}
