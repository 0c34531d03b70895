/* A thread that has written to 100 MB of its stack and waits. Writes a byte when all is so. */
#include <pthread.h>
#include <unistd.h>

enum { USED = 100 << 20, ROOM = 104 << 20, PAGE = 4096 };

static void wait_below(volatile char *used)
{
	const char ready = 'r';

	used[0] = 1;
	if (write(STDOUT_FILENO, &ready, 1) == 1)
		for (;;)
			(void)pause();
}

static void *fill(void *unused)
{
	volatile char used[USED];

	for (size_t i = 0; i < sizeof(used); i += PAGE)
		used[i] = 1;
	wait_below(used);
	return unused;
}

int main(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, ROOM);
	if (pthread_create(&thread, &attributes, fill, NULL) == 0)
		(void)pthread_join(thread, NULL);
	return 1;
}
