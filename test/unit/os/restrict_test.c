/* What a restricted process may do. Each act is tried by a child that restricts itself first. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/restrict.h"
#include "support/run_suite.h"

static const struct os_needs live = { 0 }, cores = { .files = true }, observing = { .probes = true },
			     fetching = { .network = true, .libraries = true },
			     starting = { .probes = true, .command = true }, loading = { .libraries = true };

/* The errno of a call, 0 if it succeeds; 128 + signal if that ends the child. */
static int outcome_in(const struct os_needs *needs, const char *dir, long (*act)(void))
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)signal(SIGTERM, SIG_DFL); /* libcheck's would end the test */
		os_restrict(needs, dir);
		errno = 0;
		_exit(act() < 0 ? errno : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int outcome(const struct os_needs *needs, long (*act)(void))
{
	return outcome_in(needs, NULL, act);
}

enum { ENDED = 128 + SIGSYS };

static const struct os_needs *const all[] = { &live, &cores, &observing, &fetching };
enum { ALL = sizeof(all) / sizeof(all[0]) };

/* Under a sanitizer, or without seccomp, nothing is restricted. */
static long run_program(void)
{
	char *const none[] = { NULL };

	return execve("/bin/true", none, none);
}

static bool is_restricted(void)
{
	if (outcome(&live, run_program) == ENDED)
		return true;
	(void)puts("SKIP: under a sanitizer, or without seccomp, nothing is restricted");
	return false;
}

/* --- what a run takes --- */

static void *nothing(void *data)
{
	return data;
}

static long start_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, nothing, NULL);

	return error == 0 ? pthread_join(thread, NULL) : -1;
}

static long read_files(void)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC };
	char byte;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &byte, 1) != 1 || lseek(fd, 0, SEEK_SET) != 0)
		return -1;
	return syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
}

static long read_process(void)
{
	char from[8] = "memory", to[8];
	const struct iovec remote = { from, sizeof(from) }, local = { to, sizeof(to) };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)sizeof(to) ? 0 : -1;
}

/* A child that does nothing until it is killed, or this process ends. */
static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)sleep(1);
	}
	return pid;
}

static long work_in_child(void)
{
	pid_t pid = start_child();

	return pid > 0 && kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static long trace_child(void)
{
	pid_t pid = start_child();
	int status;

	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 || waitpid(pid, &status, 0) != pid ||
	    ptrace(PTRACE_DETACH, pid, NULL, NULL) != 0)
		return -1;
	return kill(pid, SIGKILL);
}

static long take_memory(void)
{
	void *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? -1 : mprotect(at, 4096, PROT_READ);
}

static long make_temporary(void)
{
	char path[] = "/tmp/restrict-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, "x", 1) != 1)
		return -1;
	return unlink(path);
}

static long read_limits(void)
{
	struct rlimit now;

	return prlimit(getppid(), RLIMIT_NOFILE, NULL, &now) == 0 ? getrlimit(RLIMIT_CORE, &now) : -1;
}

static long raise_signal(void)
{
	(void)signal(SIGUSR1, SIG_IGN);
	return raise(SIGUSR1);
}

START_TEST(what_a_run_takes)
{
	long (*const acts[])(void) = { start_thread, read_files, read_process, work_in_child, trace_child,
		take_memory, make_temporary, read_limits, raise_signal };

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		ck_assert_msg(outcome(&live, acts[i]) == 0, "%zu: %d", i, outcome(&live, acts[i]));
		ck_assert_msg(outcome(&observing, acts[i]) == 0, "%zu: %d", i, outcome(&observing, acts[i]));
	}
}
END_TEST

/* --- what ends it --- */

static long become_other(void)
{
	return setuid(65534);
}

static long write_to_process(void)
{
	char byte = 1;
	const struct iovec it = { &byte, 1 };

	return process_vm_writev(getpid(), &it, 1, &it, 1, 0);
}

static long change_traced(void)
{
	return ptrace(PTRACE_POKEDATA, getppid(), NULL, NULL);
}

static long attach_traced(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long signal_other(void)
{
	return kill(getppid(), SIGCONT);
}

static long signal_thread(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), SIGCONT);
}

static long mount_files(void)
{
	return mount("none", "/nowhere", "tmpfs", 0, NULL);
}

static long leave_namespace(void)
{
	return unshare(CLONE_NEWNS);
}

static long fork_namespace(void)
{
	return syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, NULL, NULL, NULL, NULL);
}

static long make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1
													 : 0;
}

