/* A program of 32-bit words with two threads deep in its own calls. One blocks in pause(), the
 * other in a handler on an alternate stack. Writes a byte when both are about to block. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

static volatile int depth;

static NOINLINE void in_handler(int signo)
{
	while (signo != 0)
		(void)pause();
}

static NOINLINE void interrupted(void)
{
	(void)raise(SIGUSR1);
	depth++;
}

static void *second(void *unused)
{
	static char stack[256 * 1024];
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct sigaction action = { .sa_handler = in_handler, .sa_flags = SA_ONSTACK };

	if (sigaltstack(&other, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0)
		abort();
	interrupted();
	return unused;
}

static NOINLINE void inner(int n)
{
	if (n > 0)
		inner(n - 1);
	else
		(void)pause();
	depth++;
}

int main(void)
{
	pthread_t thread;

	if (sizeof(long) != 4 || pthread_create(&thread, NULL, second, NULL) != 0)
		return 1;
	(void)!write(STDOUT_FILENO, "!", 1);
	inner(3);
	return depth;
}
