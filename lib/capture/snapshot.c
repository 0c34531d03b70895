/* The copy: whole ranges (stacks) and single pages (Python's structures). Fetching neighbours of
 * a page saves calls, but no time: the held target would wait for pages that are mostly not
 * needed. */
#include "capture/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/addrmap.h"
#include "base/vec.h"
#include "os/images.h"
#include "os/mappings.h"
#include "os/read.h"

enum {
	PAGE = 4096,
	ARENA = 64 * PAGE, /* pages are allocated in blocks of this size */
	ABSENT = (int)-1,  /* in the page map: the page is unreadable */
	SOME = 64,         /* ranges copied in one call */
	CHUNK = 8 << 20,   /* bytes of a large copy in one call: 2 ms */
};
#define LARGE_MAX ((size_t)1 << 30) /* total bytes of large copies */

struct range {
	uint64_t lo, hi;
	uint8_t *bytes;
	bool cut;    /* a later copy has taken its end */
	uint64_t of; /* start of the copy that it belongs to */
};

/* Bytes kept for reads after the seal, within one page. */
struct kept {
	uint64_t va;
	size_t n;
	uint32_t next; /* the previous one in this page, or NO_KEPT */
	uint8_t bytes[SNAPSHOT_KEPT];
};
#define NO_KEPT UINT32_MAX

struct snapshot {
	struct ps_prochandle *live, *handle;
	pstatus_t status; /* only what is constant: pid and data model */
	bool sealed;
	VEC(struct range) ranges; /* ordered by lo, without overlap */
	size_t last;              /* the range of the last read */
	struct addrmap pages;     /* page number -> index of its copy */
	VEC(uint8_t *) arenas;
	uint32_t used;                      /* page copies in arenas */
	struct snapshot_prefetch *recorded; /* set by snapshot_prefetch_record */
	int64_t until;                      /* set by snapshot_until */
	bool late;
	size_t large; /* bytes of large copies */
	VEC(struct kept) kept;
	struct addrmap kept_in; /* index of its latest kept bytes */
};

static uint8_t *page_copy(const struct snapshot *s, uint32_t i)
{
	return s->arenas.at[i / (ARENA / PAGE)] + (size_t)(i % (ARENA / PAGE)) * PAGE;
}

/* Make room for page copy i. False: out of memory. */
static bool page_room(struct snapshot *s, uint32_t i)
{
	uint8_t *arena;

	if (i / (ARENA / PAGE) < s->arenas.n)
		return true;
	arena = malloc(ARENA);
	if (arena != NULL && vec_push(&s->arenas, arena))
		return true;
	free(arena);
	return false;
}

/* Keep one page. NULL: out of memory. */
static uint8_t *page_keep(struct snapshot *s, uint64_t page, const uint8_t *bytes)
{
	if (!page_room(s, s->used) || !addrmap_put(&s->pages, page, s->used))
		return NULL;
	memcpy(page_copy(s, s->used), bytes, PAGE);
	return page_copy(s, s->used++);
}

/* True if a sealed snapshot may still read this page of the target: the program cannot write to
 * it (text, constants, relocated data). */
static bool page_is_constant(const struct snapshot *s, uint64_t page)
{
	const prmap_t *map = Paddr_to_map(s->handle, page * PAGE);

	return map != NULL && (map->pr_mflags & (MA_WRITE | MA_SHARED)) == 0;
}

bool snapshot_prefetch_full(const struct snapshot_prefetch *list)
{
	return list->n >= SNAPSHOT_PREFETCH_MAX;
}

static void prefetch_page(struct snapshot_prefetch *list, uint64_t page)
{
	if (!snapshot_prefetch_full(list))
		(void)vec_push(list, page);
}

/* True if the deadline has passed. */
static bool deadline_passed(struct snapshot *s)
{
	struct timespec t;

	if (s->until == 0 || clock_gettime(CLOCK_MONOTONIC, &t) != 0 ||
	    (int64_t)t.tv_sec * 1000000000 + t.tv_nsec < s->until)
		return false;
	s->late = true;
	return true;
}

bool snapshot_until(struct snapshot *s, int64_t ns)
{
	bool late = s->late;

	s->until = ns;
	s->late = false;
	return late;
}

/* The copy of a page, which is fetched if necessary. NULL: unreadable. */
static const uint8_t *page_get(struct snapshot *s, uint64_t page)
{
	uint8_t buf[PAGE];
	ssize_t got;
	uint32_t i;

	if (addrmap_get(&s->pages, page, &i))
		return i == (uint32_t)ABSENT ? NULL : page_copy(s, i);
	if (s->sealed && !page_is_constant(s, page))
		return NULL;
	if ((s->recorded != NULL && snapshot_prefetch_full(s->recorded)) || deadline_passed(s))
		return NULL;
	/* After the seal the process may have exited and its pid been reused. */
	got = s->sealed ? os_read_same(s->live, buf, PAGE, page * PAGE)
			: os_read(s->live, buf, PAGE, page * PAGE);
	if (got == PAGE && s->recorded != NULL)
		prefetch_page(s->recorded, page);
	if (got == PAGE)
		return page_keep(s, page, buf);
	(void)addrmap_put(&s->pages, page, (uint32_t)ABSENT);
	return NULL;
}

