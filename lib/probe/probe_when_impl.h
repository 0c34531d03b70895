/* Shared by the files of the parser of conditions. Private to probe_when*.c. */
#ifndef PROBE_PROBE_WHEN_IMPL_H
#define PROBE_PROBE_WHEN_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "probe/probe_when.h"

struct when_parse {
	const char *text; /* the whole condition */
	const char *at;   /* what is not parsed yet */
	const struct probe_when_names *names;
	struct probe_when *out;
	struct fault *f;
	unsigned depth; /* open parentheses */
};

/* A word of the condition; not NUL-terminated. */
struct when_word {
	const char *at;
	size_t n;
};

/* The left side of a comparison. */
struct when_subject {
	struct when_word word; /* as written */
	uint8_t subject;       /* enum probe_when_subject */
	enum probe_when_kind kind;
	uint8_t bytes;
};

/* A number as written: -magnitude if `negative`. */
struct when_number {
	const char *at;
	size_t n;
	uint64_t magnitude;
	bool negative;
	bool is_bits; /* hexadecimal or octal */
};

/* A text in quotes. `open_*`: there was an asterisk without a backslash at that end. */
struct when_text {
	uint8_t byte[PROBE_WHEN_PATTERN];
	size_t n;
	bool open_start, open_end;
};

/* --- probe_when_scan.c --- */

/* Fill the fault with "character N: …", for the character at `at`. Returns RES_FAIL. */
enum res when_fail(const struct when_parse *p, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with "character N: expected WHAT, found …". */
enum res when_expected(const struct when_parse *p, const char *at, const char *what);

/* Take the spaces that are next, if any. */
void when_skip_spaces(struct when_parse *p);

/* Take `token` and the spaces before it. False: something else is there; only spaces are taken. */
bool when_take(struct when_parse *p, const char *token);

/* Take a name (letters, digits, _ and ., no digit or . first). False: none is there. */
bool when_take_word(struct when_parse *p, struct when_word *out);

/* True if the word is `name`. */
bool when_word_is(const struct when_word *word, const char *name);

/* Take a number, or a text whose opening quote is next. `is_pattern`: asterisks are allowed at its
 * ends. RES_FAIL: see the fault. */
enum res when_take_number(struct when_parse *p, struct when_number *out);
enum res when_take_text(struct when_parse *p, bool is_pattern, struct when_text *out);

/* --- probe_when_names.c --- */

/* Take the left side of a comparison. RES_FAIL: see the fault. */
enum res when_take_subject(struct when_parse *p, struct when_subject *out);

/* True if a cast of a number, as "(int32)", is next. */
bool when_is_cast(const struct when_parse *p);

#endif
