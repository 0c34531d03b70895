/* See cython_name.h.
 *
 * "_1a_2b" is a function "b" in a scope "a", or a function "a_2b". The first is more likely by far,
 * since the number before "a" is its length, but not certain. */
#include "symbol/cython_name.h"

#include <stdlib.h>
#include <string.h>

enum { SCOPES_MAX = 16, DIGITS_MAX = 4 };

enum number { NUMBERED, MAY_BE, NOT };

/* The wrapper that Python calls, what it calls, and functions of C. */
static const struct {
	const char *prefix;
	enum number number;
} kinds[] = { { "__pyx_pw_", NUMBERED }, { "__pyx_pf_", MAY_BE }, { "__pyx_f_", NOT } };
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* The kind of the name, and what follows the prefix. NULL: it is none. */
static const char *after_prefix(const char *name, enum number *number)
{
	for (size_t i = 0; i < KINDS; i++) {
		size_t n = strlen(kinds[i].prefix);

		if (strncmp(name, kinds[i].prefix, n) == 0) {
			*number = kinds[i].number;
			return name + n;
		}
	}
	return NULL;
}

bool cython_is_function(const char *name)
{
	enum number number;

	return name[0] == '_' && name[1] == '_' && after_prefix(name, &number) != NULL;
}

/* The name of a scope at `at`, which has its length before it and an underscore after it. */
static bool take_scope(const char **at, const char **scope, size_t *n)
{
	size_t digits = strspn(*at, "0123456789");

	if (digits == 0 || digits > DIGITS_MAX || **at == '0')
		return false;
	*n = (size_t)strtoull(*at, NULL, 10);
	*scope = *at + digits;
	if (strnlen(*scope, *n) < *n || (*scope)[*n] != '_' || (*scope)[*n + 1] == '\0')
		return false;
	*at = *scope + *n + 1;
	return true;
}

static bool is_function(const char *at, enum number number)
{
	size_t digits = strspn(at, "0123456789");

	return at[digits] != '\0' && (number == MAY_BE || (digits > 0) == (number == NUMBERED));
}

static char *append_part(char *at, const char *text, size_t n)
{
	memcpy(at, text, n);
	return at + n;
}

char *cython_name(const char *name)
{
	enum number number = NOT;
	const char *at = after_prefix(name, &number), *scope;
	char *out = at == NULL ? NULL : malloc(2 * strlen(name) + 2), *end = out;
	size_t n, readings = 0;

	if (out == NULL)
		return NULL;
	/* The first scope is the module. */
	for (size_t i = 0; i < SCOPES_MAX && take_scope(&at, &scope, &n); i++) {
		end = append_part(append_part(end, scope, n), ".", 1);
		readings += is_function(at, number);
	}
	if (end == out || !is_function(at, number)) {
		free(out);
		return NULL;
	}
	at += strspn(at, "0123456789");
	end = append_part(end, at, strlen(at));
	(void)append_part(end, readings > 1 ? "?" : "", readings > 1 ? 2 : 1);
	return out;
}
