/* Running a program to its end and keeping its output; the temporary directory of a test
 * program. */
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fileio.h"
#include "support/json_lines.h"
#include "support/oracle.h"
#include "support/spawn.h"
#include "support/spawn_files.h"

enum { ARGS_MAX = 32, OUTPUT_MAX = 64 << 20 };

/* The only state of a test program: its paths. */
static struct {
	char folder[200], tool[PATH_MAX], programs[PATH_MAX];
} place;

const char *spawn_folder(void)
{
	return place.folder;
}

const char *spawn_tool(void)
{
	return place.tool;
}

const char *spawn_programs(void)
{
	return place.programs;
}

bool spawn_init(void)
{
	const char *tmp = getenv("TMPDIR");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0 || realpath("test/programs", place.programs) == NULL) {
		(void)puts("tests run in the top folder of the project");
		return false;
	}
	self[n] = 0;
	/* O/test/live/NAME_test -> O/pystack */
	for (int i = 0; i < 3 && strrchr(self, '/') != NULL; i++)
		*strrchr(self, '/') = 0;
	if (snprintf(place.tool, sizeof(place.tool), "%s/pystack", self) >= (int)sizeof(place.tool) ||
	    access(place.tool, X_OK) != 0) {
		(void)printf("no %s\n", place.tool);
		return false;
	}
	(void)snprintf(
	    place.folder, sizeof(place.folder), "%.150s/pystack-test-XXXXXX", tmp == NULL ? "/tmp" : tmp);
	return mkdtemp(place.folder) != NULL && oracle_init(self);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	(void)remove(path);
	return 0;
}

void spawn_remove(const char *path)
{
	if (strncmp(path, place.folder, strlen(place.folder)) == 0 && place.folder[0] != 0)
		(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void spawn_fini(void)
{
	spawn_remove(place.folder);
}

bool spawn_head(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, out, size - 1);
	(void)close(fd);
	if (n < 0)
		return false;
	out[n] = 0;
	return true;
}

/* Below another root the machine's programs run by the machine's dynamic linker and libraries. */
static void exec_below(const char *const argv[])
{
	static const char linker[] = "/media/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
	static const char libraries[] = "/media/lib/x86_64-linux-gnu:/media/usr/lib/x86_64-linux-gnu";
	const char *args[ARGS_MAX + 4] = { linker, "--library-path", libraries };
	char path[PATH_MAX];
	size_t n = 3;

	(void)snprintf(path, sizeof(path), "/media%s%s", argv[0][0] == '/' ? "" : "/usr/bin/", argv[0]);
	args[n++] = path;
	for (size_t i = 1; argv[i] != NULL && n < ARGS_MAX; i++)
		args[n++] = argv[i];
	(void)execv(linker, (char *const *)(uintptr_t)args);
}

/* Enter the mount namespace and root of pid, where files have the names in its maps. */
static void enter_beside(pid_t pid)
{
	char path[64];
	int ns, root;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (setns(ns, CLONE_NEWNS) != 0 || fchdir(root) != 0 || chroot(".") != 0)
		_exit(125);
}

static void run_child(const struct run_options *opt, const char *const argv[], int out, int err)
{
	int null = open("/dev/null", O_RDONLY);
	char cwd[PATH_MAX];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	if (opt->beside != 0 && opt->in->root[0] != 0)
		enter_beside(opt->beside);
	else
		spawn_enter(opt->in);
	if (opt->cwd != NULL) {
		fixture_path(opt->in, opt->cwd, cwd, sizeof(cwd));
		if (chdir(cwd) != 0)
			_exit(126);
	}
	if (opt->in != NULL && opt->in->root[0] != 0 && !opt->own)
		exec_below(argv);
	else
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static char *whole(int fd)
{
	struct stat st;
	char *text;
	size_t n;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_lt(st.st_size, OUTPUT_MAX);
	n = (size_t)st.st_size;
	text = malloc(n + 1);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(fileio_pread(fd, text, n, 0), (ssize_t)n);
	text[n] = 0;
	(void)close(fd);
	return text;
}

static int temporary(void)
{
	char name[PATH_MAX];
	int fd;

	(void)snprintf(name, sizeof(name), "%s/outXXXXXX", place.folder);
	fd = mkostemp(name, O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	(void)unlink(name);
	return fd;
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct run run_program(const struct run_options *opt, const char *const argv[])
{
	static const struct run_options none = { .cwd = NULL };
	int out = temporary(), err = temporary(), status = 0, pidfd;
	struct run r = { .status = -1 };
	double start = now();
	struct pollfd p;
	pid_t pid;

	if (opt == NULL)
		opt = &none;
	(void)fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		run_child(opt, argv, out, err);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	ck_assert_int_ge(pidfd, 0);
	p = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	if (poll(&p, 1, (opt->timeout == 0 ? 300 : opt->timeout) * 1000) != 1)
		(void)kill(pid, SIGKILL);
	else
		r.status = 0;
	(void)close(pidfd);
	(void)waitpid(pid, &status, 0);
	r.seconds = now() - start;
	if (r.status == 0)
		r.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	r.out = whole(out);
	r.err = whole(err);
	return r;
}

void run_free(struct run *r)
{
	free(r->out);
	free(r->err);
	r->out = r->err = NULL;
}

struct run run_tool(const struct run_options *opt, const char *const args[])
{
	const char *argv[ARGS_MAX] = { place.tool };
	struct run r;

	for (size_t i = 0; args[i] != NULL && i + 2 < ARGS_MAX; i++)
		argv[i + 1] = args[i];
	r = run_program(opt, argv);
	if (r.status == 0 || r.status == 1)
		oracle_shown(opt, args);
	json_lines_shown(opt, args, &r);
	return r;
}
