/* Arrays and scalars of numpy, by the layouts of its versions 1 and 2.
 *
 *   ndarray   head, data, an int: number of dimensions, dimensions, strides, base, descriptor
 *   dtype     head, type of a scalar, three chars, a char, an int: number of the type
 *   scalars   head, the number
 *
 * Source: numpy/ndarraytypes.h, numpy/arrayscalars.h. */
#include "python/values/value_numpy.h"

#include "python/values/value.h"
#include "python/values/value_numbers.h"
#include "python/values/value_put.h"
#include "python/values/value_read.h"
#include "python/values/value_types.h"

enum { DIMENSIONS_MAX = 64 };

/* Names of types by their numbers. */
static const char *const dtypes[] = { "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "long",
	"ulong", "int64", "uint64", "float32", "float64", "longdouble", "complex64", "complex128",
	"clongdouble", "object", "bytes", "str", "void", "datetime64", "timedelta64", "float16" };

static const char *dtype_name(const struct py_layout *l, uint32_t number)
{
	enum { LONG = 7, ULONG = 8 };

	if (number == LONG)
		return l->word == 8 ? "int64" : "int32";
	if (number == ULONG)
		return l->word == 8 ? "uint64" : "uint32";
	return number < sizeof(dtypes) / sizeof(dtypes[0]) ? dtypes[number] : NULL;
}

static const char *read_dtype(struct value_writer *w, uint64_t descriptor)
{
	const struct py_layout *l = value_layout(w);
	const struct py_value_type *t = value_type_of(w->v, descriptor);
	uint32_t number;
	char name[16];

	/* Its class is numpy.dtype, or one of numpy's that derives from it. */
	for (unsigned i = 0; i < 4 && t != NULL; i++) {
		if (!t->python && value_read_string(w->v, name, sizeof(name), t->name) &&
		    strcmp(name, "numpy.dtype") == 0) {
			if (!value_read(
				w->v, &number, sizeof(number), descriptor + py_head_size(l) + l->word + 4U))
				return NULL;
			return dtype_name(l, number);
		}
		t = t->base == 0 ? NULL : value_type_get(w->v, t->base);
	}
	return NULL;
}

void value_write_ndarray(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	uint64_t at = addr + py_head_size(l) + l->word, shape, descriptor, length;
	const char *dtype;
	int32_t n;

	if (!value_read(w->v, &n, sizeof(n), at) || n < 0 || n > DIMENSIONS_MAX ||
	    !value_read_word(w->v, at + l->word, &shape) ||
	    !value_read_word(w->v, at + 4U * l->word, &descriptor)) {
		value_write_plain(w, addr, t);
		return;
	}
	value_put(w, "<");
	value_put_type(w, t);
	value_put(w, " shape=(");
	for (int32_t i = 0; i < n; i++) {
		value_put(w, i == 0 ? "" : ", ");
		if (value_read_word(w->v, shape + (uint64_t)i * l->word, &length))
			value_put_fmt(w, "%llu", (unsigned long long)length);
		else
			value_put(w, "?");
	}
	value_put(w, n == 1 ? ",)" : ")");
	dtype = read_dtype(w, descriptor);
	if (dtype != NULL)
		value_put_fmt(w, " dtype=%s", dtype);
	value_put_fmt(w, " at %#llx>", (unsigned long long)addr);
}

/* Scalars by their names. */
static const struct scalar {
	const char *name;
	char kind; /* bool, int, unsigned int, float */
	uint8_t bytes;
} scalars[] = {
	{ "numpy.bool", 'b', 1 },
	{ "numpy.bool_", 'b', 1 },
	{ "numpy.int8", 'i', 1 },
	{ "numpy.int16", 'i', 2 },
	{ "numpy.int32", 'i', 4 },
	{ "numpy.int64", 'i', 8 },
	{ "numpy.longlong", 'i', 8 },
	{ "numpy.uint8", 'u', 1 },
	{ "numpy.uint16", 'u', 2 },
	{ "numpy.uint32", 'u', 4 },
	{ "numpy.uint64", 'u', 8 },
	{ "numpy.ulonglong", 'u', 8 },
	{ "numpy.float32", 'f', 4 },
	{ "numpy.float64", 'f', 8 },
};

static void put_scalar(struct value_writer *w, const struct scalar *s, uint64_t bits)
{
	unsigned unused = 64 - 8U * s->bytes;
	uint32_t word = (uint32_t)bits;
	double d;
	float f;

	memcpy(&f, &word, sizeof(f));
	memcpy(&d, &bits, sizeof(d));
	if (s->kind == 'b')
		value_put(w, bits != 0 ? "True" : "False");
	else if (s->kind == 'i')
		value_put_fmt(w, "%lld", (long long)(bits << unused) >> unused);
	else if (s->kind == 'u')
		value_put_fmt(w, "%llu", (unsigned long long)bits);
	else
		value_put_double(w, s->bytes == 8 ? d : (double)f, s->bytes != 8);
}

void value_write_numpy_scalar(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_value_type *builtin = value_type_get(w->v, t->builtin);
	const struct scalar *s = NULL;
	uint64_t bits = 0;
	char name[32];

	if (builtin != NULL && value_read_string(w->v, name, sizeof(name), builtin->name)) {
		for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]) && s == NULL; i++)
			s = strcmp(scalars[i].name, name) == 0 ? &scalars[i] : NULL;
	}
	if (s == NULL || (value_layout(w)->word == 4 && s->bytes == 8) ||
	    !value_read(w->v, &bits, s->bytes, addr + py_head_size(value_layout(w)))) {
		value_write_plain(w, addr, t);
		return;
	}
	value_put_type(w, t);
	value_put(w, "(");
	put_scalar(w, s, bits);
	value_put(w, ")");
}
