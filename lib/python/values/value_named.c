/* Objects that repr() shows by their names.
 *
 *   function      3.10+: head, globals, builtins, name, qualname; 3.3 to 3.9: head, code, globals,
 *                 defaults, kwdefaults, closure, doc, name, dict, weak references, module,
 *                 annotations, qualname; 2.x: without kwdefaults
 *   method        head, function, self, [2.x: class]
 *   builtin       head, definition (a name, …), self
 *   module        head, dict
 *   generator     head, [up to 3.10: frame, up to 3.9: running,] [up to 3.11: code,] weak
 *                 references, [3.5+: name, qualname]; coroutines are the same
 *
 * Sources: Include/{funcobject,classobject,methodobject,genobject}.h, Include/cpython/. */
#include "python/values/value_named.h"

#include "base/owned.h"
#include "python/objects/py_text.h"
#include "python/values/value.h"
#include "python/values/value_entries.h"
#include "python/values/value_items.h"
#include "python/values/value_numbers.h"
#include "python/values/value_object.h"
#include "python/values/value_put.h"
#include "python/values/value_read.h"
#include "python/values/value_types.h"

/* Word i after the head of the object at addr. */
static bool read_part(struct value_writer *w, uint64_t addr, unsigned i, uint64_t *out)
{
	const struct py_layout *l = value_layout(w);

	return value_read_word(w->v, addr + py_head_size(l) + i * (uint64_t)l->word, out);
}

/* Write the str at addr as it is. */
static void put_text(struct value_writer *w, uint64_t addr)
{
	struct py_string s;

	if (!value_charge(w->v, 256) || py_text_read(w->v->P, w->v->rt, addr, &s, NULL) != RES_OK) {
		value_put(w, "?");
		return;
	}
	if (value_charge(w->v, s.n))
		value_put_name(w, s.text, s.n);
	free(s.text);
}

static void put_address(struct value_writer *w, uint64_t addr)
{
	value_put_fmt(w, " at %#llx>", (unsigned long long)addr);
}

/* The name that repr() gives to the function at addr. */
static bool function_name(struct value_writer *w, uint64_t addr, uint64_t *name)
{
	unsigned i = value_is_before(w, 3, 0)    ? 5
		     : value_is_before(w, 3, 3)  ? 6
		     : value_is_before(w, 3, 10) ? 11
						 : 3;

	return read_part(w, addr, i, name);
}

void value_write_function(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	uint64_t name;

	(void)t;
	if (!function_name(w, addr, &name)) {
		value_put_unreadable(w, addr);
		return;
	}
	value_put(w, "<function ");
	put_text(w, name);
	put_address(w, addr);
}

/* Write the name of the class of a method's object, up to 3.2. */
static void put_class(struct value_writer *w, uint64_t addr, uint64_t self)
{
	const struct py_value_type *t = NULL;
	uint64_t class = 0, name;

	if (!value_is_before(w, 3, 0))
		t = value_type_of(w->v, self);
	else if (read_part(w, addr, 2, &class))
		t = value_type_get(w->v, class);
	if (t != NULL)
		value_put_type_short(w, t);
	else if (class != 0 && read_part(w, class, 2, &name)) /* a class of 2.x's old style */
		put_text(w, name);
	else
		value_put(w, "?");
	value_put(w, ".");
}

void value_write_method(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_value_type *function;
	uint64_t name, parts[2];

	if (!read_part(w, addr, 0, &parts[0]) || !read_part(w, addr, 1, &parts[1])) {
		value_put_unreadable(w, addr);
		return;
	}
	function = value_type_of(w->v, parts[0]);
	if (function == NULL || function->kind != VALUE_FUNCTION || !function_name(w, parts[0], &name)) {
		value_write_plain(w, addr, t);
		return;
	}
	value_put(w, parts[1] == 0 ? "<unbound method " : "<bound method ");
	if (value_is_before(w, 3, 3))
		put_class(w, addr, parts[1]);
	put_text(w, name);
	if (parts[1] != 0) {
		value_put(w, " of ");
		if (value_enter(w, addr)) {
			value_write(w, parts[1]);
			value_leave(w);
		} else {
			value_put(w, "...");
		}
	}
	value_put(w, ">");
}

void value_write_builtin(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_value_type *its = NULL;
	uint64_t definition, self, name_at;
	char name[256];

	if (!read_part(w, addr, 0, &definition) || !read_part(w, addr, 1, &self) ||
	    !value_read_word(w->v, definition, &name_at) ||
	    !value_read_string(w->v, name, sizeof(name), name_at)) {
		value_write_plain(w, addr, t);
		return;
	}
	if (self != 0)
		its = value_type_of(w->v, self);
	if (self == 0 || (its != NULL && its->kind == VALUE_MODULE)) {
		value_put(w, "<built-in function ");
		value_put_name(w, name, strlen(name));
		value_put(w, ">");
		return;
	}
	value_put(w, "<built-in method ");
	value_put_name(w, name, strlen(name));
	value_put(w, " of ");
	if (its == NULL)
		value_put(w, "?");
	else
		value_put_tp_name(w, its);
	value_put(w, " object");
	put_address(w, self);
}

