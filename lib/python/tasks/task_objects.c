/* Objects that a reading of tasks meets: what they are, and what is in them. */
#include "python/tasks/task_objects.h"

#include <stdio.h>
#include <string.h>

#include "python/objects/py_dict.h"
#include "python/objects/py_text.h"
#include "python/objects/py_type.h"
#include "python/tasks/task_reader.h"

bool task_no_memory(struct task_reader *r)
{
	r->res = fault_memory(r->f);
	return false;
}

bool task_at(struct task_reader *r, uint64_t addr, uint32_t offset, uint64_t *out)
{
	return py_pointer_sane(addr, r->rt->layout.word) &&
	       py_read_word(r->P, &r->rt->layout, addr, PY_AT(offset), out);
}

bool task_word(struct task_reader *r, uint64_t addr, unsigned index, uint64_t *out)
{
	const struct py_layout *l = &r->rt->layout;

	return task_at(r, addr, py_head_size(l) + index * l->word, out);
}

/* --- types --- */

struct named_kind {
	const char *name;
	enum task_kind kind;
};

/* Types whose instances are recognised, but not those of their subclasses. */
static const struct named_kind exact_kinds[] = { { "coroutine", TASK_KIND_GENERATOR },
	{ "generator", TASK_KIND_GENERATOR }, { "async_generator", TASK_KIND_GENERATOR },
	{ "coroutine_wrapper", TASK_KIND_WRAPPER }, { "async_generator_asend", TASK_KIND_WRAPPER },
	{ "async_generator_athrow", TASK_KIND_WRAPPER }, { "anext_awaitable", TASK_KIND_WRAPPER },
	{ "_asyncio.FutureIter", TASK_KIND_FUTURE_ITER }, { "weakref", TASK_KIND_WEAKREF },
	{ "weakref.ReferenceType", TASK_KIND_WEAKREF }, { "set", TASK_KIND_SET }, { "list", TASK_KIND_LIST },
	{ "tuple", TASK_KIND_TUPLE }, { "dict", TASK_KIND_DICT }, { "int", TASK_KIND_INT },
	{ "str", TASK_KIND_STR }, { "function", TASK_KIND_FUNCTION }, { "method", TASK_KIND_METHOD },
	{ "builtin_function_or_method", TASK_KIND_BUILTIN }, { "functools.partial", TASK_KIND_PARTIAL },
	{ "TaskWakeupMethWrapper", TASK_KIND_WAKEUP }, { "TaskStepMethWrapper", TASK_KIND_WAKEUP },
	{ "TaskWakeup", TASK_KIND_WAKEUP } };

/* Types whose subclasses count as well. */
static const struct named_kind base_kinds[] = { { "_asyncio.Task", TASK_KIND_TASK },
	{ "_asyncio.Future", TASK_KIND_FUTURE }, { "Task", TASK_KIND_PY_TASK },
	{ "Future", TASK_KIND_PY_FUTURE } };

static enum task_kind kind_named(const struct named_kind *kinds, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].kind;
	}
	return TASK_KIND_OTHER;
}

static bool read_type_name(struct task_reader *r, uint64_t type, char *out, size_t n)
{
	const struct py_layout *l = &r->rt->layout;
	uint64_t name;

	return py_pointer_sane(type, l->word) && py_read_word(r->P, l, type, l->type.name, &name) &&
	       name != 0 && Pread_string(r->P, out, n, (uintptr_t)name) >= 0;
}

/* A class may be called Task and inherit from _asyncio's: the base that is of C decides. A type
 * that cannot be read is of no kind, so that nobody takes it for another one. */
static enum task_kind find_kind(struct task_reader *r, uint64_t type)
{
	enum { BASES_MAX = 32 };
	const struct py_layout *l = &r->rt->layout;
	enum task_kind found = TASK_KIND_OTHER;
	char name[64];

