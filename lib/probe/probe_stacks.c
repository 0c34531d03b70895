/* Stacks from records. Processors write into one ring, so records of several stacks may be mixed;
 * each has the id of its stack. A stack that was given up in the middle never gets its end. */
#include "probe/probe_stacks.h"

#include <stdlib.h>
#include <string.h>

enum { PARTIAL_MAX = 1024 }; /* more than processors that can be in the middle of a stack */

static struct probe_partial *partial_of(struct probe_stacks *x, uint64_t id)
{
	for (size_t i = 0; i < x->partial.n; i++) {
		if (x->partial.at[i].id == id)
			return &x->partial.at[i];
	}
	return NULL;
}

static void partial_drop(struct probe_stacks *x, struct probe_partial *p)
{
	x->partial_bytes -= p->bytes.n;
	vec_free(&p->bytes);
	*p = x->partial.at[--x->partial.n];
}

static void drop_oldest(struct probe_stacks *x)
{
	size_t oldest = 0;

	for (size_t i = 1; i < x->partial.n; i++) {
		if (x->partial.at[i].order < x->partial.at[oldest].order)
			oldest = i;
	}
	partial_drop(x, &x->partial.at[oldest]);
}

/* Begin a stack. The oldest unfinished one gives way to it if there are too many. */
static void begin_stack(struct probe_stacks *x, const struct probe_begin *record)
{
	struct probe_partial p = { .id = record->head.id, .order = x->arrived++, .begin = *record };

	if (x->partial.n >= PARTIAL_MAX)
		drop_oldest(x);
	if (!vec_push(&x->partial, p))
		x->failed = true;
}

static void add_memory(struct probe_stacks *x, uint64_t id, const uint8_t *bytes, size_t n)
{
	struct probe_partial *p;

	while (x->partial.n > 0 && x->partial_bytes + n > PROBE_PARTIAL_BYTES)
		drop_oldest(x);
	p = partial_of(x, id);
	if (p == NULL)
		return;
	if (!vec_reserve(&p->bytes, p->bytes.n + n)) {
		x->failed = true;
		partial_drop(x, p);
		return;
	}
	memcpy(p->bytes.at + p->bytes.n, bytes, n);
	p->bytes.n += n;
	x->partial_bytes += n;
}

/* The piece at va that is kept of the code object `code`, or NULL. */
static struct probe_name *name_at(const struct probe_names *names, uint64_t code, uint64_t va)
{
	uint32_t i = UINT32_MAX;

	(void)addrmap_get(&names->first, code, &i);
	while (i != UINT32_MAX && names->at.at[i].piece.va != va)
		i = names->at.at[i].next;
	return i == UINT32_MAX ? NULL : &names->at.at[i];
}

/* Are pieces of this code object kept? All of them or none: one that has been kept is not sent
 * again. */
static bool names_want(const struct probe_names *names, uint64_t code)
{
	uint32_t i;

	return names->bytes < PROBE_NAMES_BYTES || addrmap_get(&names->first, code, &i);
}

/* Keep a piece of the code object `code`. One that was kept before is replaced: several processors
 * may send it before any is known to have arrived. */
static bool names_keep(struct probe_names *names, uint64_t code, const struct memory_piece *piece)
{
	struct probe_name one = { .piece = *piece, .code = code, .next = UINT32_MAX };
	struct probe_name *known = name_at(names, code, piece->va);
	uint8_t *bytes = malloc(piece->n);

	if (bytes == NULL)
		return false;
	memcpy(bytes, piece->bytes, piece->n);
	one.piece.bytes = bytes;
	names->bytes += piece->n;
	if (known != NULL) {
		one.next = known->next;
		names->bytes -= known->piece.n;
		free((void *)(uintptr_t)known->piece.bytes);
		*known = one;
		return true;
	}
	(void)addrmap_get(&names->first, code, &one.next);
	if (names->at.n >= UINT32_MAX || !vec_push(&names->at, one)) {
		free(bytes);
		return false;
	}
	return addrmap_put(&names->first, code, (uint32_t)(names->at.n - 1));
}

