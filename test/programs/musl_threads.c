/* Threads that wait in functions of the C library; built for musl. Writes a byte once all have
 * begun. */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

static pthread_barrier_t begun;
static sem_t never;

__attribute__((noinline)) static void *sleeps(void *data)
{
	struct timespec long_time = { 100000, 0 };

	pthread_barrier_wait(&begun);
	nanosleep(&long_time, NULL);
	return data;
}

__attribute__((noinline)) static void *waits(void *data)
{
	pthread_barrier_wait(&begun);
	sem_wait(&never);
	return data;
}

__attribute__((noinline)) static void *polls(void *data)
{
	pthread_barrier_wait(&begun);
	poll(NULL, 0, -1);
	return data;
}

int main(void)
{
	void *(*const all[])(void *) = { sleeps, waits, polls };
	pthread_t id;

	pthread_barrier_init(&begun, NULL, 4);
	sem_init(&never, 0, 0);
	for (int i = 0; i < 3; i++) {
		if (pthread_create(&id, NULL, all[i], NULL) != 0)
			return 1;
	}
	pthread_barrier_wait(&begun);
	if (write(STDOUT_FILENO, "!", 1) != 1)
		return 1;
	for (;;)
		pause();
}
