/* Objects that threads wait for.
 *
 *   Lock, RLock, SimpleQueue   up to 3.12, 3.13    head, pointer to a semaphore  ─> the futex word
 *                              3.13 or 3.14 on     head, PyMutex  <─ addr ┐
 *   _ThreadHandle (3.13+)      head, pointer to a structure with a PyMutex  <─ addr ┐
 *                              parking lot: park_arg │ addr │ semaphore: the futex word
 *
 * (Modules/_threadmodule.c, Modules/_queuemodule.c, Python/thread_pthread.h, Python/parking_lot.c.)
 * The object is a local of one of the innermost frames, or on its value stack, there often as the
 * self of a method (`with lock:`). Everything that lies in a frame is tried; the address decides.
 *
 * Condition, Event and the rest are made of locks (Lib/threading.py, Lib/queue.py,
 * Lib/concurrent/futures/_base.py). The functions that wait are known by name, and believed if
 * their self has the inner object as the attribute that they wait at. */
#include "python/threads/py_wait.h"

#include <string.h>

#include "os/read.h"
#include "python/objects/py_dict.h"
#include "python/objects/py_type.h"
#include "python/py_memory.h"

enum {
	FRAMES = 4, /* innermost ones that are searched */
	SLOTS = 64, /* words of a frame */
	HEAD = PY_WAIT_HEAD,
	HANDLE = 96,    /* bytes of the structure of a _ThreadHandle */
	WORDS_OLD = 72, /* offset of the locals in 3.11 and 3.12, of 8 bytes a word; of 4: */
	WORDS_OLD_32 = 40,
};

/* Types, by what their instances begin with. */
enum type_is { IS_OTHER, IS_LOCK, IS_RLOCK, IS_QUEUE, IS_HANDLE };

/* A function that waits for an object, which is its self. */
static const struct wait_row {
	const char *file, *function, *attribute; /* the last one of self */
	uint8_t kind, inner;                     /* enum py_wait_kind */
	bool has; /* it is enough that self has the attribute: the inner object is a local */
} rows[] = {
	{ "threading.py", "wait", "_waiters", PY_WAIT_CONDITION, PY_WAIT_LOCK, true },
	{ "threading.py", "wait", "_Condition__waiters", PY_WAIT_CONDITION, PY_WAIT_LOCK, true },
	{ "threading.py", "wait", "_cond", PY_WAIT_EVENT, PY_WAIT_CONDITION, false },
	{ "threading.py", "wait", "_Event__cond", PY_WAIT_EVENT, PY_WAIT_CONDITION, false },
	{ "threading.py", "acquire", "_cond", PY_WAIT_SEMAPHORE, PY_WAIT_CONDITION, false },
	{ "threading.py", "acquire", "_Semaphore__cond", PY_WAIT_SEMAPHORE, PY_WAIT_CONDITION, false },
	{ "threading.py", "acquire", "_block", PY_WAIT_RLOCK, PY_WAIT_LOCK, false },
	{ "threading.py", "acquire", "_RLock__block", PY_WAIT_RLOCK, PY_WAIT_LOCK, false },
	{ "threading.py", "_acquire_restore", "_block", PY_WAIT_RLOCK, PY_WAIT_LOCK, false },
	{ "threading.py", "_acquire_restore", "_RLock__block", PY_WAIT_RLOCK, PY_WAIT_LOCK, false },
	{ "threading.py", "wait", "_cond", PY_WAIT_BARRIER, PY_WAIT_CONDITION, false },
	{ "threading.py", "_wait_for_tstate_lock", "_tstate_lock", PY_WAIT_THREAD, PY_WAIT_LOCK, false },
	{ "threading.py", "join", "_handle", PY_WAIT_THREAD, PY_WAIT_THREAD, false },
	{ "threading.py", "join", "_os_thread_handle", PY_WAIT_THREAD, PY_WAIT_THREAD, false },
	{ "threading.py", "join", "_block", PY_WAIT_THREAD, PY_WAIT_CONDITION, false },
	{ "threading.py", "join", "_Thread__block", PY_WAIT_THREAD, PY_WAIT_CONDITION, false },
	{ "queue.py", "get", "not_empty", PY_WAIT_QUEUE, PY_WAIT_CONDITION, false },
	{ "queue.py", "put", "not_full", PY_WAIT_QUEUE, PY_WAIT_CONDITION, false },
	{ "queue.py", "join", "all_tasks_done", PY_WAIT_QUEUE, PY_WAIT_CONDITION, false },
	{ "Queue.py", "get", "not_empty", PY_WAIT_QUEUE, PY_WAIT_CONDITION, false },
	{ "Queue.py", "put", "not_full", PY_WAIT_QUEUE, PY_WAIT_CONDITION, false },
	{ "Queue.py", "join", "all_tasks_done", PY_WAIT_QUEUE, PY_WAIT_CONDITION, false },
	{ "_base.py", "result", "_condition", PY_WAIT_FUTURE, PY_WAIT_CONDITION, false },
	{ "_base.py", "exception", "_condition", PY_WAIT_FUTURE, PY_WAIT_CONDITION, false },
};
enum { PLACES = sizeof(((struct py_wait_hints *)0)->places) / sizeof(struct py_wait_place) };
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* The classes whose functions these are. */
static const char *const classes[] = { [PY_WAIT_RLOCK] = "RLock",
	[PY_WAIT_CONDITION] = "Condition",
	[PY_WAIT_EVENT] = "Event",
	[PY_WAIT_SEMAPHORE] = "Semaphore",
	[PY_WAIT_BARRIER] = "Barrier",
	[PY_WAIT_QUEUE] = "Queue",
	[PY_WAIT_THREAD] = "Thread",
	[PY_WAIT_FUTURE] = "Future" };
