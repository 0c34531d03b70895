/* Fixtures: a pipe in each direction, a directory, and bounded waits for the ready byte and for
 * every thread to sleep.
 *
 * Below another root the whole machine is bound to /media, in a mount namespace of the child. The
 * test programs, the temporary directory and even our own tool can be reached there:
 *
 *      machine               the target's view
 *      ROOT/usr/bin/...      /usr/bin/...
 *      /srv/x                /media/srv/x */
#include "support/spawn.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/oracle.h"
#include "support/spawn_files.h"

enum { ARGS_MAX = 32, READY_MS = 150000 };

void fixture_path(const struct interpreter *in, const char *path, char *out, size_t size)
{
	(void)snprintf(out, size, "%s%s", in != NULL && in->root[0] != 0 ? "/media" : "", path);
}

/* In the child: enter a mount namespace of its own (and other namespaces in flags), from which no
 * mount escapes. */
static bool enter_mounts(int flags)
{
	return unshare(CLONE_NEWNS | flags) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

const char *spawn_no_mounts(void)
{
	int status = 0;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(enter_mounts(0) ? 0 : errno);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return "no process could be started";
	switch (WEXITSTATUS(status)) {
	case 0:
		return NULL;
	case EINVAL:
		return "the root here is no mount point, as in a plain chroot (`mount --bind DIR DIR` first)";
	default:
		return strerror(WEXITSTATUS(status));
	}
}

/* In the child: enter the root with its view of the machine. */
void spawn_enter(const struct interpreter *in)
{
	char at[PATH_MAX];

	if (in == NULL || in->root[0] == 0)
		return;
	if (!enter_mounts(0))
		_exit(125);
	(void)snprintf(at, sizeof(at), "%s/proc", in->root);
	if (mount("proc", at, "proc", 0, NULL) != 0)
		_exit(125);
	(void)snprintf(at, sizeof(at), "%s/media", in->root);
	if (mount("/", at, NULL, MS_BIND | MS_REC, NULL) != 0 || chroot(in->root) != 0 || chdir("/") != 0)
		_exit(125);
}

static void put_env(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0)
		_exit(126);
}

/* In the child: continue as the first process of a new pid namespace. This process waits for it and
 * dies with us. */