static long type_on_terminal(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static long limit_other(void)
{
	const struct rlimit none = { 0, 0 };

	return prlimit(getppid(), RLIMIT_MEMLOCK, &none, NULL);
}

static long load_module(void)
{
	return syscall(SYS_init_module, NULL, 0, NULL);
}

static long run_bpf(void)
{
	return syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, NULL, 0);
}

START_TEST(what_ends_it)
{
	long (*const acts[])(void) = { run_program, become_other, write_to_process, mount_files,
		leave_namespace, fork_namespace, type_on_terminal, load_module };
	/* To trace at all fails where only files are read. */
	long (*const tracing[])(void) = { change_traced, attach_traced };

	if (!is_restricted())
		return;
	for (size_t k = 0; k < ALL; k++) {
		for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
			ck_assert_msg(outcome(all[k], acts[i]) == ENDED, "%zu, %zu: %d", k, i,
			    outcome(all[k], acts[i]));
	}
	for (size_t i = 0; i < sizeof(tracing) / sizeof(tracing[0]); i++) {
		ck_assert_int_eq(outcome(&live, tracing[i]), ENDED);
		ck_assert_int_eq(outcome(&cores, tracing[i]), EPERM);
	}
}
END_TEST

/* --- what fails --- */

static long connect_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long write_file(void)
{
	return open("/dev/null", O_RDWR);
}

static long ask_options(void)
{
	return prctl(PR_SET_DUMPABLE, 1);
}

/* The same number as a call of x32. */
static long call_x32(void)
{
	return syscall(0x40000000 | SYS_getpid);
}

static long end_command(void)
{
	pid_t pid = start_child();

	return pid > 0 && kill(pid, SIGTERM) == 0 && waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

/* What a library may call by itself, and go on without. */
static long ask_keys(void)
{
	return syscall(SYS_keyctl, 0, -1, 0);
}

static long signal_by_tkill(void)
{
	return syscall(SYS_tkill, getpid(), SIGCONT);
}

static long use_other_system(void)
{
	return syscall(SYS_personality, 0xffffffff);
}

static long signal_by_descriptor(void)
{
	return syscall(424, -1, 0, NULL, 0);
}

static long open_mount(void)
{
	return syscall(430, "tmpfs", 0);
}

static long add_code(void)
{
	static char at[8192] __attribute__((aligned(4096)));

	return mprotect(at, 4096, PROT_READ | PROT_EXEC);
}

static long abort_in_child(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		abort();
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	errno = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return errno == SIGSYS || errno == 0 ? -1 : 0;
}

static const struct {
	long (*act)(void);
	int error;
} failing[] = {
	{ signal_other, EPERM },
	{ signal_thread, EPERM },
	{ limit_other, EPERM },
	{ run_bpf, EPERM }, /* programs and maps of others are not for an observer either */
	{ ask_keys, ENOSYS },
	{ signal_by_tkill, ENOSYS },
	{ use_other_system, ENOSYS },
	{ signal_by_descriptor, ENOSYS },
	{ open_mount, ENOSYS },
	{ abort_in_child, 0 },
};

START_TEST(what_fails)
{
	if (!is_restricted())
		return;
	for (size_t k = 0; k < ALL; k++) {
		for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++)
			ck_assert_msg(outcome(all[k], failing[i].act) == failing[i].error, "%zu, %zu: %d", k,
			    i, outcome(all[k], failing[i].act));
	}
	ck_assert_int_eq(outcome(&live, make_code), EACCES);
	ck_assert_int_eq(outcome(&live, add_code), EACCES);
	ck_assert_int_eq(outcome(&loading, add_code), 0);
	ck_assert_int_eq(outcome(&cores, trace_child), EPERM);
	ck_assert_int_eq(outcome(&live, connect_socket), ENOSYS);
	ck_assert_int_eq(outcome(&fetching, connect_socket), 0);
	ck_assert_int_eq(outcome(&live, write_file), EACCES);
	ck_assert_int_eq(outcome(&fetching, write_file), 0);
	ck_assert_int_eq(outcome(&live, ask_options), EPERM);
	ck_assert_int_eq(outcome(&live, call_x32), ENOSYS);
	ck_assert_int_eq(outcome(&fetching, call_x32), ENOSYS);
	ck_assert_int_eq(outcome(&observing, end_command), EPERM);
	ck_assert_int_eq(outcome(&starting, end_command), 0);
}
END_TEST

#if defined(__x86_64__)
static long call_i386(void)
{
	long result = 20; /* getpid */

	__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
	return result;
}

START_TEST(calls_of_i386_end_it)
{
	if (is_restricted())
		ck_assert_int_eq(outcome(&live, call_i386), ENDED);
}
END_TEST
#endif

