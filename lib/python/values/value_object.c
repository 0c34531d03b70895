/* Objects of classes: by attributes. Attributes are in a dict or, if the class names them, in slots
 * of the object, which the type describes after itself: {name, type, offset, flags, doc} each
 * (Include/structmember.h). */
#include "python/values/value_object.h"

#include "base/owned.h"
#include "python/objects/py_dict.h"
#include "python/objects/py_text.h"
#include "python/values/value.h"
#include "python/values/value_entries.h"
#include "python/values/value_items.h"
#include "python/values/value_numbers.h"
#include "python/values/value_put.h"
#include "python/values/value_read.h"
#include "python/values/value_types.h"

enum { CLASSES_MAX = 32, SLOTS_MAX = 256, LARGEST = 1 << 20 };

/* Open the dict of an object of varying size: its place is counted from the end of the object. */
static bool open_at_end(
    struct py_values *v, uint64_t addr, const struct py_value_type *t, struct py_dict *out)
{
	const struct py_layout *l = &v->rt->layout;
	int64_t size = 0, offset = l->word == 4 ? (int32_t)t->dictoffset : (int64_t)t->dictoffset;
	uint64_t end, dict;

	if (offset >= 0 || offset < -LARGEST || t->basicsize > LARGEST || t->itemsize > 64 ||
	    !value_read(v, &size, l->size_width, addr + py_head_size(l)))
		return false;
	if (l->size_width == 4)
		size = (int32_t)size;
	if (size < 0)
		size = -size;
	if (size > LARGEST)
		return false;
	end = t->basicsize + (uint64_t)size * t->itemsize;
	end = (end + l->word - 1) / l->word * l->word;
	return value_read_word(v, addr + end + (uint64_t)offset, &dict) && value_charge(v, 128) &&
	       py_dict_open(v->P, v->rt, dict, out);
}

static bool open_attributes(
    struct py_values *v, uint64_t addr, const struct py_value_type *t, struct py_dict *out)
{
	if (!value_charge(v, 256))
		return false;
	return py_attributes_open(v->P, v->rt, addr, out) || open_at_end(v, addr, t, out);
}

/* One slot of a class. */
struct slot {
	uint64_t name, offset;
	bool object; /* a pointer to one */
};

/* The number of slots that the class t adds, and where they are described. */
static unsigned find_slots(struct py_values *v, const struct py_value_type *t, uint64_t *at)
{
	const struct py_layout *l = &v->rt->layout;
	const struct py_value_type *meta = value_type_get(v, t->meta);
	uint64_t n = 0;

	if (!t->heap || meta == NULL || meta->basicsize > LARGEST ||
	    !value_read(v, &n, l->size_width, t->addr + py_head_size(l)) || n > SLOTS_MAX)
		return 0;
	*at = t->addr + meta->basicsize;
	return (unsigned)n;
}

static bool read_slot(struct py_values *v, uint64_t at, struct slot *out)
{
	enum { OBJECT = 6, OBJECT_EX = 16 };
	uint8_t word = v->rt->layout.word;
	int32_t type;

	if (!value_read_word(v, at, &out->name) || !value_read(v, &type, sizeof(type), at + word) ||
	    !value_read_word(v, at + 2U * word, &out->offset))
		return false;
	out->object = (type == OBJECT || type == OBJECT_EX) && out->offset < LARGEST;
	return true;
}

/* The value of the slot of that name. */
static bool find_slot(
    struct py_values *v, uint64_t addr, const struct py_value_type *t, const char *name, uint64_t *value)
{
	for (unsigned class = 0; class < CLASSES_MAX && t != NULL; class ++) {
		uint64_t at = 0;
		unsigned n = find_slots(v, t, &at);
		struct slot slot;
		char its[128];

		for (unsigned i = 0; i < n && read_slot(v, at + i * 5U * v->rt->layout.word, &slot); i++) {
			if (slot.object && value_read_string(v, its, sizeof(its), slot.name) &&
			    strcmp(its, name) == 0)
				return value_read_word(v, addr + slot.offset, value) && *value != 0;
		}
		t = t->base == 0 ? NULL : value_type_get(v, t->base);
	}
	return false;
}

