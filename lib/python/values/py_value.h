/* The text of any object of a target in the spelling of its Python's repr(), without running any
 * code of the target.
 *
 * A class of Python may have any __repr__, which is never called: such an object is shown by its
 * type and attributes. An object of an unknown layout is `<module.Type at 0x…>`. */
#ifndef PYTHON_PY_VALUE_H
#define PYTHON_PY_VALUE_H

#include "base/addrmap.h"
#include "base/vec.h"
#include "python/py_process.h"

/* What one text may be. The values beyond a limit are left out, and `...` stands in their place. */
struct py_value_limits {
	size_t bytes;   /* of the text, without its final `...` */
	uint32_t items; /* of each container */
	uint32_t depth; /* levels of containers inside one another */
};

/* Bytes of the target that are read at most for one struct py_values, and for one value. A read
 * counts as PY_VALUES_READ bytes at least. */
enum { PY_VALUES_BUDGET = 64 << 20, PY_VALUE_BUDGET = 4 << 20, PY_VALUES_READ = 64 };

struct py_value_type;

/* What is known while texts of one interpreter's objects are made. */
struct py_values {
	struct ps_prochandle *P; /* the caller's */
	struct py_runtime *rt;   /* the caller's */
	struct py_value_limits limits;
	uint64_t budget;                   /* bytes that may still be read */
	uint64_t left;                     /* of them for the value that is being written */
	size_t unreadable;                 /* objects so far that could not be read, or were missing */
	VEC(struct py_value_type *) types; /* types of the objects so far */
	struct addrmap type_index;         /* address of a type → index in types */
	/* Addresses of keys that were found in a dict (py_dict_find); 0: none yet. */
	uint64_t key_module, key_fields, key_name, key_file, key_spec, key_origin, key_location,
	    key_dataclass;
};

/* Begin with texts of objects of interpreter rt, whose memory is read from P. Both must outlive v.
 * Reads nothing. */
void py_values_begin(
    struct py_values *v, struct ps_prochandle *P, struct py_runtime *rt, struct py_value_limits limits);

/* Set *out to the text of the object at addr, which the caller frees: UTF-8, *len bytes and a NUL,
 * escaped like repr()'s, so that it needs no further escapes: beyond ASCII, control characters,
 * bidirectional controls and unpaired surrogates are escaped. If it has more bytes than the limit,
 * it is truncated and ends in `...`. RES_NONE: v's budget is used up. RES_FAIL: there is no object,
 * or it cannot be read, or out of memory. */
enum res py_value_text(struct py_values *v, uint64_t addr, char **out, size_t *len);

/* Free what belongs to v. */
void py_values_end(struct py_values *v);

/* The object that a word of a frame's variables or value stack refers to. False: none, the variable
 * is unbound; or the word is not a reference (3.14+: an int of the interpreter's own, never a
 * variable). */
static inline bool py_value_untag(const struct py_layout *l, uint64_t word, uint64_t *addr)
{
	enum { TAG_INT = 3 }; /* CPython 3.14 pycore_stackref.h */

	if (l->tag_mask != 0 && (word & l->tag_mask) == TAG_INT)
		return false;
	word &= ~(uint64_t)l->tag_mask;
	if (word == 0)
		return false;
	*addr = word;
	return true;
}

#endif