static void enter_pids(void)
{
	pid_t pid;

	if (!enter_mounts(CLONE_NEWPID))
		_exit(125);
	pid = fork();
	if (pid < 0)
		_exit(125);
	if (pid > 0) {
		(void)waitpid(pid, NULL, 0);
		_exit(0);
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (mount("proc", "/proc", "proc", 0, NULL) != 0)
		_exit(125);
}

/* The one child of pid. */
static pid_t child_of(pid_t pid)
{
	char path[64], text[64] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	ck_assert(spawn_head(path, text, sizeof(text)));
	return (pid_t)strtol(text, NULL, 10);
}

/* If Python 2 needs another source, it is in the directory python2. */
static void program_path(
    const struct interpreter *in, const char *programs, const char *name, char out[2 * PATH_MAX])
{
	(void)snprintf(out, 2 * PATH_MAX, "%s/python2/%s", programs, name);
	if (in->major > 2 || access(out, R_OK) != 0)
		(void)snprintf(out, 2 * PATH_MAX, "%s/%s", programs, name);
}

static void child(const struct fixture *f, const struct fixture_options *opt, const char *const args[],
    int in_fd, int out_fd)
{
	char programs[PATH_MAX], dir[PATH_MAX], text[64], *argv[ARGS_MAX];
	struct rlimit core = { RLIM_INFINITY, RLIM_INFINITY };
	size_t n = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setrlimit(RLIMIT_CORE, &core);
	if (opt->stdin_file != NULL) {
		int fd;

		(void)snprintf(programs, sizeof(programs), "%s/%s", spawn_programs(), opt->stdin_file);
		fd = open(programs, O_RDONLY);
		if (fd < 0 || dup2(fd, 0) < 0)
			_exit(126);
	}
	if (opt->pid_namespace)
		enter_pids();
	spawn_enter(f->in);
	if (opt->mnt != NULL && (!enter_mounts(0) || mount(opt->mnt, "/mnt", NULL, MS_BIND, NULL) != 0))
		_exit(125);
	fixture_path(f->in, spawn_programs(), programs, sizeof(programs));
	fixture_path(f->in, f->dir, dir, sizeof(dir));
	if (chdir(dir) != 0)
		_exit(126);
	(void)snprintf(text, sizeof(text), "%d,%d", in_fd, out_fd);
	put_env("PYSTACK_TEST_FDS", text);
	put_env("PYTHONPATH", programs);
	put_env("PYTHONDONTWRITEBYTECODE", "1");
	put_env("LC_ALL", "C.UTF-8");
	if (opt->alone)
		put_env("PYSTACK_TEST_ALONE", "1");
	if (opt->library_path != NULL)
		put_env("LD_LIBRARY_PATH", opt->library_path);
	argv[n++] = strdup(opt->executable != NULL ? opt->executable : f->in->path);
	for (size_t i = 0; args[i] != NULL && n < ARGS_MAX - 1; i++) {
		char arg[2 * PATH_MAX];

		if (strcmp(args[i], "%") == 0)
			(void)snprintf(arg, sizeof(arg), "%s/truth", dir);
		else if (args[i][0] == '@')
			program_path(f->in, programs, args[i] + 1, arg);
		else
			(void)snprintf(arg, sizeof(arg), "%s", args[i]);
		argv[n++] = strdup(arg);
	}
	argv[n] = NULL;
	(void)execv(argv[0], argv);
	_exit(127);
}

static char wait_byte(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte = 0;

	if (poll(&p, 1, READY_MS) != 1 || read(fd, &byte, 1) != 1)
		return 0;
	return byte;
}

/* Do all tasks sleep? The syscall file says "running" for a thread that is on a CPU or ready to
 * run. *ran: a number that changes when a thread runs. */
static bool tasks_sleep(pid_t pid, uint64_t *ran)
{
	char path[64], text[64];
	struct dirent *entry;
	bool sleeping = true;
	DIR *tasks;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	*ran = 0;
	if (tasks == NULL)
		return true;
	while (sleeping && (entry = readdir(tasks)) != NULL) {
		char file[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(file, sizeof(file), "%s/%s/syscall", path, entry->d_name);
		sleeping = !spawn_head(file, text, sizeof(text)) || strncmp(text, "running", 7) != 0;
		(void)snprintf(file, sizeof(file), "%s/%s/schedstat", path, entry->d_name);
		if (spawn_head(file, text, sizeof(text)))
			*ran += strtoull(text, NULL, 10);
	}
	(void)closedir(tasks);
	return sleeping;
}

void fixture_settle(pid_t pid)
{
	enum { QUIET = 4, QUIET_MS = 200 };
	uint64_t ran, before = 0;

	/* A thread that slept when it was checked may have been woken by one that was checked
	 * later. Some threads wake from time to time, so several quiet rounds suffice. */
	for (int ms = 0, quiet = 0; quiet < QUIET; ms++) {
		bool sleep = tasks_sleep(pid, &ran);

		quiet = sleep && (ran == before || ms > QUIET_MS) ? quiet + 1 : 0;
		before = ran;
		if (ms > READY_MS / 2)
			ck_abort_msg("process %d does not come to rest", (int)pid);
		(void)poll(NULL, 0, 1);
	}
}

void fixture_start(struct fixture *f, const struct interpreter *in, const struct fixture_options *opt,
    const char *const args[])
{
	static const struct fixture_options none = { .alone = false };
	int to[2], from[2], status = 0;

	if (opt == NULL)
		opt = &none;
	memset(f, 0, sizeof(*f));
	f->in = in;
	(void)snprintf(f->dir, sizeof(f->dir), "%s/XXXXXX", spawn_folder());
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	ck_assert_int_eq(pipe(to), 0);
	ck_assert_int_eq(pipe(from), 0);
	(void)fcntl(to[1], F_SETFD, FD_CLOEXEC);
	(void)fcntl(from[0], F_SETFD, FD_CLOEXEC);
	(void)fflush(NULL);
	f->pid = fork();
	ck_assert_int_ge(f->pid, 0);
	if (f->pid == 0)
		child(f, opt, args, to[0], from[1]);
	(void)close(to[0]);
	(void)close(from[1]);
	f->to = to[1];
	f->from = from[0];
	if (wait_byte(f->from) != '!') {
		(void)kill(f->pid, SIGKILL);
		(void)waitpid(f->pid, &status, 0);
		if (opt->may_abort && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) {
			(void)close(f->to);
			(void)close(f->from);
			f->pid = 0;
			return;
		}
		ck_abort_msg("%s: fixture %s never became ready, ended with status %#x (spawn.c: 0x7d00 no "
			     "namespace, 0x7e00 no file, 0x7f00 not started)",
		    in->label, args[0], (unsigned)status);
	}
	if (opt->pid_namespace) {
		f->init = f->pid;
		f->pid = child_of(f->init);
	}
	if (!opt->no_rest)
		fixture_settle(f->pid);
}

void fixture_echo(struct fixture *f)
{
	ck_assert_int_eq(write(f->to, "x", 1), 1);
	ck_assert_int_eq(wait_byte(f->from), 'x');
}

bool fixture_core(struct fixture *f, int sig, char core[PATH_MAX], const char **why)
{
	char pattern[256] = "", below[PATH_MAX];
	struct dirent *entry;
	int status = 0;
	DIR *dir;

	if (!spawn_head("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern)) ||
	    strncmp(pattern, "core", 4) != 0) {
		*why = "/proc/sys/kernel/core_pattern is not a plain core";
		return false;
	}
	if (sig != 0)
		(void)kill(f->pid, sig);
	ck_assert_int_eq(waitpid(f->pid, &status, 0), f->pid);
	oracle_replaced(f->pid);
	f->pid = 0;
	ck_assert_msg(WIFSIGNALED(status), "fixture ended with status %#x", (unsigned)status);
	*why = "the kernel wrote no core here";
	dir = WCOREDUMP(status) ? opendir(f->dir) : NULL;
	if (dir == NULL)
		return false;
	core[0] = 0;
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "core", 4) == 0)
			(void)snprintf(core, PATH_MAX, "%s/%s", f->dir, entry->d_name);
	}
	(void)closedir(dir);
	if (core[0] != 0) {
		fixture_path(f->in, core, below, sizeof(below));
		oracle_judge(oracle_core(&(struct run_options){ .in = f->in, .cwd = f->dir }, below, NULL));
	}
	return core[0] != 0;
}

void fixture_end(struct fixture *f)
{
	char *differs = f->pid > 0 ? oracle_process(f->pid) : NULL;

	if (f->pid > 0) {
		(void)kill(f->pid, SIGKILL);
		(void)waitpid(f->init != 0 ? f->init : f->pid, NULL, 0);
	}
	f->pid = 0;
	(void)close(f->to);
	(void)close(f->from);
	spawn_remove(f->dir);
	oracle_judge(differs);
}

char process_state(pid_t pid)
{
	char path[64], text[512];
	const char *paren;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!spawn_head(path, text, sizeof(text)))
		return '-';
	paren = strrchr(text, ')');
	return paren == NULL || paren[1] == 0 ? '?' : paren[2];
}
