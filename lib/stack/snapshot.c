/* The copy: whole ranges (stacks) and single pages (whatever Python's structures touch). A page comes
 * with its three neighbours, since objects lie near each other and a call costs more than its bytes. */
#include "stack/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/addrmap.h"
#include "base/vec.h"
#include "os/target_os.h"

enum {
	PAGE = 4096,
	FETCH = 4 * PAGE,  /* asked for at once */
	ARENA = 64 * PAGE, /* pages are kept in pieces of this */
	ABSENT = (int)-1,  /* page table: known to be unreadable */
};

struct range {
	uint64_t lo, hi;
	uint8_t *bytes;
};

struct snapshot {
	struct ps_prochandle *live, *handle;
	bool sealed;
	VEC(struct range) ranges; /* by lo; they do not overlap */
	size_t last;              /* the range that answered last */
	struct addrmap pages;     /* page number -> index of its copy */
	VEC(uint8_t *) arenas;
	uint32_t used; /* page copies in arenas */
};

static uint8_t *page_copy(const struct snapshot *s, uint32_t i)
{
	return s->arenas.at[i / (ARENA / PAGE)] + (size_t)(i % (ARENA / PAGE)) * PAGE;
}

/* Keep one page. NULL: out of memory. */
static uint8_t *page_keep(struct snapshot *s, uint64_t page, const uint8_t *bytes)
{
	if (s->used % (ARENA / PAGE) == 0) {
		uint8_t *arena = malloc(ARENA);

		if (arena == NULL || !vec_push(&s->arenas, arena)) {
			free(arena);
			return NULL;
		}
	}
	if (!addrmap_put(&s->pages, page, s->used))
		return NULL;
	memcpy(page_copy(s, s->used), bytes, PAGE);
	return page_copy(s, s->used++);
}

/* May a sealed snapshot still read this page of the target? Only if the program cannot write there:
 * text, constants, what the loader has relocated. */
static bool unchanging(const struct snapshot *s, uint64_t page)
{
	const prmap_t *map = Paddr_to_map(s->handle, page * PAGE);

	return map != NULL && (map->pr_mflags & (MA_WRITE | MA_SHARED)) == 0;
}

/* The copy of a page, fetched if need be. NULL: unreadable. */
static const uint8_t *page_get(struct snapshot *s, uint64_t page)
{
	uint8_t buf[FETCH];
	uint64_t first = page & ~(uint64_t)(FETCH / PAGE - 1);
	const uint8_t *found = NULL;
	uint32_t i;
	size_t got;

	if (addrmap_get(&s->pages, page, &i))
		return i == (uint32_t)ABSENT ? NULL : page_copy(s, i);
	if (s->sealed && !unchanging(s, page))
		return NULL;
	got = s->sealed ? 0 : (size_t)os_read(s->live, buf, FETCH, first * PAGE);
	for (size_t p = 0; p < got / PAGE; p++) {
		const uint8_t *kept;

		if (addrmap_get(&s->pages, first + p, &i))
			continue;
		kept = page_keep(s, first + p, buf + p * PAGE);
		if (first + p == page)
			found = kept;
	}
	if (found != NULL)
		return found;
	if (os_read(s->live, buf, PAGE, page * PAGE) == PAGE)
		return page_keep(s, page, buf);
	(void)addrmap_put(&s->pages, page, (uint32_t)ABSENT);
	return NULL;
}

/* The range that holds addr, or NULL. */
static const struct range *range_of(struct snapshot *s, uint64_t addr)
{
	size_t lo = 0, hi = s->ranges.n;

	if (s->last < hi && s->ranges.at[s->last].lo <= addr && addr < s->ranges.at[s->last].hi)
		return &s->ranges.at[s->last];
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->ranges.at[mid].hi <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s->ranges.n || addr < s->ranges.at[lo].lo)
		return NULL;
	s->last = lo;
	return &s->ranges.at[lo];
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
			const uint8_t *page = page_get(s, at / PAGE);

			if (page == NULL)
				break;
			piece = PAGE - at % PAGE;
			from = page + at % PAGE;
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

enum res snapshot_create(struct ps_prochandle *live, struct snapshot **out, struct fault *f)
{
	static const ps_ops_t ops = { .pop_pread = snapshot_pread, .pop_psinfo = snapshot_psinfo };
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return fault_memory(f);
	s->live = live;
	s->handle = Pgrab_ops(Pstatus(live)->pr_pid, s, &ops, 0);
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
	if (s->handle != NULL)
		Prelease(s->handle, 0);
	for (size_t i = 0; i < s->ranges.n; i++)
		free(s->ranges.at[i].bytes);
	for (size_t i = 0; i < s->arenas.n; i++)
		free(s->arenas.at[i]);
	vec_free(&s->ranges);
	vec_free(&s->arenas);
	addrmap_free(&s->pages);
	free(s);
}

struct ps_prochandle *snapshot_handle(const struct snapshot *s)
{
	return s->handle;
}

/* Insert r in order. False: out of memory. */
static bool range_insert(struct snapshot *s, struct range r)
{
	size_t i;

	if (!vec_push(&s->ranges, r))
		return false;
	for (i = s->ranges.n - 1; i > 0 && s->ranges.at[i - 1].lo > r.lo; i--)
		s->ranges.at[i] = s->ranges.at[i - 1];
	s->ranges.at[i] = r;
	return true;
}

size_t snapshot_copy(struct snapshot *s, uint64_t lo, uint64_t hi)
{
	struct range r = { lo, lo, NULL };
	ssize_t got;

	/* A second copy of the same bytes would make two answers possible: keep to what is new. */
	for (size_t i = 0; i < s->ranges.n; i++) {
		if (s->ranges.at[i].lo <= lo && lo < s->ranges.at[i].hi)
			return (size_t)((hi < s->ranges.at[i].hi ? hi : s->ranges.at[i].hi) - lo);
		if (lo < s->ranges.at[i].lo && s->ranges.at[i].lo < hi)
			hi = s->ranges.at[i].lo;
	}
	r.bytes = hi > lo ? malloc((size_t)(hi - lo)) : NULL;
	if (r.bytes == NULL)
		return 0;
	got = os_read(s->live, r.bytes, (size_t)(hi - lo), lo);
	r.hi = lo + (uint64_t)(got > 0 ? got : 0);
	if (got <= 0 || !range_insert(s, r)) {
		free(r.bytes);
		return 0;
	}
	return (size_t)got;
}

void snapshot_seal(struct snapshot *s)
{
	s->sealed = true;
}
