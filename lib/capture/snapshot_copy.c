/* Copying ranges of a process (stacks), with the pages of a prefetch list. */
#include "capture/snapshot_state.h"

#include <stdlib.h>
#include <string.h>

#include "os/mappings.h"
#include "os/read.h"

enum {
	SOME = 64,       /* ranges copied in one call */
	CHUNK = 8 << 20, /* bytes of a large copy in one call: 2 ms */
};
#define LARGE_MAX ((size_t)1 << 30) /* total bytes of large copies */

/* Insert r in order. False: out of memory. */
static bool range_insert(struct snapshot *s, struct range r)
{
	return ranges_insert(&s->ranges, snapshot_range_above(s, r.lo), r);
}

static void range_remove(struct snapshot *s, size_t i)
{
	s->large -= s->ranges.at[i].large;
	free(s->ranges.at[i].bytes);
	ranges_remove(&s->ranges, i);
}

/* Mark the copy that begins at `of`: a later one takes part of it. */
static void mark_cut(struct snapshot *s, uint64_t of)
{
	for (size_t i = 0; i < s->ranges.n; i++)
		s->ranges.at[i].cut |= s->ranges.at[i].of == of;
}

/* Make room for [lo, hi). Returns the end that it can have. */
static uint64_t make_room(struct snapshot *s, uint64_t lo, uint64_t hi)
{
	size_t i = snapshot_range_above(s, lo);

	if (i < s->ranges.n && s->ranges.at[i].lo <= lo) {
		mark_cut(s, s->ranges.at[i].of);
		s->ranges.at[i].hi = lo;
		if (s->ranges.at[i].lo == lo)
			range_remove(s, i);
		else
			i++;
	}
	return i < s->ranges.n && s->ranges.at[i].lo < hi ? s->ranges.at[i].lo : hi;
}

/* Make room for a range and allocate it; its hi may be lower. bytes NULL: there is none. */
static struct range range_begin(struct snapshot *s, uint64_t lo, uint64_t hi)
{
	struct range r = { lo, make_room(s, lo, hi), NULL, false, lo, 0 };

	r.bytes = r.hi > lo ? malloc((size_t)(r.hi - lo)) : NULL;
	return r;
}

/* Keep the bytes that were read. Returns their number. */
static size_t range_end(struct snapshot *s, struct range *r, size_t got)
{
	r->hi = r->lo + got;
	if (got != 0 && range_insert(s, *r))
		return got;
	free(r->bytes);
	return 0;
}

static bool is_large(const struct snapshot_piece *p)
{
	return p->hi > p->lo && p->hi - p->lo > (p->sparse ? SNAPSHOT_LARGE : CHUNK);
}

/* Copy a range of the piece that begins at `of`. Returns where the copy ends. */
static uint64_t copy_range(struct snapshot *s, uint64_t of, const struct os_range *range)
{
	uint64_t at = range->lo;

	while (at < range->hi && s->large < LARGE_MAX && !snapshot_deadline_passed(s)) {
		uint64_t end = range->hi - at < CHUNK ? range->hi : at + CHUNK;
		struct range r = { at, end, malloc((size_t)(end - at)), false, of, 0 };
		ssize_t got = r.bytes == NULL ? 0 : os_read(s->live, r.bytes, (size_t)(end - at), at);

		r.large = got > 0 ? (size_t)got : 0;
		got = (ssize_t)range_end(s, &r, got > 0 ? (size_t)got : 0);
		s->large += (size_t)got;
		at += (uint64_t)got;
		if (at < end)
			break;
	}
	return at;
}

/* Copy a large piece in several calls. */
static size_t copy_large(struct snapshot *s, const struct snapshot_piece *p)
{
	uint64_t hi = make_room(s, p->lo, p->hi), at = p->lo, upto = hi;
	struct os_range touched[SOME] = { { p->lo, hi, false } };

	while (at < hi) {
		size_t n = p->sparse ? os_touched(s->live, at, hi, touched, SOME, &upto) : 1;

		for (size_t i = 0; i < n; i++) {
			uint64_t end = copy_range(s, p->lo, &touched[i]);

			if (end < touched[i].hi)
				return (size_t)(end - p->lo);
		}
		if (upto <= at)
			break;
		at = upto;
	}
	return (size_t)(at - p->lo);
}

bool snapshot_put(struct snapshot *s, uint64_t va, const uint8_t *bytes, size_t n)
{
	uint64_t hi = va + n;

	while (va < hi) {
		size_t i = snapshot_range_above(s, va);
		uint64_t end = i < s->ranges.n && s->ranges.at[i].lo < hi ? s->ranges.at[i].lo : hi;
		struct range r = { .lo = va, .hi = end, .of = va };

		if (end <= va) { /* an older copy has this part */
			end = s->ranges.at[i].hi < hi ? s->ranges.at[i].hi : hi;
		} else {
			r.bytes = malloc((size_t)(end - va));
			if (r.bytes == NULL)
				return false;
			memcpy(r.bytes, bytes, (size_t)(end - va));
			if (range_end(s, &r, (size_t)(end - va)) == 0)
				return false;
		}
		bytes += end - va;
		va = end;
	}
	return true;
}

