/* PRIVATE to lib/python/tasks: objects that a reading of tasks meets. Functions that return a
 * bool return false, and leave their results unchanged, if the object is another or cannot be
 * read. */
#ifndef PYTHON_TASK_OBJECTS_H
#define PYTHON_TASK_OBJECTS_H

#include "python/tasks/task_reader.h"

/* Out of memory: false, and r->res is RES_FAIL. */
bool task_no_memory(struct task_reader *r);

/* The word `index` words after the end of the head of the object at addr. */
bool task_word(struct task_reader *r, uint64_t addr, unsigned index, uint64_t *out);

/* The word `offset` bytes after addr. */
bool task_at(struct task_reader *r, uint64_t addr, uint32_t offset, uint64_t *out);

/* What the object at addr is; TASK_KIND_NONE: there is none, or it cannot be read. */
enum task_kind task_kind_of(struct task_reader *r, uint64_t addr);

static inline bool task_is_future(enum task_kind k)
{
	return k >= TASK_KIND_TASK && k <= TASK_KIND_PY_FUTURE;
}
static inline bool task_is_c(enum task_kind k)
{
	return k == TASK_KIND_TASK || k == TASK_KIND_FUTURE;
}

/* The last part of the name of its type; "" if it cannot be read. */
void task_type_name(struct task_reader *r, uint64_t addr, char *out, size_t n);

/* The value of the attribute in the object's dict. */
bool task_attribute(struct task_reader *r, uint64_t addr, enum task_name name, uint64_t *out);

/* The value for `text` of the dict at addr. False, and r->unread is set: it may have one. */
bool task_item(struct task_reader *r, uint64_t dict, const char *text, uint64_t *out);

/* The dict of the module `name` of an interpreter. False and r->unread: it may have that module. */
bool task_module_dict(struct task_reader *r, uint64_t interp, const char *name, uint64_t *out);

/* A non-negative int of at most 64 bits. */
bool task_int(struct task_reader *r, uint64_t addr, uint64_t *out);

/* The items of a list or tuple, at most `max`. *whole: there are no more, and all could be read;
 * None has no items. */
size_t task_sequence(struct task_reader *r, uint64_t addr, uint64_t *out, size_t max, bool *whole);

/* Count n entries of sets, or callbacks. False: no more may be read. */
bool task_visit(struct task_reader *r, uint64_t n);

/* True if the object at addr is None. */
bool task_is_none(struct task_reader *r, uint64_t addr);

/* Call take for each element of the set at addr until it returns false. False: the set cannot be
 * read whole, or no more may be read. */
bool task_set_each(
    struct task_reader *r, uint64_t addr, bool (*take)(struct task_reader *, uint64_t, void *), void *data);

#endif
