/* Runs test/oracle/engines on each target that the tool was given, and checks at the end of a test
 * that none was forgotten. */
#include "support/oracle.h"

#include <check.h>
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/spawn.h"
#include "support/spawn_files.h"

enum { SAME = 0, NOT_THERE = 2, NOT_READ = 77, SEEN_MAX = 64, ARGS_MAX = 8 };

/* Empty in a program that does not call spawn_init. The rest belongs to one test, because libcheck
 * gives each test a process. */
static struct {
	char engines[PATH_MAX];
	pid_t self; /* whose end is awaited */
	bool left_out;
	pid_t seen[SEEN_MAX]; /* processes that the tool was shown; 0 once they are compared */
	struct stat core;     /* the last one that was compared */
} oracle;

bool oracle_init(const char *folder)
{
	char command[PATH_MAX + 16], said[128] = "";
	FILE *told;
	int status;

	if (snprintf(oracle.engines, sizeof(oracle.engines), "%s/test/oracle/engines", folder) >=
		(int)sizeof(oracle.engines) ||
	    access(oracle.engines, X_OK) != 0) {
		(void)printf("no %s\n", oracle.engines);
		return false;
	}
	/* (libcheck does not let run_program be called before a test.) */
	(void)snprintf(command, sizeof(command), "'%s' 0", oracle.engines);
	told = popen(command, "r");
	if (told == NULL)
		return false;
	if (fgets(said, sizeof(said), told) == NULL)
		said[0] = '\0';
	status = pclose(told);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_READ) {
		(void)printf("SKIP: what the tool is shown by two engines: %s", said);
		(void)fflush(stdout);
		oracle.engines[0] = '\0';
	}
	return true;
}

/* Is there something in the process to look at? */
static bool has_ended(pid_t pid)
{
	return strchr("-ZX", process_state(pid)) != NULL;
}

/* The differences, or the reason why there was no comparison, as text. NULL: no differences; or
 * libunwind does not read such targets (then a message is printed); or the process (0: a core) has
 * exited. */
static char *ask(const struct run_options *opt, const char *operand, const char *sysroot, pid_t pid)
{
	const char *args[ARGS_MAX] = { oracle.engines };
	char *answer = NULL;
	size_t n = 1;
	struct run r;

	if (sysroot != NULL) {
		args[n++] = "-s";
		args[n++] = sysroot;
	}
	args[n++] = "1";
	args[n++] = operand;
	r = run_program(opt, args);
	if (r.status == NOT_READ)
		(void)printf("%s: %s", operand, r.out);
	else if (r.status == NOT_THERE && pid != 0 && has_ended(pid))
		(void)printf("%s: ended before engines were compared on it\n", operand);
	else if (r.status != SAME && asprintf(&answer, "two engines on %s: exit %d\n%.3000s%.500s", operand,
					 r.status, r.out, r.err) < 0)
		abort();
	run_free(&r);
	return answer;
}

static void forget(pid_t pid)
{
	for (size_t i = 0; i < SEEN_MAX; i++) {
		if (oracle.seen[i] == pid)
			oracle.seen[i] = 0;
	}
}

char *oracle_process(pid_t pid)
{
	char operand[16];

	forget(pid);
	if (oracle.engines[0] == '\0' || oracle.left_out || has_ended(pid))
		return NULL;
	(void)snprintf(operand, sizeof(operand), "%d", (int)pid);
	return ask(NULL, operand, NULL, pid);
}

/* Runs in the test's process, after the test. */
static void nothing_forgotten(void)
{
	if (getpid() != oracle.self || oracle.left_out)
		return;
	for (size_t i = 0; i < SEEN_MAX; i++) {
		if (oracle.seen[i] == 0)
			continue;
		(void)printf(
		    "the tool was shown process %d, and nothing has compared engines on it (oracle.h)\n",
		    (int)oracle.seen[i]);
		(void)fflush(stdout);
		_exit(1);
	}
}

static void remember(pid_t pid)
{
	size_t at = 0;

	while (at < SEEN_MAX && oracle.seen[at] != 0 && oracle.seen[at] != pid)
		at++;
	ck_assert_uint_lt(at, SEEN_MAX);
	oracle.seen[at] = pid;
	if (oracle.self != getpid()) {
		oracle.self = getpid();
		(void)atexit(nothing_forgotten);
	}
}

void oracle_replaced(pid_t pid)
{
	forget(pid);
}

/* A core file: its state is in *st. The path is one below the root that opt names. */
static bool is_core(const struct run_options *opt, const char *path, struct stat *st)
{
	static const char above[] = "/media";
	Elf64_Ehdr head = { 0 };

	if (opt != NULL && opt->in != NULL && opt->in->root[0] != '\0') {
		if (strncmp(path, above, sizeof(above) - 1) != 0)
			return false;
		path += sizeof(above) - 1;
	}
	return stat(path, st) == 0 && S_ISREG(st->st_mode) && spawn_head(path, (char *)&head, sizeof(head)) &&
	       memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_type == ET_CORE;
}

char *oracle_core(const struct run_options *opt, const char *core, const char *sysroot)
{
	struct stat st;

	if (oracle.engines[0] == '\0' || oracle.left_out || !is_core(opt, core, &st))
		return NULL;
	if (st.st_ino == oracle.core.st_ino && st.st_size == oracle.core.st_size &&
	    st.st_mtim.tv_sec == oracle.core.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == oracle.core.st_mtim.tv_nsec)
		return NULL;
	oracle.core = st;
	return ask(opt, core, sysroot, 0);
}

/* An operand that is a process, not the value of an option before it. */
static bool is_process(const char *before, const char *arg)
{
	static const char *const taking[] = { "-n", "-N", "-t" };

	for (size_t i = 0; before != NULL && i < sizeof(taking) / sizeof(taking[0]); i++) {
		if (strcmp(before, taking[i]) == 0)
			return false;
	}
	return arg[0] != '\0' && arg[strspn(arg, "0123456789")] == '\0' && kill((pid_t)atol(arg), 0) == 0;
}

void oracle_shown(const struct run_options *opt, const char *const args[])
{
	const char *sysroot = NULL;

	if (oracle.engines[0] == '\0')
		return;
	for (size_t i = 0; args[i] != NULL; i++) {
		if (strcmp(args[i], "--sysroot") == 0 && args[i + 1] != NULL)
			sysroot = args[++i];
		else if (is_process(i == 0 ? NULL : args[i - 1], args[i]))
			remember((pid_t)atol(args[i]));
		else
			oracle_judge(oracle_core(opt, args[i], sysroot));
	}
}

void oracle_judge(char *answer)
{
	char text[4000];

	if (answer == NULL)
		return;
	(void)snprintf(text, sizeof(text), "%s", answer);
	free(answer);
	ck_abort_msg("%s", text);
}

void oracle_leave_out(void)
{
	oracle.left_out = true;
}
