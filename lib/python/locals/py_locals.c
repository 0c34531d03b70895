/* Values of variables. */
#include "python/locals/py_locals.h"

#include <stdlib.h>
#include <string.h>

#include "base/bound.h"
#include "base/owned.h"
#include "python/locals/py_variables.h"
#include "python/objects/py_dict.h"
#include "python/objects/py_text.h"
#include "python/objects/py_type.h"
#include "python/py_memory.h"
#include "python/values/py_value.h"

enum {
	RUNTIMES = 8,        /* further ones of a process have no locals */
	ALL_MAX = 1 << 17,   /* variables of one stack */
	SLOTS_READ = 64,     /* slots that are read together */
	BEFORE_STACK = 1024, /* largest part of a frame object in front of its slots */
};

struct py_locals_reader {
	struct py_process *py;
	struct py_value_limits limits;
	size_t most; /* variables of one frame */
	bool modules;
	bool spent;                 /* as many bytes were read as may be */
	bool (*missed)(void *data); /* NULL: none */
	void *missed_data;
	struct py_variables variables;
	uint64_t cell_type[RUNTIMES];
	bool begun[RUNTIMES];
	struct py_values values[RUNTIMES];
};

/* The frame whose locals are read. */
struct reading {
	struct py_locals_reader *r;
	struct py_runtime *rt;
	struct py_values *values;
	uint64_t *cell_type;
	const struct py_frame *frame;
	struct py_locals *out;
	uint64_t slots; /* address of its slots */
	uint8_t bytes[SLOTS_READ * sizeof(uint64_t)];
	uint32_t first, n; /* the slots in bytes */
};

void py_locals_free(struct py_locals *l)
{
	if (l == NULL)
		return;
	strbuf_free(&l->text);
	vec_free(&l->list);
	vec_free(&l->frames);
	free(l);
}

struct py_locals_reader *py_locals_reader_create(struct py_process *py, int level)
{
	static const struct py_value_limits limits[] = { { 200, 10, 3 }, { 2000, 100, 6 } };
	enum { MOST = 200, MOST_OF_MORE = 4000 };
	struct py_locals_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->py = py;
	r->limits = limits[level > 1];
	r->most = level > 1 ? MOST_OF_MORE : MOST;
	r->modules = level > 1;
	return r;
}

void py_locals_reader_watch(struct py_locals_reader *r, bool (*missed)(void *data), void *data)
{
	r->missed = missed;
	r->missed_data = data;
}

void py_locals_reader_free(struct py_locals_reader *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < RUNTIMES; i++) {
		if (r->begun[i])
			py_values_end(&r->values[i]);
	}
	py_variables_free(&r->variables);
	free(r);
}

/* --- slots --- */

/* Address of the slots of a frame, of which `variables` are for variables. 0: it has none.
 *
 * Up to 3.10 the value stack follows them, and f_valuestack, the fifth word after f_code
 * (Include/frameobject.h: f_code, f_builtins, f_globals, f_locals, f_valuestack), is its start. In
 * 3.11 and 3.12 they follow `owner`; later versions say where they are. */
static uint64_t find_slots(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t frame, uint32_t variables)
{
	uint64_t values, slots;

	if (l->marking != PY_MARK_NONE) {
		py_field after = l->more.slots != 0 ? l->more.slots - 1 : l->frame.owner;

		return frame + (after + l->word - 1U) / l->word * l->word;
	}
	if (!py_read_word(P, l, frame, l->frame.code + 4U * l->word, &values))
		return 0;
	slots = values - (uint64_t)variables * l->word;
	return slots > frame && slots - frame <= BEFORE_STACK ? slots : 0;
}

/* The word in slot i. False: unreadable. */
static bool read_slot(struct reading *f, uint32_t i, uint32_t all, uint64_t *out)
{
	uint32_t word = f->rt->layout.word;

	if (i < f->first || i - f->first >= f->n) {
		f->first = i;
		f->n = all - i < SLOTS_READ ? all - i : SLOTS_READ;
		if (!py_read(f->r->py->P, f->bytes, (size_t)f->n * word, f->slots + (uint64_t)i * word)) {
			f->n = 0;
			return false;
		}
	}
	*out = 0;
	memcpy(out, f->bytes + (size_t)(i - f->first) * word, word);
	return true;
}

