/* Programs of C, which are built beside pystack. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "support/spawn.h"

void spawn_built(const char *name, char out[PATH_MAX])
{
	const char *tool = spawn_tool();

	(void)snprintf(out, PATH_MAX, "%.*s/%s", (int)(strrchr(tool, '/') - tool), tool, name);
}

pid_t spawn_program(const char *name, const char *argument)
{
	char built[NAME_MAX + 16], path[PATH_MAX], ready;
	int out[2];
	pid_t pid;

	(void)snprintf(built, sizeof(built), "test/programs/%s", name);
	spawn_built(built, path);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)execl(path, name, argument, (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	ck_assert_int_eq(read(out[0], &ready, 1), 1);
	(void)close(out[0]);
	return pid;
}
