/* PRIVATE to lib/python: str and bytes objects of the target. */
#ifndef PYTHON_PY_TEXT_H
#define PYTHON_PY_TEXT_H

#include "python/py_process.h"

enum { PY_TEXT_MAX = 64 << 10, PY_TABLE_MAX = 16 << 20 };

/* The str object at addr as UTF-8 (lone surrogates in three bytes, as WTF-8 has them), cut after
 * PY_TEXT_MAX code points; for 2.x the bytes unchanged. *out is malloc'd, of *len bytes and a NUL.
 * RES_FAIL: not a str, or unreadable. */
enum res py_text_read(
    struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, char **out, size_t *len, struct fault *f);

/* The content of the bytes object at addr, malloc'd. RES_NONE: it is longer than `most`. RES_FAIL:
 * unreadable, or out of memory. */
enum res py_bytes_read(struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, size_t most,
    uint8_t **out, size_t *len);

/* Address and length of that content. RES_FAIL: unreadable. */
enum res py_bytes_where(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, uint64_t *start, uint64_t *len);

#endif