/* The object that a cell contains. False: unreadable. */
static bool read_cell(struct reading *f, uint64_t cell, uint64_t *out)
{
	const struct py_layout *l = &f->rt->layout;

	*out = 0;
	return cell == 0 || py_read_word(f->r->py->P, l, cell, l->object.type + l->word, out);
}

/* A cell that a variable is kept in; an argument, before it is moved there. */
static bool is_cell(struct reading *f, uint64_t object)
{
	const struct py_layout *l = &f->rt->layout;
	uint64_t type;

	return py_pointer_sane(object, l->word) &&
	       py_read_word(f->r->py->P, l, object, l->object.type, &type) &&
	       py_type_is(f->r->py->P, l, type, "cell", f->cell_type);
}

/* --- results --- */

static bool add_local(struct reading *f, const char *name, size_t name_n, struct py_local one)
{
	one.name = f->out->text.n;
	one.name_n = name_n;
	strbuf_add(&f->out->text, name, name_n);
	return vec_push(&f->out->list, one);
}

/* Add the text of the last variable's value. */
static void add_value(struct reading *f, uint64_t object)
{
	struct py_local *one = &f->out->list.at[f->out->list.n - 1];
	OWNED(mem_release) char *text = NULL;
	size_t n, unreadable = f->values->unreadable;

	one->at = object;
	if (object == 0) {
		one->state = PY_LOCAL_UNBOUND;
		return;
	}
	switch (py_value_text(f->values, object, &text, &n)) {
	case RES_OK:
		one->value = f->out->text.n;
		one->value_n = n;
		strbuf_add(&f->out->text, text, n);
		break;
	case RES_NONE:
		one->state = PY_LOCAL_UNREAD;
		f->r->spent = true;
		break;
	case RES_FAIL:
		one->state = PY_LOCAL_UNREADABLE;
		break;
	}
	one->partial = one->state == PY_LOCAL_UNREADABLE || f->values->unreadable != unreadable;
}

/* Doubt the last variable, if some of it was missed, and forget the types, of which something may
 * have been missed, too. */
static void doubt_missed(struct reading *f)
{
	struct py_local *one = &f->out->list.at[f->out->list.n - 1];
	struct py_values *v = f->values;
	const struct py_values before = *v;

	if (f->r->missed == NULL || !f->r->missed(f->r->missed_data))
		return;
	one->state = PY_LOCAL_CHANGING;
	one->value_n = 0;
	py_values_end(v);
	py_values_begin(v, before.P, before.rt, before.limits);
	v->budget = before.budget;
}

static bool add_variable(struct reading *f, const struct py_variable_list *list, const struct py_variable *v)
{
	const char *names = strbuf_text(&f->r->variables.names);
	bool moved = v->moved != PY_NO_SLOT, read;
	uint64_t word = 0, object = 0;

	if (!add_local(f, names + v->name, v->name_n, (struct py_local){ 0 }))
		return false;
	read = read_slot(f, moved ? v->moved : v->slot, list->slots, &word);
	if (!read || !py_value_untag(&f->rt->layout, word, &object))
		object = 0;
	if ((moved || v->cell) && is_cell(f, object))
		read = read_cell(f, object, &object);
	if (read)
		add_value(f, object);
	else
		f->out->list.at[f->out->list.n - 1].state = PY_LOCAL_UNREADABLE;
	doubt_missed(f);
	return true;
}

/* --- dicts --- */

static bool is_special(const struct py_string *name)
{
	return name->n > 4 && memcmp(name->text, "__", 2) == 0 &&
	       memcmp(name->text + name->n - 2, "__", 2) == 0;
}

/* Add the variables in the dict at addr. globals: leave out names like `__file__`. False: out of
 * memory. */