size_t snapshot_copy(struct snapshot *s, uint64_t lo, uint64_t hi)
{
	struct snapshot_piece piece = { .lo = lo, .hi = hi };

	snapshot_copy_pieces(s, &piece, 1);
	return piece.got;
}

/* True if the pieces do not overlap. Pieces that do are copied one at a time. */
static bool pieces_disjoint(const struct snapshot_piece *pieces, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (pieces[i].lo < pieces[k].hi && pieces[k].lo < pieces[i].hi)
				return false;
		}
	}
	return true;
}

/* The reads of one call: pieces, then pages. */
struct fetch {
	struct os_piece reads[SOME + SNAPSHOT_PREFETCH_MAX];
	struct range ranges[SOME];
	uint64_t pages[SNAPSHOT_PREFETCH_MAX];
	size_t n_reads, n_pages;
};

/* Plan the reads of n <= SOME pieces. */
static void plan_pieces(struct snapshot *s, const struct snapshot_piece *pieces, size_t n, struct fetch *f)
{
	for (size_t i = 0; i < n; i++) {
		struct range r = { .bytes = NULL };

		if (!is_large(&pieces[i]))
			r = range_begin(s, pieces[i].lo, pieces[i].hi);
		f->ranges[i] = r;
		if (r.bytes != NULL)
			f->reads[f->n_reads++] = (struct os_piece){ r.bytes, (size_t)(r.hi - r.lo), r.lo, 0 };
	}
}

/* Plan the reads of the listed pages. */
static void plan_pages(struct snapshot *s, const struct snapshot_prefetch *list, struct fetch *f)
{
	for (size_t i = 0; i < list->n && f->n_pages < SNAPSHOT_PREFETCH_MAX &&
			   snapshot_page_room(s, s->used + (uint32_t)f->n_pages);
	     i++) {
		uint64_t page = list->at[i];
		uint32_t at = s->used + (uint32_t)f->n_pages, before;

		/* A page may be listed twice, so it is entered before it is read. */
		if (addrmap_get(&s->pages, page, &before) || !addrmap_put(&s->pages, page, at))
			continue;
		s->numbers.at[at] = page;
		f->pages[f->n_pages++] = page;
		f->reads[f->n_reads++] = (struct os_piece){ snapshot_page(s, at), PAGE, page * PAGE, 0 };
	}
}

/* Take the results of the reads. */
static void fetch_end(struct snapshot *s, struct snapshot_piece *pieces, size_t n, struct fetch *f)
{
	const struct os_piece *read = f->reads;

	for (size_t i = 0; i < n; i++) {
		pieces[i].got = f->ranges[i].bytes == NULL ? 0 : range_end(s, &f->ranges[i], read++->got);
		if (is_large(&pieces[i]))
			pieces[i].got = copy_large(s, &pieces[i]);
	}
	for (size_t i = 0; i < f->n_pages; i++) {
		if (read++->got != PAGE) {
			(void)addrmap_put(&s->pages, f->pages[i], (uint32_t)ABSENT);
			s->absent = true;
		}
	}
	s->used += (uint32_t)f->n_pages;
}

void snapshot_copy_with_pages(
    struct snapshot *s, struct snapshot_prefetch *list, struct snapshot_piece *pieces, size_t n)
{
	struct fetch f;
	size_t some;

	for (size_t from = 0; from < n || list->n > 0; from += some, list->n = 0) {
		some = n - from < SOME ? n - from : SOME;
		if (!pieces_disjoint(pieces + from, some))
			some = 1;
		f.n_reads = f.n_pages = 0;
		plan_pieces(s, pieces + from, some, &f);
		plan_pages(s, list, &f);
		os_read_pieces(s->live, f.reads, f.n_reads);
		fetch_end(s, pieces + from, some, &f);
	}
}

void snapshot_copy_pieces(struct snapshot *s, struct snapshot_piece *pieces, size_t n)
{
	struct snapshot_prefetch none = VEC_EMPTY;

	snapshot_copy_with_pages(s, &none, pieces, n);
}

void snapshot_drop(struct snapshot *s, uint64_t lo)
{
	size_t i = snapshot_range_above(s, lo);

	while (i < s->ranges.n) {
		if (s->ranges.at[i].of == lo)
			range_remove(s, i);
		else
			i++;
	}
}

bool snapshot_whole(const struct snapshot *s, uint64_t lo)
{
	size_t i = snapshot_range_above(s, lo);

	return i < s->ranges.n && s->ranges.at[i].of == lo && !s->ranges.at[i].cut;
}
