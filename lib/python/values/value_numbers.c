/* Numbers as values.
 *
 *   int (2.x)      head, a long
 *   int (long)     up to 3.11: head, ob_size, whose sign is the number's, digits of 15 bits in two
 *                  bytes or of 30 in four; from 3.12 on a tag is in place of ob_size: a sign in two
 *                  bits (0 positive, 2 negative), a flag, and the number of digits above
 *   float          head, a double
 *   complex        head, two doubles
 *
 * Sources: Include/{intobject,longintrepr,floatobject,complexobject}.h,
 * Include/cpython/longintrepr.h. */
#include "python/values/value_numbers.h"

#include <math.h>
#include <stdio.h>

#include "base/owned.h"
#include "python/values/value.h"
#include "python/values/value_put.h"
#include "python/values/value_read.h"
#include "python/values/value_types.h"

enum { BITS_MAX = 1 << 18 }; /* of an int whose digits are computed */

/* Digits of an int, least significant first. */
struct big {
	uint64_t n, at; /* how many, and where */
	unsigned bytes; /* each: 2 or 4 */
	bool negative;
};

static bool locate_int(struct py_values *v, uint64_t addr, const struct py_value_type *t, struct big *out)
{
	const struct py_layout *l = &v->rt->layout;
	const struct py_value_type *builtin = value_type_get(v, t->builtin);
	uint64_t size = 0;

	if (builtin == NULL || (builtin->itemsize != 2 && builtin->itemsize != 4) ||
	    !value_read(v, &size, l->size_width, addr + py_head_size(l)))
		return false;
	out->bytes = (unsigned)builtin->itemsize;
	out->at = addr + py_head_size(l) + l->size_width;
	if (l->version >= PY_HEX(3, 12)) {
		out->negative = (size & 3) == 2;
		out->n = (size & 3) == 1 ? 0 : size >> 3;
		return true;
	}
	out->negative = (size >> (8 * l->size_width - 1) & 1) != 0;
	if (out->negative)
		size = l->size_width == 4 ? (uint32_t)-size : -size;
	out->n = size;
	return true;
}

static uint32_t digit_at(const uint8_t *digits, unsigned bytes, size_t i)
{
	uint32_t digit = 0;

	memcpy(&digit, digits + i * bytes, bytes);
	return digit;
}

static unsigned bits_in(uint32_t digit)
{
	return digit == 0 ? 0 : 32U - (unsigned)__builtin_clz(digit);
}

/* Divide the number by 10^9. Returns the remainder. */
static uint32_t divide_digits(uint8_t *digits, size_t n, unsigned bytes)
{
	const uint32_t by = 1000000000;
	unsigned bits = bytes == 2 ? 15 : 30;
	uint64_t rest = 0;

	for (size_t i = n; i-- > 0;) {
		uint32_t digit;

		rest = rest << bits | digit_at(digits, bytes, i);
		digit = (uint32_t)(rest / by);
		rest %= by;
		memcpy(digits + i * bytes, &digit, bytes);
	}
	return (uint32_t)rest;
}

/* Write the number, which has at most `room` digits. */
static void put_decimal(struct value_writer *w, uint8_t *digits, const struct big *big, size_t room)
{
	OWNED(mem_release) char *text = malloc(room + 10);
	size_t at = room + 9, n = (size_t)big->n;

	if (text == NULL) {
		w->out.failed = true;
		return;
	}
	while (n > 0 && at >= 9) {
		uint32_t part = divide_digits(digits, n, big->bytes);

		while (n > 0 && digit_at(digits, big->bytes, n - 1) == 0)
			n--;
		for (unsigned i = 0; i < 9 && (n > 0 || part > 0); i++, part /= 10)
			text[--at] = (char)('0' + part % 10);
	}
	value_put_n(w, text + at, room + 9 - at);
}

void value_write_int(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	OWNED(mem_release) uint8_t *digits = NULL;
	struct big big;
	uint32_t top = 0;
	uint64_t bits;

	if (!locate_int(w->v, addr, t, &big) || big.n > (uint64_t)1 << 40 ||
	    (big.n > 0 && !value_read(w->v, &top, big.bytes, big.at + (big.n - 1) * big.bytes))) {
		value_put_unreadable(w, addr);
		return;
	}
	bits = big.n == 0 ? 0 : (big.n - 1) * (big.bytes == 2 ? 15 : 30) + bits_in(top);
	/* A bit is 0.30103 digits. */
	if (bits > BITS_MAX || bits * 30103 / 100000 + 1 > w->v->limits.bytes) {
		value_put_fmt(w, "<int of %llu bits>", (unsigned long long)bits);
		return;
	}
	digits = malloc((size_t)big.n * big.bytes + 1);
	if (digits == NULL || (big.n > 0 && !value_read(w->v, digits, (size_t)big.n * big.bytes, big.at))) {
		value_put_unreadable(w, addr);
		return;
	}
	if (big.negative)
		value_put(w, "-");
	if (bits == 0)
		value_put(w, "0");
	else
		put_decimal(w, digits, &big, (size_t)bits / 3 + 1);
	if (value_is_before(w, 3, 0))
		value_put(w, "L");
}

void value_write_int_2(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	uint64_t wide;

	(void)t;
	if (!value_read_word(w->v, addr + py_head_size(l), &wide))
		value_put_unreadable(w, addr);
	else
		value_put_fmt(w, "%lld", l->word == 4 ? (long long)(int32_t)wide : (long long)wide);
}

