/* Calls rmdir(2) from several functions: by the library, by the system call of i386 (which a 64-bit
 * program can make, too), and in handlers on an alternate stack. Waits for a byte, makes the calls,
 * writes a byte and waits again. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

static volatile int calls;

void by_interrupt(int n, const char *path);

static NOINLINE void by_library(int n)
{
	while (n-- > 0)
		calls += rmdir("absent-directory");
}

/* Not static: it has its arguments where the calling convention wants them. */
NOINLINE void by_interrupt(int n, const char *path)
{
	while (n-- > 0) {
		long result;

		__asm__ volatile("int $0x80" : "=a"(result) : "a"(40L), "b"(path) : "memory");
		calls += result != 0;
	}
}

/* readahead(2) of no file, as i386 has it: a low and a high half of the offset come before the size. */
static NOINLINE void read_ahead(int n, long size)
{
	while (n-- > 0) {
		long result;

		__asm__ volatile("int $0x80"
				 : "=a"(result)
				 : "a"(225L), "b"(-1L), "c"(11L), "d"(13L), "S"(size)
				 : "memory");
		calls += result != 0;
	}
}

int deep(int n);

/* Returns only after n further calls of itself. */
NOINLINE int deep(int n)
{
	volatile int kept = n;

	return n == 0 ? 0 : deep(n - 1) + kept;
}

static NOINLINE void in_handler(int signo)
{
	for (int i = 0; i < signo - SIGUSR1 + 3; i++)
		calls += rmdir("absent-directory");
}

static void in_long_handler(int signo, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	in_handler(signo);
}

static NOINLINE void interrupted(void)
{
	calls += raise(SIGUSR1);
	calls += raise(SIGUSR2);
}

static void *second(void *unused)
{
	static char stack[256 * 1024];
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct sigaction plain = { .sa_handler = in_handler, .sa_flags = SA_ONSTACK };
	const struct sigaction full = { .sa_sigaction = in_long_handler,
		.sa_flags = SA_ONSTACK | SA_SIGINFO };

	if (sigaltstack(&other, NULL) != 0 || sigaction(SIGUSR1, &plain, NULL) != 0 ||
	    sigaction(SIGUSR2, &full, NULL) != 0)
		abort();
	interrupted();
	return unused;
}

/* On a fresh stack, with pages in its frame to which nothing was ever written. */
static NOINLINE void *with_room(void *unused)
{
	char room[64 * 1024];

	__asm__ volatile("" : : "r"(room) : "memory");
	for (int i = 0; i < 4; i++)
		calls += rmdir("absent-directory");
	return unused;
}

int main(void)
{
	/* Where a pointer of 4 bytes can point. */
	char *path = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | 0x40, -1, 0);
	pthread_t thread;
	char byte;

	if (path == MAP_FAILED || read(STDIN_FILENO, &byte, 1) != 1)
		return 1;
	strcpy(path, "absent-in-i386");
	by_library(7);
	by_interrupt(5, path);
	read_ahead(3, 1000);
	calls += deep(70000);
	if (pthread_create(&thread, NULL, second, NULL) != 0 || pthread_join(thread, NULL) != 0 ||
	    pthread_create(&thread, NULL, with_room, NULL) != 0 || pthread_join(thread, NULL) != 0)
		return 1;
	(void)!write(STDOUT_FILENO, &byte, 1);
	(void)pause();
	return calls;
}