/* Index of the first range that ends above addr. */
static size_t range_above(const struct snapshot *s, uint64_t addr)
{
	size_t lo = 0, hi = s->ranges.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->ranges.at[mid].hi <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The range that holds addr, or NULL. */
static const struct range *range_of(struct snapshot *s, uint64_t addr)
{
	size_t i = s->last;

	if (i >= s->ranges.n || addr < s->ranges.at[i].lo || s->ranges.at[i].hi <= addr)
		i = range_above(s, addr);
	if (i == s->ranges.n || addr < s->ranges.at[i].lo)
		return NULL;
	s->last = i;
	return &s->ranges.at[i];
}

/* The latest kept bytes at addr. NULL: none. */
static const struct kept *kept_of(const struct snapshot *s, uint64_t addr)
{
	uint32_t i;

	if (!addrmap_get(&s->kept_in, addr / PAGE, &i))
		return NULL;
	for (; i != NO_KEPT; i = s->kept.at[i].next) {
		if (addr - s->kept.at[i].va < s->kept.at[i].n)
			return &s->kept.at[i];
	}
	return NULL;
}

/* The bytes at `at`, which is in no range: returns their number; *from NULL: none. */
static size_t page_piece(struct snapshot *s, uint64_t at, const uint8_t **from)
{
	const struct kept *k = s->sealed ? kept_of(s, at) : NULL;
	const uint8_t *page;

	if (k != NULL) {
		*from = k->bytes + (at - k->va);
		return k->n - (size_t)(at - k->va);
	}
	page = page_get(s, at / PAGE);
	*from = page == NULL ? NULL : page + at % PAGE;
	return PAGE - at % PAGE;
}

static ssize_t snapshot_pread(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va, void *data)
{
	struct snapshot *s = data;
	size_t done = 0;

	(void)P;
	while (done < n && va + done >= va) {
		uint64_t at = va + done;
		const struct range *r = range_of(s, at);
		const uint8_t *from;
		size_t piece;

		if (r != NULL) {
			piece = (size_t)(r->hi - at);
			from = r->bytes + (at - r->lo);
		} else {
			piece = page_piece(s, at, &from);
			if (from == NULL)
				break;
		}
		if (piece > n - done)
			piece = n - done;
		memcpy((uint8_t *)buf + done, from, piece);
		done += piece;
	}
	return (ssize_t)done;
}

static const psinfo_t *snapshot_psinfo(struct ps_prochandle *P, psinfo_t *out, void *data)
{
	struct snapshot *s = data;
	const psinfo_t *live = Ppsinfo(s->live);

	(void)P;
	if (live == NULL)
		return NULL;
	*out = *live;
	return out;
}

static void snapshot_status(struct ps_prochandle *P, pstatus_t *out, void *data)
{
	const struct snapshot *s = data;

	(void)P;
	*out = s->status;
}

enum res snapshot_create(struct ps_prochandle *live, struct snapshot **out, struct fault *f)
{
	ps_ops_t ops = {
		.pop_pread = snapshot_pread, .pop_psinfo = snapshot_psinfo, .pop_status = snapshot_status
	};
	struct snapshot *s = calloc(1, sizeof(*s));
	const pstatus_t *status = Pstatus(live);

	if (s == NULL)
		return fault_memory(f);
	s->live = live;
	s->status.pr_pid = status->pr_pid;
	s->status.pr_dmodel = status->pr_dmodel;
	os_captured_ops(&ops);
	s->handle = Pgrab_ops(status->pr_pid, s, &ops, 0);
	if (s->handle == NULL) {
		snapshot_destroy(s);
		return fault_memory(f);
	}
	os_share_objects(s->handle, live);
	*out = s;
	return RES_OK;
}

void snapshot_destroy(struct snapshot *s)
{
	if (s == NULL)
		return;
	if (s->handle != NULL) {
		os_release_images(s->handle);
		Prelease(s->handle, 0);
	}
	for (size_t i = 0; i < s->ranges.n; i++)
		free(s->ranges.at[i].bytes);
	for (size_t i = 0; i < s->arenas.n; i++)
		free(s->arenas.at[i]);
	vec_free(&s->ranges);
	vec_free(&s->arenas);
	vec_free(&s->kept);
	addrmap_free(&s->pages);
	addrmap_free(&s->kept_in);
	free(s);
}

struct ps_prochandle *snapshot_handle(const struct snapshot *s)
{
	return s->handle;
}

/* Insert r in order. False: out of memory. */
static bool range_insert(struct snapshot *s, struct range r)
{
	size_t i = range_above(s, r.lo);

	if (!vec_push(&s->ranges, r))
		return false;
	memmove(&s->ranges.at[i + 1], &s->ranges.at[i], (s->ranges.n - 1 - i) * sizeof(r));
	s->ranges.at[i] = r;
	return true;
}

static void range_remove(struct snapshot *s, size_t i)
{
	free(s->ranges.at[i].bytes);
	s->ranges.n--;
	memmove(&s->ranges.at[i], &s->ranges.at[i + 1], (s->ranges.n - i) * sizeof(s->ranges.at[i]));
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
	size_t i = range_above(s, lo);

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
	struct range r = { lo, make_room(s, lo, hi), NULL, false, lo };

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

	while (at < range->hi && s->large < LARGE_MAX && !deadline_passed(s)) {
		uint64_t end = range->hi - at < CHUNK ? range->hi : at + CHUNK;
		struct range r = { at, end, malloc((size_t)(end - at)), false, of };
		ssize_t got = r.bytes == NULL ? 0 : os_read(s->live, r.bytes, (size_t)(end - at), at);

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
			   page_room(s, s->used + (uint32_t)f->n_pages);
	     i++) {
		uint64_t page = list->at[i];
		uint32_t at = s->used + (uint32_t)f->n_pages, before;

		/* A page may be listed twice, so it is entered before it is read. */
		if (addrmap_get(&s->pages, page, &before) || !addrmap_put(&s->pages, page, at))
			continue;
		f->pages[f->n_pages++] = page;
		f->reads[f->n_reads++] = (struct os_piece){ page_copy(s, at), PAGE, page * PAGE, 0 };
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
		if (read++->got != PAGE)
			(void)addrmap_put(&s->pages, f->pages[i], (uint32_t)ABSENT);
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

void snapshot_prefetch_add(struct snapshot_prefetch *list, uint64_t va, size_t n)
{
	for (uint64_t page = va / PAGE; n != 0 && va + n > va && page <= (va + n - 1) / PAGE; page++)
		prefetch_page(list, page);
}

void snapshot_prefetch_record(struct snapshot *s, struct snapshot_prefetch *list)
{
	s->recorded = list;
}

const uint8_t *snapshot_copied(struct snapshot *s, uint64_t va, size_t *n)
{
	const struct range *r = range_of(s, va);

	*n = r == NULL ? 0 : (size_t)(r->hi - va);
	return r == NULL ? NULL : r->bytes + (va - r->lo);
}

void snapshot_drop(struct snapshot *s, uint64_t lo)
{
	size_t i = range_above(s, lo);

	while (i < s->ranges.n) {
		if (s->ranges.at[i].of == lo)
			range_remove(s, i);
		else
			i++;
	}
}

bool snapshot_whole(const struct snapshot *s, uint64_t lo)
{
	size_t i = range_above(s, lo);

	return i < s->ranges.n && s->ranges.at[i].of == lo && !s->ranges.at[i].cut;
}

static void kept_add(struct snapshot *s, const struct kept *k)
{
	struct kept new = *k;
	uint32_t i;

	new.next = NO_KEPT;
	(void)addrmap_get(&s->kept_in, k->va / PAGE, &new.next);
	for (i = new.next; i != NO_KEPT && s->kept.at[i].va != k->va;)
		i = s->kept.at[i].next;
	if (i != NO_KEPT) {
		new.next = s->kept.at[i].next;
		s->kept.at[i] = new;
	} else if (s->kept.n < NO_KEPT && vec_push(&s->kept, new) &&
		   !addrmap_put(&s->kept_in, k->va / PAGE, (uint32_t)(s->kept.n - 1))) {
		s->kept.n--;
	}
}

void snapshot_keep(struct snapshot *s, uint64_t va, size_t n)
{
	n = n < SNAPSHOT_KEPT ? n : SNAPSHOT_KEPT;
	while (n > 0 && va + n > va) {
		struct kept k = { .va = va };
		size_t want = PAGE - va % PAGE < n ? (size_t)(PAGE - va % PAGE) : n;
		ssize_t got = Pread(s->handle, k.bytes, want, va);

		if (got <= 0)
			return;
		k.n = (size_t)got;
		kept_add(s, &k);
		va += want;
		n -= want;
	}
}

void snapshot_forget(struct snapshot *s)
{
	addrmap_clear(&s->pages);
	s->used = 0;
}

void snapshot_seal(struct snapshot *s)
{
	s->sealed = true;
}

void snapshot_unseal(struct snapshot *s)
{
	s->sealed = false;
}
