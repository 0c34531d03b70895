/* A file system that does not answer: a user-space file system with a stopped server, which holds a
 * library of the target. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/live.h"
#include "support/oracle.h"

enum { SECONDS = 30 }; /* until a look that never ends is given up */

static const char python[] = "/usr/bin/python3";

struct scene {
	char folder[64], source[96], point[96], library[128];
	pid_t server, target;
};

/* Start argv, and wait for a byte of its output. 0: it ended without one. */
static pid_t start(const char *const argv[])
{
	char **args = (char **)(uintptr_t)argv;
	int ends[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)execv(args[0], args);
		_exit(127);
	}
	(void)close(ends[1]);
	if (read(ends[0], &byte, 1) != 1) {
		(void)waitpid(pid, NULL, 0);
		pid = 0;
	}
	(void)close(ends[0]);
	return pid;
}

static void finish(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGKILL);
	(void)waitpid(*pid, NULL, 0);
	*pid = 0;
}

/* Why there can be no such scene here; NULL: there can. */
static const char *missing(void)
{
	if (geteuid() != 0)
		return "to mount a file system needs root";
	if (access("/dev/fuse", R_OK | W_OK) != 0)
		return "no /dev/fuse here";
	if (access(python, X_OK) != 0)
		return "no /usr/bin/python3";
	if (system("/usr/bin/python3 -c 'import fusepy' >/dev/null 2>&1") != 0)
		return "python3-fusepy or libfuse2 is not installed";
	return NULL;
}

/* Mount it in a mount namespace of this test, so that nothing stays mounted. False: a message was
 * printed. */
static bool mount_it(struct scene *s)
{
	char program[PATH_MAX], built[PATH_MAX], command[3 * PATH_MAX];
	const char *why = missing();

	if (why == NULL &&
	    (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0))
		why = "no mount namespace can be made here";
	if (why != NULL) {
		printf("SKIP: %s\n", why);
		return false;
	}
	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/pystack-silent-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->folder));
	(void)snprintf(s->source, sizeof(s->source), "%s/source", s->folder);
	(void)snprintf(s->point, sizeof(s->point), "%s/mounted", s->folder);
	(void)snprintf(s->library, sizeof(s->library), "%s/libsilent.so", s->point);
	ck_assert_int_eq(mkdir(s->source, 0700), 0);
	ck_assert_int_eq(mkdir(s->point, 0700), 0);
	spawn_built("test/programs/libsilent.so", built);
	(void)snprintf(command, sizeof(command), "cp %s %s/", built, s->source);
	ck_assert_int_eq(system(command), 0);
	(void)snprintf(program, sizeof(program), "%s/pass_through.py", spawn_programs());
	s->server = start(ARGS(python, program, s->source, s->point));
	if (s->server == 0)
		printf("SKIP: no file system in user space can be mounted here\n");
	return s->server != 0;
}

