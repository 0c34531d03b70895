/* Stand-in for illumos <pthread.h>: what is used of it. */
#ifndef STAND_IN_PTHREAD_H
#define STAND_IN_PTHREAD_H

#include <signal.h>
#include <sys/types.h>

typedef unsigned int pthread_t;
typedef struct {
	void *__pthread_attrp;
} pthread_attr_t;
typedef struct {
	unsigned long opaque[3];
} pthread_mutex_t;
#define PTHREAD_MUTEX_INITIALIZER \
	{                         \
		{                 \
			0         \
		}                 \
	}

extern int pthread_atfork(void (*)(void), void (*)(void), void (*)(void));
extern int pthread_mutex_lock(pthread_mutex_t *);
extern int pthread_mutex_unlock(pthread_mutex_t *);
extern int pthread_attr_init(pthread_attr_t *);
extern int pthread_attr_destroy(pthread_attr_t *);
extern int pthread_attr_setstacksize(pthread_attr_t *, size_t);
extern int pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
extern int pthread_join(pthread_t, void **);
extern int pthread_sigmask(int, const sigset_t *, sigset_t *);

#endif
