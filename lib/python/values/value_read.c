/* The memory of a target, out of the budget. */
#include "python/values/value_read.h"

#include "python/values/value.h"

bool value_charge(struct py_values *v, uint64_t n)
{
	if (n < PY_VALUES_READ)
		n = PY_VALUES_READ;
	if (n > v->left) {
		v->left = 0;
		return false;
	}
	v->left -= n;
	return true;
}

bool value_read(struct py_values *v, void *buf, size_t n, uint64_t va)
{
	return value_charge(v, n) && py_read(v->P, buf, n, va);
}

bool value_read_word(struct py_values *v, uint64_t va, uint64_t *out)
{
	uint64_t wide = 0;

	if (!value_read(v, &wide, v->rt->layout.word, va))
		return false;
	*out = wide;
	return true;
}

bool value_read_string(struct py_values *v, char *buf, size_t n, uint64_t va)
{
	return va != 0 && value_charge(v, n) && Pread_string(v->P, buf, n, (uintptr_t)va) >= 0;
}