/* --- programs of the kernel --- */

static long load_nothing(void)
{
	return syscall(SYS_bpf, BPF_PROG_LOAD, NULL, 0);
}

static long load_late(void)
{
	os_restrict_programs();
	return load_nothing();
}

static long make_map_late(void)
{
	os_restrict_programs();
	return syscall(SYS_bpf, BPF_MAP_CREATE, NULL, 0);
}

static long load_types_late(void)
{
	os_restrict_programs();
	return syscall(SYS_bpf, BPF_BTF_LOAD, NULL, 0);
}

static long read_late(void)
{
	os_restrict_programs();
	return syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, NULL, 0);
}

/* The call has no arguments, so it fails in any case, but only an observer's is refused. */
START_TEST(no_program_is_loaded_late)
{
	int early = outcome(&observing, load_nothing);

	if (!is_restricted())
		return;
	if (early == EPERM || early == ENOSYS) {
		(void)puts("SKIP: no program can be loaded here");
		return;
	}
	ck_assert_int_eq(outcome(&observing, load_late), EPERM);
	ck_assert_int_eq(outcome(&observing, make_map_late), EPERM);
	ck_assert_int_eq(outcome(&observing, load_types_late), EPERM);
	ck_assert_int_eq(outcome(&observing, read_late), EINVAL);
	ck_assert_int_eq(outcome(&observing, read_files), 0);
}
END_TEST

/* --- Landlock --- */

static const char *inside, *outside;

static long write_at(const char *dir)
{
	const struct open_how how = { .flags = O_RDWR | O_CREAT, .mode = 0600 };
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/file", dir);
	return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static long write_inside(void)
{
	return write_at(inside);
}

static long write_outside(void)
{
	return write_at(outside);
}

START_TEST(cores_write_nowhere_else)
{
	char in[] = "/tmp/restrict-in-XXXXXX", out[] = "/tmp/restrict-out-XXXXXX", command[128];
	int wrote;

	if (!is_restricted())
		return;
	inside = mkdtemp(in);
	outside = mkdtemp(out);
	wrote = outcome_in(&cores, inside, write_outside);
	ck_assert_int_eq(outcome_in(&cores, inside, write_inside), 0);
	(void)snprintf(command, sizeof(command), "rm -r %s %s", inside, outside);
	ck_assert_int_eq(system(command), 0);
	if (wrote == 0 && syscall(444, NULL, 0, 1) < 0)
		(void)puts("SKIP: this kernel has no Landlock");
	else
		ck_assert_int_eq(wrote, EACCES);
}
END_TEST

/* --- capabilities --- */

static unsigned long long effective(pid_t pid)
{
	char path[32], line[256];
	unsigned long long found = 0;
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	in = fopen(path, "re");
	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in) != NULL)
		(void)sscanf(line, "CapEff: %llx", &found);
	(void)fclose(in);
	return found;
}

static unsigned long long effective_after(const struct os_needs *needs)
{
	int ends[2];
	unsigned long long left = 0;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		os_rights_drop(needs);
		left = effective(getpid());
		(void)!write(ends[1], &left, sizeof(left));
		_exit(0);
	}
	ck_assert_int_eq(read(ends[0], &left, sizeof(left)), sizeof(left));
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return left;
}

START_TEST(capabilities_are_dropped)
{
	enum {
		DAC_READ_SEARCH = 1 << 2,
		KILL = 1 << 5,
		SETGID = 1 << 6,
		SETUID = 1 << 7,
		SYS_PTRACE = 1 << 19
	};
	const unsigned long long now = effective(getpid());
	unsigned long long left;

	if ((now & SYS_PTRACE) == 0 || (now & DAC_READ_SEARCH) == 0) {
		(void)puts("SKIP: not root, or without its capabilities");
		return;
	}
	left = effective_after(&live);
	ck_assert_uint_ne(left & SYS_PTRACE, 0);
	ck_assert_uint_eq(left & KILL, 0);
	ck_assert_int_le(__builtin_popcountll(left), 6);
	left = effective_after(&cores);
	ck_assert_uint_eq(left & ~(unsigned long long)(DAC_READ_SEARCH | SETUID | SETGID), 0);
	ck_assert_uint_ne(effective_after(&starting) & KILL, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_a_run_takes,
		what_ends_it,
		what_fails,
#if defined(__x86_64__)
		calls_of_i386_end_it,
#endif
		no_program_is_loaded_late,
		cores_write_nowhere_else,
		capabilities_are_dropped,
	};

	return run_suite("os/restrict", tests, sizeof(tests) / sizeof(tests[0]));
}
