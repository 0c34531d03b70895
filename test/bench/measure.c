/* measure REPORT SECONDS COMMAND [ARGUMENT...]
 *
 * Runs a command with this program's output and errors, and writes its cost to the file descriptor
 * REPORT in one line:
 *
 *     STATUS STARTED ENDED USER SYSTEM PEAK FAULTS    (wait status, two times of CLOCK_MONOTONIC in
 *                                                     ns, µs, µs, kB, pages)
 *
 * This is a separate program because it is small: the peak of a child starts with that of the
 * process from which it is forked. A command that is not done after SECONDS is killed with its
 * process group; its status is then that of SIGKILL. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t child;

static void too_long(int signo)
{
	(void)signo;
	if (child > 0)
		(void)kill(-child, SIGKILL);
}

static uint64_t now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static long micros(const struct timeval *tv)
{
	return tv->tv_sec * 1000000 + tv->tv_usec;
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = too_long };
	struct rusage used;
	uint64_t started, ended;
	int report, status;
	pid_t pid;

	if (argc < 4)
		return 2;
	report = atoi(argv[1]);
	(void)sigaction(SIGALRM, &act, NULL);
	started = now();
	pid = vfork();
	if (pid == 0) {
		(void)setpgid(0, 0);
		(void)close(report);
		(void)execvp(argv[3], argv + 3);
		_exit(127);
	}
	if (pid < 0)
		return 2;
	child = pid;
	(void)alarm((unsigned)atoi(argv[2]));
	while (wait4(pid, &status, 0, &used) < 0) {
		if (errno != EINTR)
			return 2;
	}
	ended = now();
	return dprintf(report, "%d %lu %lu %ld %ld %ld %ld\n", status, (unsigned long)started,
		   (unsigned long)ended, micros(&used.ru_utime), micros(&used.ru_stime), used.ru_maxrss,
		   used.ru_minflt + used.ru_majflt) < 0;
}
