/* PRIVATE to lib/python: reading structures of the target by the fields of a layout. */
#ifndef PYTHON_PY_MEMORY_H
#define PYTHON_PY_MEMORY_H

#include <libproc.h>
#include <string.h>

#include "python/layout/py_layout.h"

/* Read all n bytes at va. False: some are unreadable. */
static inline bool py_read(struct ps_prochandle *P, void *buf, size_t n, uint64_t va)
{
	return va != 0 && va + n >= va && Pread(P, buf, n, (uintptr_t)va) == (ssize_t)n;
}

/* A number of so many bytes, 8 at most, in a copy. */
static inline uint64_t py_number_at(const uint8_t *bytes, uint8_t width)
{
	uint64_t value = 0;

	memcpy(&value, bytes, width);
	return value;
}

/* A copy of n bytes of a structure, and the width of its pointers. */
struct py_view {
	const uint8_t *at;
	size_t n;
	uint8_t word;
};

/* Copy the first n bytes of a member. False: it is absent, or the copy does not have them. */
static inline bool py_view_take(const struct py_view *v, py_field field, void *out, size_t n)
{
	if (field == 0 || field - 1 > v->n || n > v->n - (field - 1))
		return false;
	memcpy(out, v->at + (field - 1), n);
	return true;
}

/* Members by their width; 0 for an absent one. */
static inline uint64_t py_view_word(const struct py_view *v, py_field field)
{
	uint64_t value = 0;

	(void)py_view_take(v, field, &value, v->word);
	return value;
}

static inline int32_t py_view_i32(const struct py_view *v, py_field field)
{
	int32_t value = 0;

	(void)py_view_take(v, field, &value, sizeof(value));
	return value;
}

static inline uint8_t py_view_u8(const struct py_view *v, py_field field)
{
	uint8_t value = 0;

	(void)py_view_take(v, field, &value, sizeof(value));
	return value;
}

/* One pointer at va + field. False: absent or unreadable. */
static inline bool py_read_word(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t va, py_field field, uint64_t *out)
{
	uint64_t value = 0;

	if (field == 0 || va == 0 || !py_read(P, &value, l->word, va + (field - 1)))
		return false;
	*out = value;
	return true;
}

/* ob_size in a copy of an object of varying size. */
static inline uint64_t py_view_size(const struct py_view *v, const struct py_layout *l, py_field field)
{
	uint64_t value = 0;

	(void)py_view_take(v, field, &value, l->size_width);
	return value;
}

/* True if this can be the address of an object or a state structure. Cheap; a read decides. */
static inline bool py_pointer_sane(uint64_t va, uint8_t word)
{
	return va >= 4096 && va % word == 0 && va < (uint64_t)1 << (word == 4 ? 32 : 56);
}

#endif