bool value_attribute(struct py_values *v, uint64_t addr, const char *name, uint64_t *known, uint64_t *value)
{
	enum { ATTRIBUTES_MAX = 4096 };
	const struct py_value_type *t = value_type_of(v, addr);
	struct py_dict d;
	struct py_dict_entry entry;

	if (t == NULL)
		return false;
	if (open_attributes(v, addr, t, &d) && d.count <= ATTRIBUTES_MAX &&
	    value_charge(v, (uint64_t)d.count * 64) && py_dict_find(&d, name, known, &entry)) {
		*value = entry.value;
		return true;
	}
	return find_slot(v, addr, t, name, value);
}

/* The fields of a dataclass, or the names of a named tuple, as the class or one of its bases has
 * them. */
static bool class_fields(struct py_values *v, const struct py_value_type *t, uint64_t *fields)
{
	struct value_learned *learned = value_learned_of(v, t);
	bool tuple = t->kind == VALUE_TUPLE;
	const struct py_value_type *class = t;

	if (learned == NULL)
		return false;
	for (unsigned i = 0; learned->fields == 0 && !learned->no_fields; i++) {
		if (i == CLASSES_MAX || class == NULL || !class->heap)
			learned->no_fields = true;
		else if (!value_find(v, class->dict, tuple ? "_fields" : "__dataclass_fields__",
			     tuple ? &v->key_fields : &v->key_dataclass, &learned->fields))
			class = class->base == 0 ? NULL : value_type_get(v, class->base);
	}
	*fields = learned->fields;
	return *fields != 0;
}

/* A name that the writers below put in front of a value. */
static void put_named(struct value_writer *w, const char *name, size_t n, uint64_t value)
{
	value_put_name(w, name, n);
	value_put(w, "=");
	value_write(w, value);
}

/* Write the attributes in slots. *i counts attributes; `head` is put in front of the first. */
static void put_slots(
    struct value_writer *w, uint64_t addr, const struct py_value_type *t, uint64_t *i, const char *head)
{
	struct py_values *v = w->v;

	for (unsigned class = 0; class < CLASSES_MAX && t != NULL; class ++) {
		uint64_t at = 0, value;
		unsigned n = find_slots(v, t, &at);
		struct slot slot;
		char name[128];

		for (unsigned s = 0; s < n && read_slot(v, at + s * 5U * v->rt->layout.word, &slot); s++) {
			if (!slot.object || !value_read_string(v, name, sizeof(name), slot.name) ||
			    !value_read_word(v, addr + slot.offset, &value) || value == 0)
				continue;
			value_put(w, *i == 0 ? head : "");
			if (!value_put_next(w, (*i)++))
				return;
			put_named(w, name, strlen(name), value);
		}
		t = t->base == 0 ? NULL : value_type_get(v, t->base);
	}
}

/* Write the entries of a dict of attributes. *i and head are as for put_slots. */
static void put_entries(struct value_writer *w, const struct py_dict *d, uint64_t *i, const char *head)
{
	struct value_entries e;
	struct py_dict_entry entry;
	struct py_string name;

	value_entries_begin(w->v, d, &e);
	while (*i <= w->v->limits.items && !w->full && value_entries_next(w->v, &e, &entry)) {
		if (!value_charge(w->v, 256) ||
		    py_text_read(w->v->P, w->v->rt, entry.key, &name, NULL) != RES_OK)
			continue;
		value_put(w, *i == 0 ? head : "");
		if (value_charge(w->v, name.n) && value_put_next(w, (*i)++))
			put_named(w, name.text, name.n, entry.value);
		free(name.text);
	}
	if (!e.d.failed)
		return;
	value_put(w, *i == 0 ? head : "");
	if (value_put_next(w, (*i)++))
		value_put_unreadable(w, e.d.entries);
}

/* Write attributes, one level deep. */
static void put_attributes(
    struct value_writer *w, uint64_t addr, const struct py_value_type *t, const char *head)
{
	struct py_dict d;
	uint64_t i = 0;

	put_slots(w, addr, t, &i, head);
	if (open_attributes(w->v, addr, t, &d))
		put_entries(w, &d, &i, head);
}

