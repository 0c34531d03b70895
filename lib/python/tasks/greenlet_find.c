/* Where greenlets are. No object leads to all of them, but each is in a list of the garbage
 * collector, whose nodes are in front of their objects:
 *
 *   head ──next──> node ──> node ──> … ──> head         and back by `prev`
 *                  object   object
 *
 *   up to 3.6    the lists are in variables of the interpreter's file
 *   3.7, 3.8     in _PyRuntime
 *   3.9+         in each interpreter's state
 *
 * Where exactly, the words tell: a head's next node leads back to it, and so does its previous one
 * (Modules/gcmodule.c, Include/internal/pycore_gc.h). Low bits of both links are flags. */
#include "python/tasks/greenlet_find.h"

#include <stdlib.h>
#include <string.h>

#include "base/bound.h"
#include "python/tasks/greenlet_reader.h"
#include "python/tasks/task_objects.h"

enum { PAGE = 4096, CACHE_PAGES = 1024, NODE_MAX = 96, TIME_EVERY = 1024 };

/* Pages that were read last, each in the place that its number gives. */
struct pages {
	struct ps_prochandle *P;
	uint64_t number[CACHE_PAGES];
	uint8_t bytes[CACHE_PAGES][PAGE];
	uint32_t reads;
};

struct search {
	struct greenlet_reader *g;
	struct pages *pages;
	uint32_t node;    /* size of a node, in bytes */
	uint32_t objects; /* that were looked at */
	bool cut;         /* a list could not be followed to its end */
	struct addrmap found;
};

/* NULL: it cannot be read, or no more may be. */
static const uint8_t *page_at(struct pages *p, uint64_t va)
{
	uint64_t number = va / PAGE;
	size_t slot = number % CACHE_PAGES;

	if (p->number[slot] == number)
		return p->bytes[slot];
	if (p->reads >= GREENLET_PAGES_MAX)
		return NULL;
	p->reads++;
	p->number[slot] = 0;
	if (!py_read(p->P, p->bytes[slot], PAGE, number * PAGE))
		return NULL;
	p->number[slot] = number;
	return p->bytes[slot];
}

static bool read_bytes(struct pages *p, uint8_t *out, size_t n, uint64_t va)
{
	while (n > 0) {
		const uint8_t *page = page_at(p, va);
		size_t room = PAGE - va % PAGE, some = room < n ? room : n;

		if (page == NULL)
			return false;
		memcpy(out, page + va % PAGE, some);
		out += some;
		va += some;
		n -= some;
	}
	return true;
}

/* --- nodes --- */

struct node {
	uint64_t next, prev, type; /* type: of its object */
};

static bool read_links(struct search *s, uint64_t at, uint64_t *next, uint64_t *prev)
{
	uint8_t word = s->g->r->rt->layout.word, bytes[16];
	uint64_t flags = word - 1U;

	if (!py_pointer_sane(at, word) || !read_bytes(s->pages, bytes, 2U * word, at))
		return false;
	*next = py_number_at(bytes, word) & ~flags;
	*prev = py_number_at(bytes + word, word) & ~flags;
	return true;
}

static bool read_node(struct search *s, uint64_t at, struct node *out)
{
	const struct py_layout *l = &s->g->r->rt->layout;
	uint32_t type = s->node + l->object.type - 1;
	uint8_t bytes[NODE_MAX];
	uint64_t flags = l->word - 1U;

	if (type + l->word > sizeof(bytes) || !py_pointer_sane(at, l->word) ||
	    !read_bytes(s->pages, bytes, type + l->word, at))
		return false;
	out->next = py_number_at(bytes, l->word) & ~flags;
	out->prev = py_number_at(bytes + l->word, l->word) & ~flags;
	out->type = py_number_at(bytes + type, l->word);
	return true;
}

/* Is this the type of a type? Its instances are classes: bit 31 of tp_flags. */
static bool is_object(struct search *s, uint64_t type)
{
	const struct py_layout *l = &s->g->r->rt->layout;
	uint64_t meta, flags;

	return py_pointer_sane(type, l->word) && py_read_word(s->g->r->P, l, type, l->object.type, &meta) &&
	       py_pointer_sane(meta, l->word) && py_read_word(s->g->r->P, l, meta, l->type.flags, &flags) &&
	       (flags >> 31 & 1) != 0;
}

/* Up to 3.7 a node is as large as its alignment makes it, which has changed with patch levels. */
static bool measure_node(struct search *s, uint64_t first, uint64_t head)
{
	enum { LOOKS = 8 };
	const struct py_layout *l = &s->g->r->rt->layout;

	for (uint32_t words = l->version >= PY_HEX(3, 8) ? 2 : 3; words <= 4; words++) {
		uint64_t at = first;
		int n = 0;

		s->node = words * l->word;
		for (; n < LOOKS && at != head; n++) {
			struct node node;

			if (!read_node(s, at, &node) || !is_object(s, node.type))
				break;
			at = node.next;
		}
		if (n == LOOKS || (n > 0 && at == head))
			return true;
		if (l->version >= PY_HEX(3, 8))
			break;
	}
	s->node = 0;
	return false;
}

static void take_greenlet(struct search *s, uint64_t addr)
{
	struct task_reader *r = s->g->r;
	struct py_greenlet_found found = { addr, s->g->interp, r->runtime };
	uint32_t before;

	if (addrmap_get(&s->found, addr, &before))
		return;
	if (s->found.n >= GREENLETS_MAX) {
		s->cut = true;
		return;
	}
	if (!addrmap_put(&s->found, addr, 0) || !vec_push(&r->out->greenlets, found))
		(void)task_no_memory(r);
}