/* A bool is an int of 0 or 1. */
void value_write_bool(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	uint64_t size = 0;

	(void)t;
	if (!value_read(w->v, &size, l->size_width, addr + py_head_size(l)))
		value_put_unreadable(w, addr);
	else
		value_put(w, (l->version >= PY_HEX(3, 12) ? size >> 3 : size) != 0 ? "True" : "False");
}

/* Add one to the last digit of a number as %e writes it. */
static void increment_last(char *text)
{
	char *at = strchr(text, 'e');

	while (at-- > text) {
		if (*at == '.' || *at == '-')
			continue;
		if (*at != '9') {
			(*at)++;
			return;
		}
		*at = '0';
	}
}

static bool reads_as(const char *text, double d, bool single)
{
	return single ? (double)strtof(text, NULL) == d : strtod(text, NULL) == d;
}

/* Set text to the shortest number in %e that is read as d. The closest number of so many digits may
 * be read as another below a power of two, while the next one is read as d. */
static void shortest_text(double d, bool single, char text[32])
{
	for (int digits = 0; digits < 17; digits++) {
		(void)snprintf(text, 32, "%.*e", digits, d);
		if (reads_as(text, d, single))
			return;
		increment_last(text);
		if (reads_as(text, d, single))
			return;
	}
	(void)snprintf(text, 32, "%.16e", d);
}

/* Write d as repr() does from 2.7 and 3.1 on: with an exponent if it is less than −4 or at least
 * 16. */
static void put_shortest(struct value_writer *w, double d, bool whole, bool single)
{
	char text[32], digits[24];
	const char *mark;
	int exponent, n = 0;
	const char *sign = "";

	shortest_text(d, single, text);
	mark = strchr(text, 'e');
	exponent = mark == NULL ? 0 : (int)strtol(mark + 1, NULL, 10);
	for (const char *at = text; at < mark && n < 20; at++) {
		if (*at >= '0' && *at <= '9')
			digits[n++] = *at;
		else if (*at == '-')
			sign = "-";
	}
	digits[n] = '\0';
	value_put(w, sign);
	if (exponent < -4 || exponent >= 16)
		value_put_fmt(w, "%c%s%se%c%02d", digits[0], n > 1 ? "." : "", digits + 1,
		    exponent < 0 ? '-' : '+', abs(exponent));
	else if (exponent < 0)
		value_put_fmt(w, "0.%.*s%s", -exponent - 1, "000", digits);
	else if (n <= exponent + 1)
		value_put_fmt(w, "%s%.*s%s", digits, exponent + 1 - n, "0000000000000000", whole ? ".0" : "");
	else
		value_put_fmt(w, "%.*s.%s", exponent + 1, digits, digits + exponent + 1);
}

/* whole: with `.0` if it is whole. */
static void put_double(struct value_writer *w, double d, bool whole, bool single)
{
	uint32_t version = value_layout(w)->version;
	char text[40];

	if (isnan(d)) {
		value_put(w, "nan");
	} else if (isinf(d)) {
		value_put(w, d < 0 ? "-inf" : "inf");
	} else if (version >= PY_HEX(3, 1) || (version >= PY_HEX(2, 7) && version < PY_HEX(3, 0))) {
		put_shortest(w, d, whole, single);
	} else {
		(void)snprintf(text, sizeof(text), "%.17g", d);
		value_put(w, text);
		if (whole && strpbrk(text, ".e") == NULL)
			value_put(w, ".0");
	}
}

void value_write_float(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	double d;

	(void)t;
	if (!value_read(w->v, &d, sizeof(d), addr + py_head_size(value_layout(w))))
		value_put_unreadable(w, addr);
	else
		put_double(w, d, true, false);
}

void value_write_complex(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	double parts[2];

	(void)t;
	if (!value_read(w->v, parts, sizeof(parts), addr + py_head_size(value_layout(w)))) {
		value_put_unreadable(w, addr);
		return;
	}
	if (parts[0] != 0 || signbit(parts[0]) || isnan(parts[0])) {
		value_put(w, "(");
		put_double(w, parts[0], false, false);
		if (!signbit(parts[1]) || isnan(parts[1]))
			value_put(w, "+");
		put_double(w, parts[1], false, false);
		value_put(w, "j)");
	} else {
		put_double(w, parts[1], false, false);
		value_put(w, "j");
	}
}

void value_put_double(struct value_writer *w, double d, bool single)
{
	put_double(w, d, true, single);
}

bool value_is_one(struct py_values *v, uint64_t addr)
{
	const struct py_value_type *t = value_type_of(v, addr);
	struct big big;
	uint32_t digit = 0;
	uint64_t wide;

	if (t != NULL &&
	    (t->kind == VALUE_INT_2 || (t->kind == VALUE_BOOL && v->rt->layout.version < PY_HEX(3, 0))))
		return value_read_word(v, addr + py_head_size(&v->rt->layout), &wide) && wide == 1;
	return t != NULL && (t->kind == VALUE_INT || t->kind == VALUE_BOOL) && locate_int(v, addr, t, &big) &&
	       big.n == 1 && !big.negative && value_read(v, &digit, big.bytes, big.at) && digit == 1;
}
