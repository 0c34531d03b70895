/* PRIVATE to lib/python: dicts of the target, and attributes of its objects. */
#ifndef PYTHON_PY_DICT_H
#define PYTHON_PY_DICT_H

#include "python/py_process.h"

/* The entries of a dict, in turn. */
struct py_dict {
	struct ps_prochandle *P; /* the caller's */
	struct py_runtime *rt;   /* the caller's */
	/* The live process that P is a copy of: keys that are far apart are read from it, many by
	 * one call. NULL: from P. The caller may set it. */
	struct ps_prochandle *live;
	uint64_t entries;       /* address of the first one */
	uint32_t count, next;   /* entries, used or not; the one to be read next */
	uint32_t most;          /* entries that it may have */
	bool hashed;            /* an entry begins with a hash */
	uint64_t values;        /* of a split dict: address of the values; 0: they are in the entries */
	uint8_t bytes[32 * 24]; /* entries from `first` on, n of them */
	uint32_t first, n;
	bool failed; /* an entry could not be read, or, in a search, its key */
};

/* An entry that is in use. */
struct py_dict_entry {
	uint64_t hash; /* 0 if the dict keeps none */
	uint64_t key, value;
};

/* Begin with the first entry of the dict at addr. False: it is not a dict, or its layout is not
 * known. */
bool py_dict_open(struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, struct py_dict *out);

/* The same for an instance of a class derived from dict, of any size: the caller has proved its
 * type, and bounds what is read. */
bool py_dict_open_derived(struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, struct py_dict *out);

/* Begin with the first attribute of the object at addr. False also if it has no dict. */
bool py_attributes_open(struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, struct py_dict *out);

/* Go to the next entry that is in use. False: there is none, or it cannot be read. */
bool py_dict_next(struct py_dict *d, struct py_dict_entry *out);

/* True if the object at addr is a str with exactly this text, which is ASCII. */
bool py_text_is(struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr, const char *text);

/* Find the entry whose key is this str, from the first entry on. *key: address of the key that an
 * earlier search for this text found, so that no strings need to be read; 0: none. It is set to the
 * key that was found. False: there is no such entry, or it cannot be read (d->failed). */
bool py_dict_find(struct py_dict *d, const char *text, uint64_t *key, struct py_dict_entry *out);

#endif
