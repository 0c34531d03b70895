/* PRIVATE to lib/python: finding an interpreter by the content of a module's writable memory. */
#ifndef PYTHON_PY_SCAN_H
#define PYTHON_PY_SCAN_H

#include "python/py_process.h"

struct py_region {
	uint64_t lo, hi;
};
typedef VEC(struct py_region) py_regions;

/* The version, by the text that Py_GetVersion builds in a static buffer, `X.Y.Z (build)
 * \n[compiler`. 0: not found. Every version builds it when it starts. */
uint32_t py_scan_version(struct ps_prochandle *P, const py_regions *regions);

/* The version in such a text, "3.12.1 (main, …", as PY_VERSION_HEX; 0: it is not such a text. */
uint32_t py_version_of_text(const char *text);

/* The version in a file name, `libpython3.9.so.1.0`, `python3.11`: major and minor; 0: none. */
uint32_t py_version_of_name(const char *path);

/* Addresses of published offset structures (3.13+) into *out, which is emptied first. False:
 * none. */
bool py_scan_cookies(struct ps_prochandle *P, const py_regions *regions, py_addresses *out);

/* The address that _PyRuntime must have for interpreters.head and interpreters.main, recognised by
 * what they point to, to be at their offsets in layout l. RES_NONE: not found. */
enum res py_scan_runtime(
    struct ps_prochandle *P, const py_regions *regions, const struct py_layout *l, uint64_t *addr);

/* True if the frames of some thread of the runtime at addr can be decoded with layout l. */
bool py_scan_decodes(struct ps_prochandle *P, const struct py_layout *l, uint64_t addr);

#endif
