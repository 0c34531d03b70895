/* The handle of a copy, its pages (Python's structures) and reads of it. Fetching neighbours of a
 * page saves calls, but no time: the held target would wait for pages that are mostly unneeded. */
#include "base/bound.h"
#include "capture/snapshot_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "os/images.h"
#include "os/mappings.h"
#include "os/read.h"

bool snapshot_page_room(struct snapshot *s, uint32_t i)
{
	uint8_t *arena;

	if (i / (ARENA / PAGE) < s->arenas.n)
		return true;
	arena = vec_reserve(&s->numbers, (s->arenas.n + 1) * (ARENA / PAGE)) ? malloc(ARENA) : NULL;
	if (arena != NULL && vec_push(&s->arenas, arena))
		return true;
	free(arena);
	return false;
}

/* Keep one page. NULL: out of memory. */
static uint8_t *page_keep(struct snapshot *s, uint64_t page, const uint8_t *bytes)
{
	if (!snapshot_page_room(s, s->used) || !addrmap_put(&s->pages, page, s->used))
		return NULL;
	s->numbers.at[s->used] = page;
	memcpy(snapshot_page(s, s->used), bytes, PAGE);
	return snapshot_page(s, s->used++);
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

bool snapshot_deadline_passed(struct snapshot *s)
{
	if ((s->until == 0 || clock_now_ns() < s->until) && !bound_passed(BOUND_STACKS))
		return false;
	s->late = true;
	return true;
}

bool snapshot_missed(const struct snapshot *s)
{
	return s->missed;
}

bool snapshot_take_missed(struct snapshot *s)
{
	bool missed = s->missed;

	s->missed = false;
	return missed;
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
		return i == (uint32_t)ABSENT ? NULL : snapshot_page(s, i);
	if (s->sealed && !page_is_constant(s, page))
		return NULL;
	if ((s->recorded != NULL && snapshot_prefetch_full(s->recorded)) || snapshot_deadline_passed(s))
		return NULL;
	/* After the seal the process may have exited and its pid been reused. */
	got = s->sealed || s->same ? os_read_same(s->live, buf, PAGE, page * PAGE)
				   : os_read(s->live, buf, PAGE, page * PAGE);
	if (got == PAGE && s->recorded != NULL)
		prefetch_page(s->recorded, page);
	if (got == PAGE)
		return page_keep(s, page, buf);
	(void)addrmap_put(&s->pages, page, (uint32_t)ABSENT);
	s->absent = true;
	return NULL;
}

size_t snapshot_range_above(const struct snapshot *s, uint64_t addr)
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

/* The range that holds addr, or NULL: then *next is where the next range begins. */
static const struct range *range_of(struct snapshot *s, uint64_t addr, uint64_t *next)
{
	size_t i = s->last;

	if (i >= s->ranges.n || addr < s->ranges.at[i].lo || s->ranges.at[i].hi <= addr)
		i = snapshot_range_above(s, addr);
	*next = i < s->ranges.n ? s->ranges.at[i].lo : UINT64_MAX;
	if (i == s->ranges.n || addr < *next)
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
		uint64_t next;
		const struct range *r = range_of(s, at, &next);
		const uint8_t *from;
		size_t piece;

		if (r != NULL) {
			piece = (size_t)(r->hi - at);
			from = r->bytes + (at - r->lo);
		} else {
			piece = page_piece(s, at, &from);
			if (from == NULL) {
				s->missed = true;
				break;
			}
			/* What is copied or put counts, not what the page had before or after. */
			if (piece > next - at)
				piece = (size_t)(next - at);
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
	ranges_free(&s->ranges);
	for (size_t i = 0; i < s->arenas.n; i++)
		free(s->arenas.at[i]);
	vec_free(&s->arenas);
	vec_free(&s->numbers);
	vec_free(&s->kept);
	addrmap_free(&s->pages);
	addrmap_free(&s->kept_in);
	free(s);
}

struct ps_prochandle *snapshot_handle(const struct snapshot *s)
{
	return s->handle;
}

void snapshot_prefetch_add(struct snapshot_prefetch *list, uint64_t va, size_t n)
{
	for (uint64_t page = va / PAGE; n != 0 && va + n > va && page <= (va + n - 1) / PAGE; page++)
		prefetch_page(list, page);
}

void snapshot_prefetch_by(
    struct snapshot *s, struct snapshot_prefetch *list, void (*read)(void *data), void *data)
{
	s->recorded = list;
	read(data);
	s->recorded = NULL;
}

const uint8_t *snapshot_copied(struct snapshot *s, uint64_t va, size_t *n)
{
	uint64_t next;
	const struct range *r = range_of(s, va, &next);

	*n = r == NULL ? 0 : (size_t)(r->hi - va);
	return r == NULL ? NULL : r->bytes + (va - r->lo);
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
	s->used = s->again = 0;
	s->absent = false;
}

void snapshot_read_same(struct snapshot *s)
{
	s->same = true;
}

void snapshot_seal(struct snapshot *s)
{
	s->sealed = true;
}

void snapshot_unseal(struct snapshot *s)
{
	s->sealed = false;
}
