/* Circles of waits. A thread waits for one thing, which one thread holds: from each thread on there
 * is one way, and a circle is found where it comes back to itself. */
#include "report/deadlock.h"

#include "report/text_state.h"

bool deadlock_add(deadlock_waits *waits, size_t thread, lwpid_t id, const struct thread_state *s)
{
	struct deadlock_wait one = { .id = id, .thread = thread };

	/* A wait with a time-out ends; threads that wait for the GIL wait again. */
	if (s->object != OBJECT_NONE && s->object_owner != 0 && s->timeout == TIMEOUT_NONE) {
		one.owner = s->object_owner;
		one.object = s->object;
		one.at = s->object_at;
	} else if (s->gil == GIL_AWAITED && s->gil_owner != 0) {
		one.owner = s->gil_owner;
	} else {
		return true;
	}
	return vec_push(waits, one);
}

static struct deadlock_wait *wait_of(const deadlock_waits *waits, lwpid_t id)
{
	for (size_t i = 0; i < waits->n; i++) {
		if (waits->at[i].id == id)
			return &waits->at[i];
	}
	return NULL;
}

/* Put the circle that `first` is in into out. */
static bool take_circle(deadlock_waits *waits, const struct deadlock_wait *first, deadlock_waits *out)
{
	const struct deadlock_wait *w = first;

	out->n = 0;
	do {
		if (!vec_push(out, *w))
			return false;
		w = wait_of(waits, w->owner);
	} while (w != first);
	return true;
}

bool deadlock_next(deadlock_waits *waits, deadlock_waits *out)
{
	for (size_t i = 0; i < waits->n; i++) {
		uint32_t round = (uint32_t)i + 1;
		struct deadlock_wait *w = &waits->at[i];

		if (w->round != 0)
			continue;
		for (; w != NULL && w->round == 0; w = wait_of(waits, w->owner))
			w->round = round;
		if (w != NULL && w->round == round)
			return take_circle(waits, w, out);
	}
	return false;
}

void deadlock_text(const deadlock_waits *circle, struct strbuf *out)
{
	size_t begin = out->n;

	strbuf_fmt(out, "deadlock: %d", (int)circle->at[0].id);
	for (size_t i = 0; i < circle->n; i++) {
		const struct deadlock_wait *w = &circle->at[i];

		strbuf_str(out, i == 0 ? " " : ", which ");
		text_wait(w->object, w->at, w->owner, out);
	}
	strbuf_char(out, '\n');
	if (out->failed && out->n > begin) {
		out->n = begin;
		out->at[begin] = '\0';
	}
}