static void follow_list(struct search *s, uint64_t head, uint64_t first)
{
	struct task_reader *r = s->g->r;
	uint64_t before = head, at = first;

	while (at != head && r->res == RES_OK) {
		struct node node;

		if (s->objects >= GREENLET_OBJECTS_MAX ||
		    (s->objects % TIME_EVERY == 0 && bound_passed(BOUND_STACKS)) ||
		    !read_node(s, at, &node) || node.prev != before) {
			s->cut = true;
			return;
		}
		s->objects++;
		if (greenlet_is_type(s->g, node.type))
			take_greenlet(s, at + s->node);
		before = at;
		at = node.next;
	}
}

/* --- heads --- */

/* False: there is no head at `at`. */
static bool is_head(struct search *s, uint64_t at, uint64_t *first)
{
	uint64_t next, prev, a, b;

	if (!read_links(s, at, &next, &prev) || !py_pointer_sane(next, s->g->r->rt->layout.word))
		return false;
	*first = next;
	if (next == at || prev == at)
		return next == prev;
	return read_links(s, next, &a, &b) && b == at && read_links(s, prev, &a, &b) && a == at;
}

/* Where the heads are: [*lo, *hi). The collector's flag comes after them. */
static bool find_range(const struct greenlet_reader *g, uint64_t lists, uint64_t *lo, uint64_t *hi)
{
	enum { LISTS = 3, ROOM = 512 };
	const struct py_layout *l = &g->r->rt->layout;

	if (l->version < PY_HEX(3, 7)) {
		*lo = lists;
		*hi = lists + LISTS * 6U * l->word;
		return lists != 0;
	}
	if (l->more.collecting == 0)
		return false;
	*lo = l->version < PY_HEX(3, 9) ? g->r->rt->addr : g->interp;
	*lo += l->more.gc == 0 ? 0 : l->more.gc - 1;
	*hi = *lo + l->more.collecting - 1;
	if (*hi - *lo > ROOM)
		*lo = *hi - ROOM;
	return true;
}

/* Does the collector run? It moves objects to lists of its own meanwhile. */
static bool is_collecting(struct search *s)
{
	const struct py_layout *l = &s->g->r->rt->layout;
	uint64_t at = s->g->r->rt->collecting;
	int32_t flag = 0;

	if (l->more.collecting != 0) {
		at = l->version < PY_HEX(3, 9) ? s->g->r->rt->addr : s->g->interp;
		at += (l->more.gc == 0 ? 0 : l->more.gc - 1) + l->more.collecting - 1;
	}
	return at != 0 && (!py_read(s->pages->P, &flag, sizeof(flag), at) || flag != 0);
}

/* False: not all lists were read. There are three of objects by age, and from 3.7 on one of those
 * that are kept from the collector. */
static bool search_once(struct search *s, uint64_t lists)
{
	uint8_t word = s->g->r->rt->layout.word;
	unsigned heads = s->g->r->rt->layout.version < PY_HEX(3, 7) ? 3 : 4;
	uint64_t lo, hi, first;

	s->cut = is_collecting(s);
	if (!find_range(s->g, lists, &lo, &hi))
		return false;
	for (uint64_t at = lo; at < hi && s->g->r->res == RES_OK; at += word) {
		if (!is_head(s, at, &first))
			continue;
		heads -= heads > 0;
		if (first == at)
			continue;
		if (s->node == 0 && !measure_node(s, first, at))
			s->cut = true;
		else
			follow_list(s, at, first);
	}
	return heads == 0 && !s->cut && !is_collecting(s);
}

void greenlet_search(struct greenlet_reader *g, struct ps_prochandle *P, uint64_t lists)
{
	enum { TRIES = 4 };
	struct search s = { .g = g };
	bool whole = false;

	s.pages = calloc(1, sizeof(*s.pages));
	if (s.pages == NULL) {
		(void)task_no_memory(g->r);
		return;
	}
	s.pages->P = P;
	for (size_t i = 0; i < g->r->out->greenlets.n; i++) {
		if (!addrmap_put(&s.found, g->r->out->greenlets.at[i].addr, 0))
			(void)task_no_memory(g->r);
	}
	/* Lists change while they are read. What one try has found another one may miss. */
	for (int i = 0; i < TRIES && !whole && g->r->res == RES_OK; i++) {
		memset(s.pages->number, 0, sizeof(s.pages->number));
		whole = search_once(&s, lists);
	}
	g->r->out->lack.unsearched |= !whole;
	addrmap_free(&s.found);
	free(s.pages);
}

/* --- types --- */

bool greenlet_is_type(struct greenlet_reader *g, uint64_t type)
{
	enum { BASES_MAX = 32 };
	struct task_reader *r = g->r;
	const struct py_layout *l = &r->rt->layout;
	uint64_t base = type;
	uint32_t is = 0;

	if (addrmap_get(&g->kinds, type, &is))
		return is != 0;
	for (int i = 0; i < BASES_MAX && is == 0 && py_pointer_sane(base, l->word); i++) {
		is = base == g->type;
		/* tp_base: eleven words after tp_flags (Include/cpython/object.h) */
		if (!py_read_word(r->P, l, base, l->type.flags + 11U * l->word, &base))
			break;
	}
	if (!addrmap_put(&g->kinds, type, is))
		(void)task_no_memory(r);
	return is != 0;
}

bool greenlet_is(struct greenlet_reader *g, uint64_t addr)
{
	const struct py_layout *l = &g->r->rt->layout;
	uint64_t type;

	return py_pointer_sane(addr, l->word) && py_read_word(g->r->P, l, addr, l->object.type, &type) &&
	       greenlet_is_type(g, type);
}
