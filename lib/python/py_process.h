/* PRIVATE to lib/python: what is known of the interpreters of one process.
 *
 *   py_process ─┬─ runtimes[]  address, version, layout, types learned
 *               └─ codes[]     code objects read so far, by address (py_code.c) */
#ifndef PYTHON_PY_PROCESS_H
#define PYTHON_PY_PROCESS_H

#include "base/addrmap.h"
#include "python/layout/py_layout.h"
#include "python/python.h"

enum { PY_INTERPS_MAX = 1 << 16 }; /* far above anything real, low enough to end */

struct py_code_entry;

struct py_runtime {
	uint64_t addr;    /* of _PyRuntime */
	uint32_t version; /* PY_VERSION_HEX */
	enum py_found found;
	struct py_layout layout;
	uint64_t current; /* up to 3.6: address of _PyThreadState_Current; 0: unknown */
	/* Up to 3.6: addresses of the GIL's condition variable (3.2 on), of the pointer to the GIL
	 * (up to 3.1), of the collector's flag; 0: unknown, as in a stripped build. */
	uint64_t gil_condition, gil_lock, collecting;
	char *object;         /* path of its binary, owned */
	const char *mismatch; /* how memory contradicts the layout, if there is no better one; else NULL */
	/* Type objects, 0 while not known: by symbol, or learned from the first object that proves
	 * to be of the type. */
	uint64_t code_type, frame_type, str_type, dict_type, module_type, bool_type;
};

/* The late line table that was read last (py_table.c). */
struct py_late_table {
	uint64_t at; /* 0: none */
	size_t len;
	uint32_t generation;
	uint8_t *bytes;
};

struct py_process {
	struct ps_prochandle *P;     /* the caller's */
	struct ps_prochandle *later; /* the caller's; late line tables are read from it */
	struct py_late_table late;
	VEC(struct py_runtime) runtimes;
	VEC(struct py_code_entry *) codes;
	struct addrmap code_index; /* address → index in codes of the latest code object there */
	VEC(uint32_t) replaced;    /* indices of code objects replaced in this generation */
	VEC(uint32_t) spare;       /* indices of those replaced in earlier generations: free */
	struct addrmap seen;       /* scratch: nodes of the list being walked */
	size_t interps;            /* interpreters found by the last py_threads_read */
	uint32_t epoch;            /* counts py_stack_read: a check holds for one epoch */
	uint32_t generation;       /* counts py_process_move: strings and tables are read once in each */
};

#endif
