/* For the files report/json*.c, and for at_json.c of cmd: the members of a JSON object, kept and
 * written by jansson.
 *
 * jansson keeps a value until it is written, and writes no document in parts. A stack may have a
 * million frames, so each frame, and what precedes and follows the threads, is an object of its
 * own, and is freed once it is written. */
#ifndef REPORT_JSON_MEMBERS_H
#define REPORT_JSON_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

struct members {
	json_t *object;
	bool failed;    /* out of memory: a member is missing */
	bool deceptive; /* a text has code points that a terminal should not get */
};

/* No members. members_write or members_free ends it. */
struct members members_begin(void);
/* The same with the members that every line begins with. */
struct members json_line_begin(const char *type);
void members_free(struct members *m);

/* Add a member. Keys are constants. A text of the target may hold any bytes, and is made valid
 * UTF-8 (escape_invalid). A clean text is valid UTF-8 already. */
void members_text(struct members *m, const char *key, const char *text, size_t n);
void members_clean(struct members *m, const char *key, const char *text);
void members_hex(struct members *m, const char *key, uint64_t value);
void members_bytes(struct members *m, const char *key, const uint8_t *bytes, size_t n); /* in hex */
void members_number(struct members *m, const char *key, int64_t value);
void members_bool(struct members *m, const char *key, bool value);
/* Take over value; NULL: out of memory. */
void members_value(struct members *m, const char *key, json_t *value);

/* End *m: its object, for members_value or json_array_append_new; NULL: out of memory. `to` becomes
 * deceptive if m is. */
json_t *members_take(struct members *m, struct members *to);

/* A text of the target as a value, for arrays. NULL: out of memory. */
json_t *members_text_value(struct members *m, const char *text, size_t n);

/* Append the object without its braces to out, and end *m. False: out of memory; out is
 * unchanged. */
bool members_write(struct members *m, struct strbuf *out);

#endif