	for (int i = 0; i < BASES_MAX && type != 0; i++) {
		enum task_kind kind;

		if (!read_type_name(r, type, name, sizeof(name)))
			return TASK_KIND_NONE;
		if (i == 0) {
			kind = kind_named(exact_kinds, sizeof(exact_kinds) / sizeof(exact_kinds[0]), name);
			if (kind != TASK_KIND_OTHER)
				return kind;
		}
		kind = kind_named(base_kinds, sizeof(base_kinds) / sizeof(base_kinds[0]), name);
		if (kind == TASK_KIND_TASK || kind == TASK_KIND_FUTURE)
			return kind;
		if (found == TASK_KIND_OTHER)
			found = kind;
		/* tp_base: eleven words after tp_flags (Include/cpython/object.h) */
		if (!py_read_word(r->P, l, type, l->type.flags + 11U * l->word, &type))
			return TASK_KIND_NONE;
	}
	return found;
}

static bool type_of(struct task_reader *r, uint64_t addr, uint64_t *type)
{
	const struct py_layout *l = &r->rt->layout;

	return py_pointer_sane(addr, l->word) && py_read_word(r->P, l, addr, l->object.type, type) &&
	       py_pointer_sane(*type, l->word);
}

enum task_kind task_kind_of(struct task_reader *r, uint64_t addr)
{
	uint64_t type;
	uint32_t kind;

	if (!type_of(r, addr, &type))
		return TASK_KIND_NONE;
	if (addrmap_get(&r->kinds, type, &kind))
		return (enum task_kind)kind;
	kind = find_kind(r, type);
	if (kind != TASK_KIND_NONE && !addrmap_put(&r->kinds, type, kind))
		(void)task_no_memory(r);
	return (enum task_kind)kind;
}

void task_type_name(struct task_reader *r, uint64_t addr, char *out, size_t n)
{
	char name[128];
	const char *last;
	uint64_t type;

	out[0] = '\0';
	if (!type_of(r, addr, &type) || !read_type_name(r, type, name, sizeof(name)))
		return;
	last = strrchr(name, '.');
	(void)snprintf(out, n, "%.*s", (int)n - 1, last != NULL ? last + 1 : name);
}

/* --- dicts --- */

bool task_item(struct task_reader *r, uint64_t dict, const char *text, uint64_t *out)
{
	struct py_dict d;
	struct py_dict_entry entry;
	uint64_t key = 0;

	if (!py_dict_open(r->P, r->rt, dict, &d)) {
		r->unread |= dict != 0;
		return false;
	}
	if (!py_dict_find(&d, text, &key, &entry)) {
		r->unread |= d.failed;
		return false;
	}
	*out = entry.value;
	return true;
}

static bool find_attribute(
    struct task_reader *r, uint64_t addr, const char *text, uint64_t *key, uint64_t *out)
{
	enum { ATTRIBUTES_MAX = 4096 };
	struct py_dict d;
	struct py_dict_entry entry;

	if (!py_attributes_open(r->P, r->rt, addr, &d) || d.count > ATTRIBUTES_MAX ||
	    !py_dict_find(&d, text, key, &entry))
		return false;
	*out = entry.value;
	return true;
}

bool task_attribute(struct task_reader *r, uint64_t addr, enum task_name name, uint64_t *out)
{
	static const char *const names[] = { [TASK_NAME_CORO] = "_coro",
		[TASK_NAME_WAITER] = "_fut_waiter",
		[TASK_NAME_NAME] = "_name",
		[TASK_NAME_LOOP] = "_loop",
		[TASK_NAME_CALLBACKS] = "_callbacks",
		[TASK_NAME_AWAITED_BY] = "_Future__asyncio_awaited_by",
		[TASK_NAME_PARENT] = "_parent_task",
		[TASK_NAME_THREAD] = "_thread_id",
		[TASK_NAME_DATA] = "data" };

	return find_attribute(r, addr, names[name], &r->key[name], out);
}

bool task_module_dict(struct task_reader *r, uint64_t interp, const char *name, uint64_t *out)
{
	const struct py_layout *l = &r->rt->layout;
	uint64_t modules, module, type;

	r->unread = false;
	if (l->more.modules == 0)
		return false;
	if (!py_read_word(r->P, l, interp, l->more.modules, &modules)) {
		r->unread = true;
		return false;
	}
	if (!task_item(r, modules, name, &module))
		return false;
	if (!py_read_word(r->P, l, module, l->object.type, &type)) {
		r->unread = true;
		return false;
	}
	switch (py_type_match(r->P, l, type, "module", &r->rt->module_type)) {
	case PY_TYPE_OTHER:
		return false;
	case PY_TYPE_SAME:
		r->unread = !task_word(r, module, 0, out);
		return !r->unread;
	case PY_TYPE_UNREAD:
		break;
	}
	r->unread = true;
	return false;
}

