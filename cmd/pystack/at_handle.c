/* See at_handle.h. */
#include "at_handle.h"

#include "os/images.h"
#include "report/python_source.h"

void handle_close(struct handle *h)
{
	text_cache_free(&h->lines);
	py_sources_destroy(h->sources);
	h->sources = NULL;
	symbolizer_destroy(h->names);
	h->names = NULL;
	stack_target_close(h->target);
	h->target = NULL;
	if (h->P == NULL)
		return;
	os_release_images(h->P);
	Prelease(h->P, 0);
	h->P = NULL;
}

void older_handles_keep(struct older_handles *x, struct handle *h)
{
	enum { MOST = 8 };

	if (h->P == NULL) {
		handle_close(h);
		return;
	}
	x->spared = false;
	if (x->at.n == MOST) {
		handle_close(&x->at.at[0]);
		for (size_t i = 1; i < MOST; i++)
			x->at.at[i - 1] = x->at.at[i];
		x->at.n--;
	}
	if (!vec_push(&x->at, *h))
		handle_close(h);
	*h = (struct handle){ .P = NULL };
}

void older_handles_sweep(struct older_handles *x)
{
	if (x->spared)
		older_handles_free(x);
	x->spared = x->at.n != 0;
}

void older_handles_free(struct older_handles *x)
{
	for (size_t i = 0; i < x->at.n; i++)
		handle_close(&x->at.at[i]);
	vec_free(&x->at);
}
