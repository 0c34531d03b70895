/* Starting a thread that needs little stack. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Run run(arg) in a new thread with `stack` bytes of stack. False: it cannot be started (a limit on
 * processes, or no memory), and *thread is undefined. The caller must join *thread. */
static inline bool thread_start(pthread_t *thread, size_t stack, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	bool started;

	if (pthread_attr_init(&attr) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attr, stack);
	started = pthread_create(thread, &attr, run, arg) == 0;
	(void)pthread_attr_destroy(&attr);
	return started;
}

#endif