/* --- values --- */

/* Digits of 30 bits (15 with words of 4) after a size, which from 3.12 on is above three bits of
 * flags (Include/cpython/longintrepr.h). */
bool task_int(struct task_reader *r, uint64_t addr, uint64_t *out)
{
	enum { DIGITS_MAX = 5 };
	const struct py_layout *l = &r->rt->layout;
	bool tagged = l->version >= PY_HEX(3, 12);
	unsigned bits = l->word == 8 ? 30 : 15, width = bits == 30 ? 4 : 2;
	uint64_t size, value = 0;

	if (task_kind_of(r, addr) != TASK_KIND_INT || !task_word(r, addr, 0, &size) ||
	    (tagged && (size & 3) == 2))
		return false;
	size = tagged ? size >> 3 : size;
	if (size > DIGITS_MAX)
		return false;
	for (unsigned i = (unsigned)size; i-- > 0;) {
		uint32_t digit = 0;

		if (!py_read(r->P, &digit, width, addr + py_head_size(l) + l->word + (uint64_t)i * width))
			return false;
		value = value << bits | digit;
	}
	*out = value;
	return true;
}

bool task_is_none(struct task_reader *r, uint64_t addr)
{
	char name[16];

	task_type_name(r, addr, name, sizeof(name));
	return strcmp(name, "NoneType") == 0;
}

size_t task_sequence(struct task_reader *r, uint64_t addr, uint64_t *out, size_t max, bool *whole)
{
	const struct py_layout *l = &r->rt->layout;
	enum task_kind kind = task_kind_of(r, addr);
	uint64_t size, items;
	size_t n = 0;

	*whole = addr == 0 || task_is_none(r, addr);
	if ((kind != TASK_KIND_LIST && kind != TASK_KIND_TUPLE) || !task_word(r, addr, 0, &size))
		return 0;
	items = addr + py_head_size(l) + l->word;
	/* From 3.14 on a tuple has its hash in front of its items. */
	if (kind == TASK_KIND_TUPLE && l->version >= PY_HEX(3, 14))
		items += l->word;
	if (kind == TASK_KIND_LIST && !task_word(r, addr, 1, &items))
		return 0;
	while (n < max && n < size && task_at(r, items, (uint32_t)n * l->word, &out[n]))
		n++;
	*whole = n == size;
	return n;
}

bool task_visit(struct task_reader *r, uint64_t n)
{
	if (n > TASK_VISITS_MAX - r->visits)
		return false;
	r->visits += (uint32_t)n;
	return true;
}

/* fill, used, mask, table; an entry is a key and its hash, which of a deleted one is −1
 * (Include/setobject.h, Objects/setobject.c). */
bool task_set_each(
    struct task_reader *r, uint64_t addr, bool (*take)(struct task_reader *, uint64_t, void *), void *data)
{
	enum { ENTRIES_MAX = 1 << 20, SOME = 128 };
	const struct py_layout *l = &r->rt->layout;
	uint8_t bytes[SOME * 16], word = l->word;
	uint64_t mask, table;

	if (task_kind_of(r, addr) != TASK_KIND_SET || !task_word(r, addr, 2, &mask) ||
	    !task_word(r, addr, 3, &table) || mask >= ENTRIES_MAX || !py_pointer_sane(table, word) ||
	    !task_visit(r, mask + 1))
		return false;
	for (uint64_t i = 0; i <= mask;) {
		uint64_t n = mask + 1 - i < SOME ? mask + 1 - i : SOME;

		if (!py_read(r->P, bytes, n * 2U * word, table + i * 2U * word))
			return false;
		for (uint64_t k = 0; k < n; k++) {
			uint64_t key = 0;

			memcpy(&key, bytes + k * 2U * word, word);
			if (key != 0 && !take(r, key, data))
				return true;
		}
		i += n;
	}
	return true;
}