/* Write the fields of a dataclass, which its class lists in a dict. */
static void put_fields(struct value_writer *w, uint64_t addr, uint64_t fields)
{
	struct py_values *v = w->v;
	struct value_entries e;
	struct py_dict_entry entry;
	struct py_string name;
	uint64_t i = 0, value, shown, known = 0;

	if (!value_entries_open(v, fields, &e)) {
		value_put_unreadable(w, fields);
		return;
	}
	while (!w->full && value_charge(v, 512) && value_entries_next(v, &e, &entry)) {
		const struct py_value_type *t;

		/* Field(repr=False): not to be shown. */
		if (!value_attribute(v, entry.value, "repr", &known, &shown) ||
		    (t = value_type_of(v, shown)) == NULL || t->kind != VALUE_BOOL ||
		    !value_is_one(v, shown) || py_text_read(v->P, v->rt, entry.key, &name, NULL) != RES_OK)
			continue;
		known = 0;
		if (value_attribute(v, addr, name.text, &known, &value) && value_put_next(w, i++))
			put_named(w, name.text, name.n, value);
		known = 0;
		free(name.text);
		if (i > v->limits.items)
			return;
	}
	if (e.d.failed && value_put_next(w, i))
		value_put_unreadable(w, e.d.entries);
}

void value_write_object(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	uint64_t fields;

	if (!t->python || w->objects > 0 || !value_enter(w, addr)) {
		value_write_plain(w, addr, t);
		return;
	}
	w->objects++;
	if (class_fields(w->v, t, &fields)) {
		value_put_type_qualname(w, t);
		value_put(w, "(");
		put_fields(w, addr, fields);
		value_put(w, ")");
	} else {
		value_put(w, "<");
		value_put_type(w, t);
		value_put_fmt(w, " at %#llx", (unsigned long long)addr);
		put_attributes(w, addr, t, ": ");
		value_put(w, ">");
	}
	w->objects--;
	value_leave(w);
}

void value_write_namespace(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	value_put(w, t->addr == t->builtin ? "namespace(" : "");
	if (t->addr != t->builtin) {
		value_put_type_short(w, t);
		value_put(w, "(");
	}
	if (value_enter(w, addr)) {
		put_attributes(w, addr, t, "");
		value_leave(w);
	} else {
		value_put(w, "...");
	}
	value_put(w, ")");
}

/* A member of an enum. False: its members are not those of one. */
bool value_write_enum(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	uint64_t name, value, known = 0;
	const struct py_value_type *its;
	struct py_string s;

	if (!value_attribute(w->v, addr, "_value_", &known, &value))
		return false;
	value_put(w, "<");
	value_put_type_short(w, t);
	known = 0;
	if (value_attribute(w->v, addr, "_name_", &known, &name) &&
	    (its = value_type_of(w->v, name)) != NULL && its->kind != VALUE_NONE &&
	    py_text_read(w->v->P, w->v->rt, name, &s, NULL) == RES_OK) {
		value_put(w, ".");
		value_put_name(w, s.text, s.n);
		free(s.text);
	}
	value_put(w, ": ");
	value_write(w, value);
	value_put(w, ">");
	return true;
}

/* A named tuple: a class of Python that has the names of the items. False: it is none. */
bool value_write_namedtuple(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	const struct py_value_type *its;
	uint64_t names, n, named, name, item;
	struct py_string s;

	if (!class_fields(w->v, t, &names) || (its = value_type_of(w->v, names)) == NULL ||
	    its->kind != VALUE_TUPLE || its->addr != its->builtin || !value_tuple_size(w, names, &named) ||
	    !value_tuple_size(w, addr, &n) || n != named || !value_enter(w, addr))
		return false;
	value_put_type_short(w, t);
	value_put(w, "(");
	for (uint64_t i = 0; i < n && !w->full && value_put_next(w, i); i++) {
		if (!value_read_word(w->v, value_tuple_items(l, names) + i * l->word, &name) ||
		    !value_read_word(w->v, value_tuple_items(l, addr) + i * l->word, &item) ||
		    py_text_read(w->v->P, w->v->rt, name, &s, NULL) != RES_OK) {
			value_put_unreadable(w, addr);
			break;
		}
		put_named(w, s.text, s.n, item);
		free(s.text);
	}
	value_put(w, ")");
	value_leave(w);
	return true;
}