_Static_assert(ROWS <= sizeof(((struct py_wait_hints *)0)->keys) / sizeof(uint64_t), "a key for each row");

struct search {
	struct py_process *py;
	struct py_runtime *rt;
	const struct py_layout *l;
	struct ps_prochandle *live;
	const struct py_waiting *w;
	struct py_wait_hints *hints;
	uint32_t head;   /* bytes of an object's head */
	uint32_t offset; /* of the locals in a frame */
	uint64_t entry;  /* address of a PyMutex that the thread may wait for; 0: none */
	uint64_t handle; /* of the _ThreadHandle that was found; 0: none */
	uint32_t frame;  /* in which the object was found */
	struct py_wait found;
};

/* An object that may be the one. */
struct candidate {
	uint64_t at;
	uint8_t bytes[HEAD]; /* its first ones; 0: unread */
	uint32_t slot;
};

static uint64_t candidate_word(const struct search *s, const struct candidate *c, uint32_t at)
{
	uint64_t wide = 0;

	memcpy(&wide, c->bytes + at, s->l->word);
	return wide;
}

static void read_candidates(const struct search *s, struct candidate *list, size_t n)
{
	struct os_piece pieces[SLOTS];

	if (n == 1 && list->at == s->w->guess) {
		memcpy(list->bytes, s->w->bytes, HEAD);
		return;
	}
	if (s->live == NULL) {
		for (size_t i = 0; i < n; i++)
			(void)py_read(s->py->P, list[i].bytes, HEAD, list[i].at);
		return;
	}
	for (size_t i = 0; i < n; i++)
		pieces[i] = (struct os_piece){ list[i].bytes, HEAD, (uintptr_t)list[i].at, 0 };
	os_read_pieces(s->live, pieces, n);
}

/* Can the object be alive? The first word of a free block is 0 or an address, and stale words on a
 * value stack may lead to it. */
static bool is_alive(const struct search *s, const struct candidate *c)
{
	enum { MOST_32 = 1 << 24 };
	uint64_t count;

	if (s->l->free_threaded)
		return true;
	count = candidate_word(s, c, s->l->object.type - 1 - s->l->word);
	if (s->l->word == 4)
		return count != 0 && count < MOST_32;
	/* 3.14: of 32 bits, followed by 16 that are 0 and 16 of flags (Include/refcount.h). */
	return (uint32_t)count != 0 &&
	       (count >> 32 & (s->l->version >= PY_HEX(3, 14) ? 0xffff : 0xffffffff)) == 0;
}

