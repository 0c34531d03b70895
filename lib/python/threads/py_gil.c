/* Where the GIL is.
 *
 *   up to 3.1    a lock, at whose semaphore threads wait (Python/ceval.c)
 *   up to 3.6    a condition variable; for both, a variable has the thread state that holds it
 *   3.7 to 3.11  a part of the runtime
 *   3.12+        each interpreter has a pointer to its GIL
 *
 *   GIL: interval, last holder, locked (i32), switch number, a condition variable that threads wait
 *   for it at, a mutex … (pycore_gil.h). The last holder counts while it is locked. */
#include "python/threads/py_gil.h"

#include "python/py_process.h"

enum {
	CONDITION = 48, /* bytes of glibc's pthread_cond_t, of both word sizes */
	SEMAPHORE = 4,  /* the word of a semaphore that threads wait at */
};

static void describe_old(const struct py_runtime *rt, struct py_gil *out)
{
	out->current = rt->current;
	out->is_pointer = rt->gil_condition == 0 && rt->gil_lock != 0;
	out->at = out->is_pointer ? rt->gil_lock : rt->gil_condition;
	out->wait_size = out->is_pointer ? SEMAPHORE : CONDITION;
}

void py_gil_describe(const struct py_runtime *rt, struct py_gil *out)
{
	const struct py_layout *l = &rt->layout;

	*out = (struct py_gil){ .at = 0 };
	if (rt->current != 0) {
		describe_old(rt, out);
		return;
	}
	if (l->free_threaded || (l->more.gil == 0 && l->more.gil_pointer == 0))
		return;
	if (l->more.gil != 0)
		out->at = rt->addr + l->more.gil - 1;
	else
		out->interp = l->more.gil_pointer;
	out->holder = l->word + 1;
	out->locked = (uint8_t)(2 * l->word + 1);
	out->wait = (uint8_t)(4 * l->word);
	out->wait_size = CONDITION;
}