static void stop_server(const struct scene *s)
{
	int status;

	ck_assert_int_eq(kill(s->server, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(s->server, &status, WUNTRACED), s->server);
	ck_assert(WIFSTOPPED(status));
}

static void take_down(struct scene *s)
{
	char command[128];

	if (s->folder[0] == 0)
		return;
	finish(&s->target);
	finish(&s->server);
	(void)umount2(s->point, MNT_DETACH);
	(void)snprintf(command, sizeof(command), "rm -rf %s", s->folder);
	(void)system(command);
}

static struct run look(const char *const args[])
{
	const struct run_options opt = { .timeout = SECONDS };

	return run_tool(&opt, args);
}

static void has(const struct run *r, const char *text)
{
	ck_assert_msg(strstr(r->out, text) != NULL, "no %s in\n%s%s", text, r->out, r->err);
}

/* What the output must contain when the file system does not answer. */
static void check_without(const struct run *r, const struct scene *s)
{
	ck_assert_msg(r->status == 1, "status %d\n%s%s", r->status, r->out, r->err);
	has(r, "(other) ]");
	has(r, "(inside) ]");
	/* Without its code there may be no way to that frame: then this is marked. */
	if (strstr(r->out, "(unwind gap)") == NULL)
		has(r, "libsilent.so`");
	has(r, "Py_BytesMain");
	/* One line, which names it. */
	ck_assert_ptr_nonnull(strstr(r->err, s->point));
	ck_assert_ptr_nonnull(strstr(r->err, "has not answered"));
	ck_assert_ptr_eq(strchr(r->err, '\n'), strrchr(r->err, '\n'));
	ck_assert_ptr_null(strstr(r->out, "not_exported"));
}

static void check_with(const struct run *r)
{
	ck_assert_msg(r->status == 0, "status %d\n%s%s", r->status, r->out, r->err);
	ck_assert_str_eq(r->err, "");
	ck_assert_ptr_nonnull(strstr(r->out, "libsilent.so`not_exported"));
}

/* Reads of the library fail: a message says that its names are missing. */
static void look_at_broken(const struct scene *s, const char *pid)
{
	char broken[128], cannot[160];
	struct run r;
	int fd;

	(void)snprintf(broken, sizeof(broken), "%s/broken", s->source);
	(void)snprintf(cannot, sizeof(cannot), "cannot open %s: Input/output error", s->library);
	fd = open(broken, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	r = look(ARGS(pid));
	ck_assert_msg(r.status == 1, "status %d\n%s%s", r.status, r.out, r.err);
	ck_assert_msg(strstr(r.err, cannot) != NULL, "%s", r.err);
	ck_assert_ptr_null(strstr(r.out, "not_exported"));
	run_free(&r);
	ck_assert_int_eq(unlink(broken), 0);
}

/* A core made by gdb. False: there is none, and a message was printed. */
static bool save_core(const struct scene *s, const char *pid, char path[PATH_MAX])
{
	char command[PATH_MAX];

	(void)snprintf(path, PATH_MAX, "%s/core.%s", s->folder, pid);
	(void)snprintf(command, sizeof(command), "gcore -o %s/core %s >/dev/null 2>&1", s->folder, pid);
	(void)system(command);
	if (access(path, R_OK) == 0)
		return true;
	printf("SKIP: gcore makes no core here\n");
	return false;
}

/* A core with the library's path, and a core whose executable is given by a path in the file
 * system. */
static void look_at_core(const struct scene *s, const char *core)
{
	struct run r = look(ARGS(core));

	ck_assert_msg(r.status == 1, "status %d\n%s%s", r.status, r.out, r.err);
	has(&r, "(inside) ]");
	has(&r, "(other) ]");
	ck_assert_ptr_nonnull(strstr(r.err, s->point));
	ck_assert_ptr_nonnull(strstr(r.err, "has not answered"));
	run_free(&r);
	r = look(ARGS("-e", s->library, core));
	ck_assert_msg(r.status == 2, "status %d\n%s%s", r.status, r.out, r.err);
	run_free(&r);
}

/* A core in the file system is read if it answers. */
static void look_at_near_core(const struct scene *s, const char *core)
{
	char command[3 * PATH_MAX], path[PATH_MAX];
	struct run r;

	if (core[0] == 0)
		return;
	(void)snprintf(command, sizeof(command), "cp %s %s/core", core, s->source);
	ck_assert_int_eq(system(command), 0);
	(void)snprintf(path, sizeof(path), "%s/core", s->point);
	r = look(ARGS(path));
	check_with(&r);
	run_free(&r);
}

/* Nothing can be printed: one line says so, in time. */
static void look_in_vain(const char *const args[])
{
	struct run r = look(args);

	ck_assert_msg(r.status == 2, "status %d\n%s%s", r.status, r.out, r.err);
	ck_assert_str_eq(r.out, "");
	ck_assert_msg(strstr(r.err, "file system does not answer") != NULL, "%s", r.err);
	ck_assert_ptr_eq(strchr(r.err, '\n'), strrchr(r.err, '\n'));
	run_free(&r);
}

/* A core in the file system itself, and a --sysroot in it. */
static void look_below(const struct scene *s, const char *core)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/core", s->point);
	look_in_vain(ARGS(path));
	(void)strcat(path, "/1-3");
	look_in_vain(ARGS(path));
	look_in_vain(ARGS("--sysroot", s->point, core));
}

/* Probes are put into a library that is elsewhere. Only that this comes to an end is asked for: there
 * may be no probes here. */
static void probe_elsewhere(const char *pid)
{
	static const char *const probes[] = { "uprobe:libc.so.6:rmdir", "uprobe:libno-such.so:f" };

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		struct run r = look(ARGS("-c", "--at", probes[i], "-d", "1ms", pid));

		ck_assert_msg(r.status <= 2, "%s: %d: %s", probes[i], r.status, r.err);
		run_free(&r);
	}
}

static const char *const ways[] = { NULL, "--no-stop", "--stop", "-mfp" };

/* 1: its pages must be read from the file system. */
START_TEST(library)
{
	struct scene s = { .folder = "" };
	char program[PATH_MAX], pid[16], core[PATH_MAX] = "";
	struct run r;

	if (!mount_it(&s)) {
		take_down(&s);
		return;
	}
	(void)snprintf(program, sizeof(program), "%s/silent.py", spawn_programs());
	s.target = start(ARGS(python, program, s.library));
	ck_assert_int_gt(s.target, 0);
	fixture_settle(s.target);
	(void)snprintf(pid, sizeof(pid), "%d", (int)s.target);
	if (_i == 0) {
		r = look(ARGS(pid)); /* it answers: like a local one */
		check_with(&r);
		run_free(&r);
		look_at_broken(&s, pid);
		if (!save_core(&s, pid, core))
			core[0] = 0;
	}
	if (_i == 1) /* a file that is opened again is read again, also where it is mapped */
		(void)close(open(s.library, O_RDONLY | O_CLOEXEC));
	stop_server(&s);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		r = ways[i] == NULL ? look(ARGS(pid)) : look(ARGS(ways[i], pid));
		check_without(&r, &s);
		run_free(&r);
	}
	if (core[0] != 0)
		look_at_core(&s, core);
	look_below(&s, core[0] != 0 ? core : "/nowhere");
	probe_elsewhere(pid);
	r = look(ARGS("-p", pid));
	ck_assert_ptr_nonnull(strstr(r.out, "(inside) ]"));
	if (_i == 0) {
		ck_assert_int_eq(r.status, 0);
		ck_assert_str_eq(r.err, "");
	}
	run_free(&r);
	ck_assert_int_eq(kill(s.server, SIGCONT), 0);
	r = look(ARGS(pid));
	check_with(&r);
	run_free(&r);
	look_at_near_core(&s, core);
	oracle_judge(oracle_process(s.target));
	take_down(&s);
}
END_TEST

static Suite *silent_suite(void)
{
	Suite *suite = suite_create("live_silent");
	TCase *tcase = tcase_create("silent");

	tcase_set_timeout(tcase, 6 * SECONDS);
	tcase_add_loop_test(tcase, library, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return live_main(silent_suite);
}