static enum type_is read_type(const struct search *s, uint64_t type)
{
	static const struct {
		const char *name;
		enum type_is is;
	} names[] = { { "_thread.lock", IS_LOCK }, { "thread.lock", IS_LOCK }, { "_thread.RLock", IS_RLOCK },
		{ "_queue.SimpleQueue", IS_QUEUE }, { "_thread._ThreadHandle", IS_HANDLE } };
	char name[32];
	uint64_t at;

	if (!py_pointer_sane(type, s->l->word) || !py_read_word(s->py->P, s->l, type, s->l->type.name, &at) ||
	    Pread_string(s->py->P, name, sizeof(name), (uintptr_t)at) < 0)
		return IS_OTHER;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i].name) == 0)
			return names[i].is;
	}
	return IS_OTHER;
}

static enum type_is type_of(const struct search *s, const struct candidate *c)
{
	struct py_wait_hints *h = s->hints;
	uint64_t type = candidate_word(s, c, s->l->object.type - 1);
	enum type_is is;

	for (unsigned i = 0; i < sizeof(h->types) / sizeof(h->types[0]); i++) {
		if (type != 0 && h->types[i].type == type)
			return (enum type_is)h->types[i].is;
	}
	is = read_type(s, type);
	if (is != IS_OTHER)
		h->types[h->n_types++ % (sizeof(h->types) / sizeof(h->types[0]))] =
		    (struct py_wait_type){ type, (uint8_t)is };
	return is;
}

/* Is this the object whose lock the thread waits at? */
static bool is_awaited(struct search *s, const struct candidate *c)
{
	uint64_t first = candidate_word(s, c, s->head);
	bool lock = first == s->w->word || (s->entry != 0 && c->at + s->head == s->entry),
	     handle = s->entry != 0 && s->entry - first < HANDLE;

	if ((!lock && !handle) || !is_alive(s, c))
		return false;
	switch (type_of(s, c)) {
	case IS_LOCK:
		s->found.kind = lock ? PY_WAIT_LOCK : PY_WAIT_NONE;
		break;
	case IS_RLOCK:
		s->found.kind = lock ? PY_WAIT_RLOCK : PY_WAIT_NONE;
		s->found.owner_at = c->at + s->head + s->l->word;
		s->found.owner = s->found.owner_word = candidate_word(s, c, s->head + s->l->word);
		break;
	case IS_QUEUE:
		s->found.kind = lock ? PY_WAIT_QUEUE : PY_WAIT_NONE;
		break;
	case IS_HANDLE:
		s->found.kind = handle ? PY_WAIT_THREAD : PY_WAIT_NONE;
		s->handle = c->at;
		break;
	case IS_OTHER:
		break;
	}
	s->found.at = c->at;
	return s->found.kind != PY_WAIT_NONE;
}

/* Where the locals of a frame begin, as an offset. 0: unknown. */
static uint32_t locals_offset(const struct search *s)
{
	const struct py_layout *l = s->l;
	uint64_t size;

	if (l->version >= PY_HEX(3, 13))
		return l->more.slots == 0 ? 0 : l->more.slots - 1;
	if (l->version >= PY_HEX(3, 11))
		return l->word == 4 ? WORDS_OLD_32 : WORDS_OLD;
	/* They end with the first one, the last member of the structure (Include/frameobject.h). */
	if (s->rt->frame_type == 0 ||
	    !py_read_word(s->py->P, l, s->rt->frame_type, l->type.name + l->word, &size) || size > 1024 ||
	    size < 2U * l->word)
		return 0;
	return (uint32_t)size - l->word;
}

/* Read up to n words of the frame from this slot on. Returns their number. */
static uint32_t read_slots(const struct search *s, uint32_t frame, uint32_t slot, uint64_t *out, uint32_t n)
{
	uint8_t bytes[SLOTS * sizeof(uint64_t)];
	uint32_t word = s->l->word;
	ssize_t got = Pread(s->py->P, bytes, (size_t)n * word,
	    (uintptr_t)(s->w->stack->frames.at[frame].addr + s->offset + (uint64_t)slot * word));

	n = got <= 0 ? 0 : (uint32_t)got / word;
	for (uint32_t i = 0; i < n; i++) {
		out[i] = 0;
		memcpy(&out[i], bytes + (size_t)i * word, word);
		out[i] &= ~(uint64_t)s->l->tag_mask;
	}
	return n;
}

