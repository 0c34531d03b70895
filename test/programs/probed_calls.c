/* Calls rmdir(2) from several functions: by the library, by the system call of i386 (which a 64-bit
 * program can make, too), and in handlers on an alternate stack. Waits for a byte, makes the calls,
 * writes a byte and waits again. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
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

#ifdef __x86_64__
/* Calls rmdir(2) from 32-bit code, which is reached and left by far calls. */
static NOINLINE void in_narrow_code(int n, char *page, const char *path)
{
	enum { SAVED = 0, TARGET = 8, ENTRY = 16, NARROW = 64, STACK = 4096 };
	uint32_t at = (uint32_t)(uintptr_t)page, name = (uint32_t)(uintptr_t)path, words[4];
	uint8_t *to = (uint8_t *)page + ENTRY;

	words[0] = at + SAVED, words[1] = at + STACK, words[2] = at + TARGET, words[3] = at + NARROW;
	memcpy(page + TARGET, &words[3], 4);
	memcpy(page + TARGET + 4, "\x23\0", 2);
	/* mov %rsp,SAVED; mov $STACK,%esp; push %rbx; push %rbp; lcall *TARGET; pop %rbp; pop %rbx;
	 * mov SAVED,%rsp; ret */
	memcpy(to, "\x48\x89\x24\x25", 4), memcpy(to + 4, &words[0], 4);
	memcpy(to + 8, "\xbc", 1), memcpy(to + 9, &words[1], 4);
	memcpy(to + 13, "\x53\x55\xff\x1c\x25", 5), memcpy(to + 18, &words[2], 4);
	memcpy(to + 22, "\x5d\x5b\x48\x8b\x24\x25", 6), memcpy(to + 28, &words[0], 4);
	memcpy(to + 32, "\xc3", 1);
	/* mov $40,%eax; mov $name,%ebx; int $0x80; lret */
	to = (uint8_t *)page + NARROW;
	memcpy(to, "\xb8\x28\0\0\0\xbb", 6), memcpy(to + 6, &name, 4);
	memcpy(to + 10, "\xcd\x80\xcb", 3);
	while (n-- > 0)
		((void (*)(void))(page + ENTRY))();
}
#endif

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

/* Where a pointer of 4 bytes can point. */
static char *low_page(int protection)
{
	char *page = mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS | 0x40, -1, 0);

	if (page == MAP_FAILED)
		abort();
	return page;
}

int main(void)
{
	char *path = low_page(PROT_READ | PROT_WRITE);
	pthread_t thread;
	char byte;

	if (read(STDIN_FILENO, &byte, 1) != 1)
		return 1;
	strcpy(path, "absent-in-i386");
	by_library(7);
	by_interrupt(5, path);
	read_ahead(3, 1000);
	calls += deep(70000);
#ifdef __x86_64__
	in_narrow_code(6, low_page(PROT_READ | PROT_WRITE | PROT_EXEC), path);
#endif
	if (pthread_create(&thread, NULL, second, NULL) != 0 || pthread_join(thread, NULL) != 0 ||
	    pthread_create(&thread, NULL, with_room, NULL) != 0 || pthread_join(thread, NULL) != 0)
		return 1;
	(void)!write(STDOUT_FILENO, &byte, 1);
	(void)pause();
	return calls;
}
