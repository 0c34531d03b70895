/* PRIVATE to lib/python: str and bytes objects of the target. */
#ifndef PYTHON_PY_TEXT_H
#define PYTHON_PY_TEXT_H

#include "python/py_process.h"

enum { PY_TEXT_MAX = 64 << 10, PY_TABLE_MAX = 16 << 20 };

/* A copy of text of the target. */
struct py_string {
	char *text; /* n bytes and a NUL, malloc'd: the caller frees it */
	size_t n;
};

/* Read the str object at addr as UTF-8 (lone surrogates in three bytes, as WTF-8 has them), cut
 * after PY_TEXT_MAX code points; for 2.x the bytes unchanged. RES_FAIL: not a str, unreadable, or
 * out of memory; *out is unchanged. */
enum res py_text_read(
    struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, struct py_string *out, struct fault *f);

/* A copy of the content of a bytes object. */
struct py_bytes {
	uint8_t *at; /* malloc'd: the caller frees it */
	size_t n;
};

/* Read the content of the bytes object at addr. RES_NONE: it is longer than `most`. RES_FAIL:
 * unreadable, or out of memory. *out is changed by RES_OK only. */
enum res py_bytes_read(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, size_t most, struct py_bytes *out);

/* The characters of a string. */
struct py_text_chars {
	uint64_t at;
	uint64_t length; /* in characters */
	unsigned width;  /* bytes each: 1, 2 or 4 */
	bool ascii;
	bool pairs; /* two surrogates are one character */
};

/* Find the characters of the str at addr (3.0+), or of an instance of a class derived from str: the
 * caller has proved its type. False: unreadable, or damaged. */
bool py_text_locate(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, struct py_text_chars *out);

/* Read those characters as py_text_read does. The caller bounds their number. */
enum res py_text_read_chars(
    struct ps_prochandle *P, const struct py_text_chars *chars, struct py_string *out, struct fault *f);

/* Address and length of that content. RES_FAIL: unreadable. */
enum res py_bytes_where(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, uint64_t *start, uint64_t *len);

#endif