/* Write where a module comes from if its __spec__ has no origin, up to 3.8: by the class that loads
 * it. */
static void put_loader(struct value_writer *w, uint64_t spec)
{
	struct py_values *v = w->v;
	const struct py_value_type *t;
	uint64_t loader, known = 0;
	char name[32];

	if (!value_attribute(v, spec, "loader", &known, &loader) || (t = value_type_get(v, loader)) == NULL ||
	    !value_read_string(v, name, sizeof(name), t->name))
		return;
	if (strcmp(name, "BuiltinImporter") == 0)
		value_put(w, " (built-in)");
	else if (strcmp(name, "FrozenImporter") == 0)
		value_put(w, " (frozen)");
}

/* Write where a module comes from, by its __spec__ (Lib/importlib/_bootstrap.py). */
static void put_origin(struct value_writer *w, uint64_t spec)
{
	struct py_values *v = w->v;
	const struct py_value_type *t;
	uint64_t origin, location;
	bool located = value_attribute(v, spec, "_set_fileattr", &v->key_location, &location) &&
		       value_is_one(v, location);

	if (!value_attribute(v, spec, "origin", &v->key_origin, &origin) ||
	    (t = value_type_of(v, origin)) == NULL || t->kind != VALUE_STR) {
		put_loader(w, spec);
		return;
	}
	value_put(w, located ? " from " : " (");
	if (located) {
		value_write(w, origin);
		return;
	}
	put_text(w, origin);
	value_put(w, ")");
}

/* Write where a module comes from, by its dict. */
static void put_source(struct value_writer *w, uint64_t dict)
{
	struct py_values *v = w->v;
	const struct py_value_type *t;
	uint64_t file, spec;

	if (value_find(v, dict, "__spec__", &v->key_spec, &spec) && (t = value_type_of(v, spec)) != NULL &&
	    t->kind != VALUE_NONE) {
		put_origin(w, spec);
	} else if (value_find(v, dict, "__file__", &v->key_file, &file) &&
		   (t = value_type_of(v, file)) != NULL && t->kind != VALUE_NONE) {
		value_put(w, " from ");
		value_write(w, file);
	} else if (value_is_before(w, 3, 4)) {
		value_put(w, " (built-in)");
	}
}

void value_write_module(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	uint64_t dict, name;

	if (!read_part(w, addr, 0, &dict) || !value_find(w->v, dict, "__name__", &w->v->key_name, &name)) {
		value_write_plain(w, addr, t);
		return;
	}
	value_put(w, "<module ");
	value_write(w, name);
	put_source(w, dict);
	value_put(w, ">");
}

void value_write_code(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	uint64_t name, file;
	int32_t line;

	if (l->code.name == 0 || l->code.filename == 0 || l->code.firstlineno == 0 ||
	    !value_read_word(w->v, addr + l->code.name - 1, &name) ||
	    !value_read_word(w->v, addr + l->code.filename - 1, &file) ||
	    !value_read(w->v, &line, sizeof(line), addr + l->code.firstlineno - 1)) {
		value_write_plain(w, addr, t);
		return;
	}
	value_put(w, "<code object ");
	put_text(w, name);
	value_put_fmt(w, " at %#llx, file \"", (unsigned long long)addr);
	put_text(w, file);
	value_put_fmt(w, "\", line %d>", line);
}

void value_write_generator(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_layout *l = value_layout(w);
	uint64_t name = 0, code;
	unsigned i = value_is_before(w, 3, 10)   ? 5
		     : value_is_before(w, 3, 11) ? 4
		     : value_is_before(w, 3, 12) ? 3
						 : 2;

	value_put(w, "<");
	value_put_tp_name(w, t);
	value_put(w, " object");
	if (!value_is_before(w, 3, 5))
		(void)read_part(w, addr, i, &name);
	else if (!value_is_before(w, 2, 6) && read_part(w, addr, 2, &code))
		(void)value_read_word(w->v, code + l->code.name - 1, &name);
	if (name != 0) {
		value_put(w, " ");
		put_text(w, name);
	}
	put_address(w, addr);
}

void value_write_type(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	const struct py_value_type *its = value_type_get(w->v, addr);

	if (its == NULL) {
		value_write_plain(w, addr, t);
		return;
	}
	value_put(w, value_is_before(w, 3, 0) && !its->heap ? "<type '" : "<class '");
	value_put_type(w, its);
	value_put(w, "'>");
}

/* An object whose repr() is that of `object`. */
void value_write_object_at(struct value_writer *w, uint64_t addr, const struct py_value_type *t)
{
	value_put(w, "<");
	value_put_type(w, t);
	value_put(w, " object");
	put_address(w, addr);
}