/* Append the kept pieces of the code object `code`. */
static bool names_add(struct probe_stacks *x, uint64_t code)
{
	uint32_t i;

	if (!addrmap_get(&x->names.first, code, &i))
		return true;
	for (; i != UINT32_MAX; i = x->names.at.at[i].next) {
		if (!vec_push(&x->pieces, x->names.at.at[i].piece))
			return false;
	}
	return true;
}

/* Cut the bytes of p into pieces, with those of code objects that came before. False: out of
 * memory. */
static bool cut_pieces(struct probe_stacks *x, const struct probe_partial *p)
{
	struct probe_memory m;
	size_t at = 0;

	x->pieces.n = 0;
	while (p->bytes.n - at >= sizeof(m)) {
		struct memory_piece piece;

		memcpy(&m, p->bytes.at + at, sizeof(m));
		at += sizeof(m);
		if (m.n > p->bytes.n - at || m.n == 0)
			break;
		piece = (struct memory_piece){ m.at, p->bytes.at + at, m.n };
		if (m.kind == PROBE_MEMORY_NAME && names_want(&x->names, m.code)
			? !names_keep(&x->names, m.code, &piece)
			: !vec_push(&x->pieces, piece))
			return false;
		at += ((size_t)m.n + 7) & ~(size_t)7;
		if (at > p->bytes.n)
			break;
	}
	at = 0;
	while (p->bytes.n - at >= sizeof(m)) {
		memcpy(&m, p->bytes.at + at, sizeof(m));
		at += sizeof(m);
		if (m.n > p->bytes.n - at)
			break;
		if (m.kind == PROBE_MEMORY_CODE && !names_add(x, m.code))
			return false;
		at += ((size_t)m.n + 7) & ~(size_t)7;
		if (at > p->bytes.n)
			break;
	}
	return true;
}

static void finish_stack(struct probe_stacks *x, struct probe_partial *p, const struct probe_reader *reader)
{
	struct probe_stack stack = { .begin = &p->begin };

	if (!cut_pieces(x, p)) {
		x->failed = true;
	} else {
		stack.pieces = x->pieces.at;
		stack.n_pieces = x->pieces.n;
		reader->stack(reader->data, &stack);
	}
	partial_drop(x, p);
}

/* An event is sent without the texts that it does not have. */
static void take_hit(const void *record, size_t n, const struct probe_reader *reader)
{
	struct probe_hit hit = { .n_text = 0 };

	if (n < offsetof(struct probe_hit, text))
		return;
	memcpy(&hit, record, n < sizeof(hit) ? n : sizeof(hit));
	reader->event(reader->data, &hit);
}

void probe_stacks_take(
    struct probe_stacks *x, const void *record, size_t n, const struct probe_reader *reader)
{
	struct probe_record head;
	struct probe_partial *p;

	if (n < sizeof(head))
		return;
	memcpy(&head, record, sizeof(head));
	if (head.size > n || head.size < sizeof(head))
		return;
	p = partial_of(x, head.id);
	switch (head.kind) {
	case PROBE_RECORD_HIT:
		take_hit(record, head.size, reader);
		break;
	case PROBE_RECORD_BEGIN:
		if (head.size >= sizeof(struct probe_begin) && p == NULL)
			begin_stack(x, record);
		break;
	case PROBE_RECORD_MEMORY:
		if (p != NULL && head.size > sizeof(head))
			add_memory(
			    x, head.id, (const uint8_t *)record + sizeof(head), head.size - sizeof(head));
		break;
	case PROBE_RECORD_END:
		if (p != NULL)
			finish_stack(x, p, reader);
		break;
	default:
		break;
	}
}

void probe_stacks_free(struct probe_stacks *x)
{
	for (size_t i = 0; i < x->partial.n; i++)
		vec_free(&x->partial.at[i].bytes);
	vec_free(&x->partial);
	for (size_t i = 0; i < x->names.at.n; i++)
		free((void *)(uintptr_t)x->names.at.at[i].piece.bytes);
	vec_free(&x->names.at);
	addrmap_free(&x->names.first);
	vec_free(&x->pieces);
}