/* Is the awaited object one of these, or the self of a method that is? */
static const struct candidate *search_in(struct search *s, struct candidate *list, uint32_t n, bool *bound)
{
	uint32_t selves = 0;

	read_candidates(s, list, n);
	*bound = false;
	for (uint32_t i = 0; i < n; i++) {
		if (is_awaited(s, &list[i]))
			return &list[i];
	}
	/* m_self, im_self (Include/cpython/methodobject.h, classobject.h) */
	*bound = true;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t self = candidate_word(s, &list[i], s->head + s->l->word);

		if (py_pointer_sane(self, s->l->word))
			list[selves++] = (struct candidate){ .at = self, .slot = list[i].slot };
	}
	read_candidates(s, list, selves);
	for (uint32_t i = 0; i < selves; i++) {
		if (is_awaited(s, &list[i]))
			return &list[i];
	}
	return NULL;
}

static bool search_frame(struct search *s, uint32_t frame)
{
	struct candidate list[SLOTS];
	const struct candidate *it;
	struct py_wait_hints *h = s->hints;
	uint64_t slots[SLOTS];
	uint32_t n = read_slots(s, frame, 0, slots, SLOTS), used = 0;
	bool bound;

	for (uint32_t i = 0; i < n; i++) {
		bool new = py_pointer_sane(slots[i], s->l->word);

		for (uint32_t k = 0; new &&k < used; k++)
			new = list[k].at != slots[i];
		if (new)
			list[used++] = (struct candidate){ .at = slots[i], .slot = i };
	}
	it = search_in(s, list, used, &bound);
	if (it == NULL)
		return false;
	s->frame = frame;
	h->places[h->n_places++ % PLACES] =
	    (struct py_wait_place){ s->w->stack->frames.at[frame].code, frame, it->slot, bound };
	return true;
}

/* The object where threads with the same code had theirs. False: this one has other code. */
static bool read_place(const struct search *s, const struct py_wait_place *place, uint64_t *at)
{
	const struct py_stack *stack = s->w->stack;

	return place->code != 0 && place->frame < stack->frames.n &&
	       stack->frames.at[place->frame].code == place->code &&
	       read_slots(s, place->frame, place->slot, at, 1) == 1 && py_pointer_sane(*at, s->l->word);
}

static bool search_place(struct search *s, const struct py_wait_place *place)
{
	struct candidate it = { .at = 0 };

	if (!read_place(s, place, &it.at))
		return false;
	read_candidates(s, &it, 1);
	if (place->bound) {
		it = (struct candidate){ .at = candidate_word(s, &it, s->head + s->l->word) };
		if (!py_pointer_sane(it.at, s->l->word))
			return false;
		read_candidates(s, &it, 1);
	}
	if (!is_awaited(s, &it))
		return false;
	s->frame = place->frame;
	return true;
}