static bool add_dict(struct reading *f, uint64_t addr, bool globals, bool *cut)
{
	struct ps_prochandle *P = f->r->py->P;
	struct py_dict_entry entry;
	struct py_dict dict;
	size_t left = f->r->most;

	if (!py_dict_open(P, f->rt, addr, &dict)) {
		*cut = true;
		return true;
	}
	while (py_dict_next(&dict, &entry)) {
		OWNED(mem_release) char *text = NULL;
		struct py_string name;

		if (py_text_read(P, f->rt, entry.key, &name, NULL) != RES_OK) {
			*cut = true;
			continue;
		}
		text = name.text;
		if (globals && is_special(&name))
			continue;
		if (left-- == 0 || f->r->spent || f->out->list.n >= ALL_MAX) {
			*cut = true;
			break;
		}
		if (!add_local(f, text, name.n, (struct py_local){ 0 }))
			return false;
		add_value(f, entry.value);
		doubt_missed(f);
	}
	*cut |= dict.failed;
	return true;
}

/* f_locals and f_globals. Up to 3.10: words after f_code. Later: f_globals, f_builtins, f_locals
 * are in front of f_code in 3.11, of frame_obj from 3.12 on. */
static bool read_namespaces(struct reading *f, uint64_t *locals, uint64_t *globals)
{
	const struct py_layout *l = &f->rt->layout;
	struct ps_prochandle *P = f->r->py->P;
	uint64_t at = f->frame->addr;
	py_field after = l->version >= PY_HEX(3, 12) ? l->frame.object : l->frame.code;

	if (l->marking == PY_MARK_NONE)
		return py_read_word(P, l, at, l->frame.code + 3U * l->word, locals) &&
		       py_read_word(P, l, at, l->frame.code + 2U * l->word, globals);
	return after > 3U * l->word && py_read_word(P, l, at, after - l->word, locals) &&
	       py_read_word(P, l, at, after - 3U * l->word, globals);
}

/* The names of a class body, or of code that exec() runs. Those of a module are its globals. */
static bool add_namespace(struct reading *f, bool *cut)
{
	uint64_t locals = 0, globals = 0;
	bool module;

	if (!read_namespaces(f, &locals, &globals)) {
		*cut = true;
		return true;
	}
	module = locals == globals;
	if (locals == 0 || (module && !f->r->modules))
		return true;
	return add_dict(f, locals, module, cut);
}

/* --- stacks --- */

static bool add_frame(struct reading *f, bool *cut)
{
	struct py_locals_reader *r = f->r;
	struct ps_prochandle *P = r->py->P;
	const struct py_variable_list *list;

	/* Code that is not run by the evaluation loop keeps its variables elsewhere. */
	if (f->frame->bad || f->frame->made)
		return true;
	list = py_variables_of(&r->variables, P, f->rt, f->frame, r->most);
	if (list == NULL)
		return false;
	f->slots = list->known ? find_slots(P, &f->rt->layout, f->frame->addr, list->slots) : 0;
	f->n = 0;
	*cut = !list->known || list->cut || (f->slots == 0 && list->count > 0);
	if (!list->known)
		return true;
	if (!list->optimized && !add_namespace(f, cut))
		return false;
	for (size_t i = 0; f->slots != 0 && i < list->count && !r->spent; i++) {
		if (!add_variable(f, list, &r->variables.list.at[list->first + i]))
			return false;
	}
	return true;
}

static struct py_values *values_of(struct py_locals_reader *r, size_t runtime)
{
	if (!r->begun[runtime])
		py_values_begin(&r->values[runtime], r->py->P, &r->py->runtimes.at[runtime], r->limits);
	r->begun[runtime] = true;
	return &r->values[runtime];
}

/* Add the locals of frame i, which is of that runtime. False: out of memory. */
static bool read_frame(
    struct py_locals_reader *r, const struct py_stack *s, size_t i, uint32_t runtime, struct py_locals *out)
{
	struct py_frame_locals *place = &out->frames.at[i];
	struct reading f = { .r = r, .frame = &s->frames.at[i], .out = out };
	bool ok;

	place->first = (uint32_t)out->list.n;
	r->spent = r->spent || bound_passed(BOUND_VALUES);
	if (runtime >= r->py->runtimes.n || runtime >= RUNTIMES || r->spent || out->list.n >= ALL_MAX) {
		place->cut = true;
		return true;
	}
	f.rt = &r->py->runtimes.at[runtime];
	f.values = values_of(r, runtime);
	f.cell_type = &r->cell_type[runtime];
	ok = add_frame(&f, &place->cut);
	place->cut |= r->spent;
	place->count = (uint32_t)out->list.n - place->first;
	return ok && !out->text.failed;
}

