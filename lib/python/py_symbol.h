/* PRIVATE to lib/python: symbols of an interpreter's binary. */
#ifndef PYTHON_PY_SYMBOL_H
#define PYTHON_PY_SYMBOL_H

#include <libproc.h>
#include <stdint.h>

/* The address in P of a symbol that the object at path `object` defines; 0: it does not. */
uint64_t py_symbol_address(struct ps_prochandle *P, const char *object, const char *name);

#endif
