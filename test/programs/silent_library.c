/* A library in which a thread waits. */
#include <unistd.h>

static __attribute__((noinline)) void not_exported(volatile int *n)
{
	(void)write(1, "r", 1);
	for (;;) {
		(void)pause();
		++*n;
	}
}

void silent_wait(void)
{
	volatile int n = 0;

	not_exported(&n);
	n++;
}