struct py_locals *py_locals_read(struct py_locals_reader *r, const struct py_stack *s)
{
	struct py_locals *out = calloc(1, sizeof(*out));
	bool ok = out != NULL && vec_reserve(&out->frames, s->frames.n + 1);

	if (ok) {
		memset(out->frames.at, 0, s->frames.n * sizeof(*out->frames.at));
		out->frames.n = s->frames.n;
	}
	for (size_t k = 0; ok && k < s->runs.n; k++) {
		const struct py_run *run = &s->runs.at[k];

		for (uint32_t i = run->first; ok && i < run->first + run->count && i < s->frames.n; i++)
			ok = read_frame(r, s, i, run->runtime, out);
	}
	if (ok)
		return out;
	py_locals_free(out);
	return NULL;
}

/* --- two readings --- */

static bool same_bytes(
    const struct py_locals *a, size_t a_at, size_t a_n, const struct py_locals *b, size_t b_at, size_t b_n)
{
	return a_n == b_n && memcmp(strbuf_text(&a->text) + a_at, strbuf_text(&b->text) + b_at, a_n) == 0;
}

static bool same_local(const struct py_locals *before, size_t i, const struct py_locals *now, size_t k)
{
	const struct py_local *a = &before->list.at[i], *b = &now->list.at[k];

	return a->at == b->at && a->state == b->state && a->state != PY_LOCAL_CHANGING &&
	       same_bytes(before, a->name, a->name_n, now, b->name, b->name_n) &&
	       same_bytes(before, a->value, a->value_n, now, b->value, b->value_n);
}

size_t py_locals_compare_frame(const struct py_locals_pair *pair, unsigned most, bool last)
{
	const struct py_locals *before = pair->before;
	struct py_locals *now = pair->now;
	const struct py_frame_locals none = { .cut = true }, *b = &now->frames.at[pair->frame],
				     *a = before == NULL ? &none : &before->frames.at[pair->frame_before];
	size_t unproved = 0;

	for (uint32_t k = 0; k < b->count; k++) {
		struct py_local *one = &now->list.at[b->first + k];

		if (a->count == b->count && same_local(before, a->first + k, now, b->first + k))
			one->same = before->list.at[a->first + k].same + 1;
		if (one->same >= (one->partial ? most - 1 : 1))
			continue;
		unproved++;
		if (last) {
			one->state = PY_LOCAL_CHANGING;
			one->value_n = 0;
		}
	}
	return unproved;
}

size_t py_locals_compare(const struct py_locals *before, struct py_locals *now, unsigned most, bool last)
{
	size_t unproved = 0;

	for (size_t i = 0; i < now->frames.n; i++) {
		const struct py_locals_pair pair = { before, i, now, i };

		unproved += py_locals_compare_frame(&pair, most, last);
	}
	return unproved;
}

static bool is_kept(const struct py_local *one)
{
	return one->state != PY_LOCAL_UNBOUND && one->state != PY_LOCAL_UNREAD;
}

size_t py_locals_repeat(struct py_locals *now)
{
	size_t unproved = 0;

	for (size_t i = 0; i < now->list.n; i++) {
		now->list.at[i].same = 1;
		unproved += now->list.at[i].partial;
	}
	return unproved;
}

void py_locals_finish(struct py_locals *l)
{
	size_t n = 0;

	/* Frames are in the order of the list, in as far as they have any. */
	for (size_t i = 0; i < l->frames.n; i++) {
		struct py_frame_locals *frame = &l->frames.at[i];
		size_t first = n;

		for (uint32_t k = 0; k < frame->count; k++) {
			if (is_kept(&l->list.at[frame->first + k]))
				l->list.at[n++] = l->list.at[frame->first + k];
		}
		frame->first = (uint32_t)first;
		frame->count = (uint32_t)(n - first);
	}
	l->list.n = n;
}