/* Has t names of its items? It says how many of them repr() shows, but a static type of 3.12+ keeps
 * its dict elsewhere: then the first member that it describes is the first item. */
static bool has_item_names(struct py_values *v, const struct py_value_type *t)
{
	const struct py_layout *l = &v->rt->layout;
	uint64_t shown, known = 0, offset;

	if (t->base != t->builtin || t->members == 0)
		return false;
	if (t->dict != 0)
		return value_find(v, t->dict, "n_sequence_fields", &known, &shown);
	return !t->heap && value_read_word(v, t->members + 2U * l->word, &offset) &&
	       offset == value_tuple_items(l, 0);
}

/* A tuple of a type of C whose items have names (PyStructSequence), described like slots.
 * Objects/structseq.c. */
bool value_write_structseq(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	uint64_t n, item, name_at;
	char name[64];

	if (!has_item_names(w->v, t) || !value_tuple_size(w, addr, &n) || !value_enter(w, addr))
		return false;
	value_put_tp_name(w, t);
	value_put(w, "(");
	for (uint64_t i = 0; i < n && !w->full && value_put_next(w, i); i++) {
		if (!value_read_word(w->v, t->members + i * 5 * l->word, &name_at) || name_at == 0 ||
		    !value_read_string(w->v, name, sizeof(name), name_at) ||
		    !value_read_word(w->v, value_tuple_items(l, addr) + i * l->word, &item)) {
			value_put_unreadable(w, addr);
			break;
		}
		put_named(w, name, strlen(name), item);
	}
	value_put(w, ")");
	value_leave(w);
	return true;
}

/* An exception: head, dict, args (2.5+: Include/pyerrors.h, Include/cpython/pyerrors.h). */
void value_write_exception(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	const struct py_value_type *its;
	uint64_t args;

	if (!value_read_word(w->v, addr + py_head_size(l) + l->word, &args) ||
	    (its = value_type_of(w->v, args)) == NULL || its->kind != VALUE_TUPLE) {
		value_write_plain(w, addr, t);
		return;
	}
	value_put_type_short(w, t);
	value_put_tuple(w, args, value_is_before(w, 3, 7));
}

/* An object of a class of 2.x's old style: head, class, dict; a class: head, bases, dict, name
 * (Include/classobject.h). */
static void put_old_class(struct value_writer *w, uint64_t class)
{
	const struct py_layout *l = value_layout(w);
	uint64_t dict, name, module;
	struct py_string s;

	if (value_read_word(w->v, class + py_head_size(l) + l->word, &dict) &&
	    value_find(w->v, dict, "__module__", &w->v->key_module, &module) &&
	    py_text_read(w->v->P, w->v->rt, module, &s, NULL) == RES_OK) {
		value_put_name(w, s.text, s.n);
		value_put(w, ".");
		free(s.text);
	}
	if (value_read_word(w->v, class + py_head_size(l) + 2U * l->word, &name) &&
	    py_text_read(w->v->P, w->v->rt, name, &s, NULL) == RES_OK) {
		value_put_name(w, s.text, s.n);
		free(s.text);
	} else {
		value_put(w, "?");
	}
}

void value_write_old_class(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	(void)t;
	value_put(w, "<class ");
	put_old_class(w, addr);
	value_put_fmt(w, " at %#llx>", (unsigned long long)addr);
}

void value_write_old_instance(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	struct py_dict d;
	uint64_t class, dict, i = 0;

	if (!value_read_word(w->v, addr + py_head_size(l), &class)) {
		value_write_plain(w, addr, t);
		return;
	}
	value_put(w, "<");
	put_old_class(w, class);
	value_put_fmt(w, " instance at %#llx", (unsigned long long)addr);
	if (w->objects == 0 && value_charge(w->v, 128) &&
	    value_read_word(w->v, addr + py_head_size(l) + l->word, &dict) &&
	    py_dict_open(w->v->P, w->v->rt, dict, &d) && value_enter(w, addr)) {
		w->objects++;
		put_entries(w, &d, &i, ": ");
		w->objects--;
		value_leave(w);
	}
	value_put(w, ">");
}
