/* Growable arrays of any type: `VEC(struct frame) frames = VEC_EMPTY;`. Growth is checked for
 * overflow. A push that cannot grow the array returns false and changes nothing. */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define VEC(type)           \
	struct {            \
		type *at;   \
		size_t n;   \
		size_t cap; \
	}

#define VEC_EMPTY          \
	{                  \
		NULL, 0, 0 \
	}

/* Make room for `need` items of `size` bytes in the array *at of *cap items. False: out of memory,
 * and nothing changed. */
static inline bool vec_reserve_bytes(void **at, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap < 8 ? 8 : *cap;
	void *grown;

	if (need <= *cap)
		return true;
	while (want < need) {
		if (want > (size_t)-1 / 2)
			return false;
		want *= 2;
	}
	if (want > (size_t)-1 / size)
		return false;
	grown = realloc(*at, want * size);
	if (grown == NULL)
		return false;
	*at = grown;
	*cap = want;
	return true;
}

/* Make room for `need` items in all. A separate void * is needed: writing a T * as a void * would
 * break the aliasing rules. */
#define vec_reserve(v, need)                                                                            \
	({                                                                                              \
		__typeof__(v) vec_it = (v);                                                             \
		void *vec_bytes = vec_it->at;                                                           \
		bool vec_ok = vec_reserve_bytes(&vec_bytes, &vec_it->cap, (need), sizeof(*vec_it->at)); \
		vec_it->at = vec_bytes;                                                                 \
		vec_ok;                                                                                 \
	})

/* Append one item. False: out of memory, and nothing changed. */
#define vec_push(v, item) (vec_reserve((v), (v)->n + 1) ? ((v)->at[(v)->n++] = (item), true) : false)

#define vec_free(v)             \
	do {                    \
		free((v)->at);  \
		(v)->at = NULL; \
		(v)->n = 0;     \
		(v)->cap = 0;   \
	} while (0)

#endif