/* Find the object that has the lock. */
static bool search_lock(struct search *s)
{
	for (size_t i = 0; i < PLACES; i++) {
		if (search_place(s, &s->hints->places[i]))
			return true;
	}
	for (uint32_t i = 0; i < FRAMES && i < s->w->stack->frames.n; i++) {
		if (search_frame(s, i))
			return true;
	}
	return false;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* Is the object at addr of the class of this name, which has an underscore up to 3.2, or of a class
 * that is derived from it? */
static bool is_of_class(const struct search *s, uint64_t addr, const char *class)
{
	enum { DEPTH = 16, BASE = 11 /* words from tp_flags to tp_base (Include/cpython/object.h) */ };
	uint64_t type, at;
	char name[16];

	if (!py_pointer_sane(addr, s->l->word) ||
	    !py_read_word(s->py->P, s->l, addr, s->l->object.type, &type))
		return false;
	for (int i = 0; i < DEPTH && py_pointer_sane(type, s->l->word); i++) {
		if (py_read_word(s->py->P, s->l, type, s->l->type.name, &at) &&
		    Pread_string(s->py->P, name, sizeof(name), (uintptr_t)at) > 0 &&
		    strcmp(name + (name[0] == '_'), class) == 0)
			return true;
		if (!py_read_word(s->py->P, s->l, type, s->l->type.flags + BASE * s->l->word, &type))
			return false;
	}
	return false;
}

/* Open the attributes of the object at addr if it is of that class. Those of a class of 2.x without
 * a base are in the dict that follows its class (Include/classobject.h). */
static bool open_attributes(const struct search *s, uint64_t addr, const char *class, struct py_dict *out)
{
	uint64_t type, dict;

	if (is_of_class(s, addr, class))
		return py_attributes_open(s->py->P, s->rt, addr, out);
	return s->l->version < PY_HEX(3, 0) && py_read_word(s->py->P, s->l, addr, s->l->object.type, &type) &&
	       py_type_is(s->py->P, s->l, type, "instance", &s->hints->instance_type) &&
	       py_read_word(s->py->P, s->l, addr + s->head + s->l->word, PY_AT(0), &dict) &&
	       py_dict_open(s->py->P, s->rt, dict, out);
}

/* Is the attribute of the object at `outer` that the row names `inner`? */
static bool read_attribute(const struct search *s, const struct wait_row *row, uint64_t outer, uint64_t inner)
{
	struct py_dict attributes;
	struct py_dict_entry entry;

	if (!open_attributes(s, outer, classes[row->kind], &attributes))
		return false;
	attributes.live = s->live;
	return py_dict_find(&attributes, row->attribute, &s->hints->keys[row - rows], &entry) &&
	       (row->has || entry.value == inner);
}

static bool has_attribute(const struct search *s, const struct wait_row *row, uint64_t outer, uint64_t inner)
{
	struct py_wait_hints *h = s->hints;
	const struct py_wait_pair pair = { outer, row->has ? 0 : inner, row };

	for (size_t i = 0; i < sizeof(h->pairs) / sizeof(h->pairs[0]); i++) {
		if (h->pairs[i].outer == pair.outer && h->pairs[i].inner == pair.inner &&
		    h->pairs[i].row == row)
			return true;
	}
	if (!read_attribute(s, row, outer, inner))
		return false;
	h->pairs[h->n_pairs++ % (sizeof(h->pairs) / sizeof(h->pairs[0]))] = pair;
	return true;
}

/* Turn what was found into the object that is made of it, if that is what the frame waits for. */
static void search_outer(struct search *s, uint32_t frame)
{
	const struct py_code *code = py_code_get(s->py, &s->w->stack->frames.at[frame]);
	uint64_t self;

	if (code == NULL || code->file == NULL || code->name == NULL ||
	    read_slots(s, frame, 0, &self, 1) != 1 || self == s->found.at)
		return;
	for (size_t i = 0; i < ROWS; i++) {
		const struct wait_row *row = &rows[i];
		uint64_t inner = s->handle != 0 ? s->handle : s->found.at;

		if (row->inner != (uint8_t)s->found.kind || (row->has && frame != s->frame) ||
		    strcmp(row->function, code->name) != 0 || strcmp(row->file, base_name(code->file)) != 0 ||
		    !has_attribute(s, row, self, inner))
			continue;
		s->found = (struct py_wait){ .kind = (enum py_wait_kind)row->kind, .at = self };
		s->handle = 0;
		return;
	}
}

/* Up to 2.7 RLock is written in Python, and its owner an int. */
static void read_owner(struct search *s)
{
	struct py_dict attributes;
	struct py_dict_entry entry;
	uint64_t key = 0, type, number;
	uint32_t word = s->l->word;

	if (s->l->version != PY_HEX(2, 7) || !py_attributes_open(s->py->P, s->rt, s->found.at, &attributes) ||
	    !py_dict_find(&attributes, "_RLock__owner", &key, &entry) ||
	    !py_dict_find(&attributes, "_RLock__owner", &key, &entry) || /* now `next` follows it */
	    !py_read_word(s->py->P, s->l, entry.value, s->l->object.type, &type) ||
	    !py_type_is(s->py->P, s->l, type, "int", &s->hints->int_type) ||
	    !py_read_word(s->py->P, s->l, entry.value + s->head, PY_AT(0), &number))
		return;
	s->found.owner = number;
	s->found.owner_word = entry.value;
	s->found.owner_at = attributes.entries + 3U * word * (attributes.next - 1) + 2U * word;
}

/* The address of the PyMutex, or of what else the thread is parked at, if the word that it waits at
 * is in an entry of the parking lot. */
static uint64_t parked_at(const struct search *s)
{
	uint64_t at = 0;

	if (s->l->version >= PY_HEX(3, 13) && s->w->on_stack)
		(void)py_read_word(s->py->P, s->l, s->w->word - s->l->word, PY_AT(0), &at);
	return at;
}

/* Is that surely a PyMutex? Its byte says that it is locked and that threads wait
 * (Include/internal/pycore_lock.h), and the entry is in a list: its successor refers to it. */
static bool is_mutex(const struct search *s)
{
	enum { LOCKED_AWAITED = 3, SEMAPHORE = 32 /* sem_t; of words of 4: 16 */ };
	uint64_t node = s->w->word + (s->l->word == 4 ? SEMAPHORE / 2 : SEMAPHORE), next, back;
	uint8_t bits = 0;

	return s->entry != 0 && py_read(s->py->P, &bits, sizeof(bits), s->entry) && bits == LOCKED_AWAITED &&
	       py_read_word(s->py->P, s->l, node, PY_AT(0), &next) &&
	       py_read_word(s->py->P, s->l, next + s->l->word, PY_AT(0), &back) && back == node;
}

static void search_object(struct search *s)
{
	if (!search_lock(s)) {
		if (is_mutex(s))
			s->found = (struct py_wait){ .kind = PY_WAIT_MUTEX, .at = s->entry };
		return;
	}
	for (uint32_t i = s->frame; i < s->frame + FRAMES && i < s->w->stack->frames.n; i++)
		search_outer(s, i);
	if (s->found.kind == PY_WAIT_RLOCK && s->found.owner_at == 0)
		read_owner(s);
	/* A handle says nothing without its Thread. */
	if (s->handle != 0)
		s->found.kind = PY_WAIT_NONE;
}

uint64_t py_wait_guess(struct py_process *py, const struct py_waiting *w, const struct py_wait_hints *hints)
{
	struct py_runtime *rt = &py->runtimes.at[w->thread->runtime];
	const struct search s = { .py = py, .l = &rt->layout, .w = w, .offset = hints->locals };
	uint64_t at;

	for (size_t i = 0; hints->runtime == w->thread->runtime && hints->locals != 0 && i < PLACES; i++) {
		if (read_place(&s, &hints->places[i], &at))
			return at;
	}
	return 0;
}

void py_wait_find(struct py_process *py, struct ps_prochandle *live, const struct py_waiting *w,
    struct py_wait_hints *hints, struct py_wait *out)
{
	struct py_runtime *rt = &py->runtimes.at[w->thread->runtime];
	struct search s = { .py = py,
		.rt = rt,
		.l = &rt->layout,
		.live = live,
		.w = w,
		.hints = hints,
		.head = py_head_size(&rt->layout) };

	*out = (struct py_wait){ .kind = PY_WAIT_NONE };
	if (w->stack->runs.n == 0 || w->stack->runs.at[0].runtime != w->thread->runtime)
		return;
	if (hints->runtime != w->thread->runtime)
		*hints = (struct py_wait_hints){ .runtime = w->thread->runtime };
	if (hints->locals == 0)
		hints->locals = locals_offset(&s);
	if (hints->locals == 0 || s.head + 3U * s.l->word > HEAD)
		return;
	s.offset = hints->locals;
	s.entry = parked_at(&s);
	search_object(&s);
	*out = s.found;
}

bool py_wait_is_held(struct py_process *py, struct ps_prochandle *live, const struct py_wait *wait)
{
	uint8_t word = py->runtimes.at[0].layout.word;
	uint64_t now = 0;

	return os_read_same(live, &now, word, (uintptr_t)wait->owner_at) == (ssize_t)word &&
	       now == wait->owner_word;
}
