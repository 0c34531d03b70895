/* Words of the target. unwind_memory.h has the order of the sources.
 *
 * Walks go up the stack and rarely back, so pieces are read upwards: a miss just above a piece
 * reads a large piece from its end, a miss elsewhere reads one page.
 *
 *      sp             piece 0      piece 1             stack's end
 *      |──────────────┬────────────┬─ ─ ─ ─ ─ ─ ─ ─ ─ ─|
 *
 * Pieces are replaced in turn. */
#include "unwind/unwind_memory.h"

#include <stdlib.h>

#include "base/span.h"
#include "os/images.h"

enum { PIECES = 4, PIECE_FIRST = 16 << 10, PIECE_MAX = 64 << 10, FILE_RUNS = 8, PAGE = 4096 };

struct piece {
	uint64_t lo;
	size_t n; /* 0: empty */
	uint8_t *bytes;
};

struct file_run {
	uint64_t lo;
	struct span bytes;
};

struct memory {
	struct ps_prochandle *P;
	struct piece pieces[PIECES];
	unsigned last, turn; /* the piece that was used last; the one to be replaced next */
	struct file_run runs[FILE_RUNS];
	unsigned run_turn;
};

struct memory *memory_create(struct ps_prochandle *P)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (m != NULL)
		m->P = P;
	return m;
}

void memory_destroy(struct memory *m)
{
	if (m == NULL)
		return;
	for (unsigned i = 0; i < PIECES; i++)
		free(m->pieces[i].bytes);
	free(m);
}

static bool run_word(const struct file_run *r, uint64_t va, size_t size, uint64_t *out)
{
	size_t n = span_left(&r->bytes);
	uint64_t off = va - r->lo;

	if (n < size || off > n - size)
		return false;
	*out = 0;
	memcpy(out, r->bytes.at + off, size);
	return true;
}

static bool piece_word(const struct piece *p, uint64_t va, size_t size, uint64_t *out)
{
	uint64_t off = va - p->lo;

	if (p->n < size || off > p->n - size)
		return false;
	*out = 0;
	memcpy(out, p->bytes + off, size);
	return true;
}

/* Read up to n bytes from lo into the piece whose turn it is. True: they contain the `size` bytes
 * at va, and the piece is m->last. */
static bool piece_fill(struct memory *m, uint64_t lo, size_t n, uint64_t va, size_t size)
{
	struct piece *p = &m->pieces[m->turn];
	ssize_t got;

	if (p->bytes == NULL && (p->bytes = malloc(PIECE_MAX)) == NULL)
		return false;
	p->n = 0;
	got = Pread(m->P, p->bytes, n, lo);
	if (got <= 0 || (size_t)got > n)
		return false;
	if ((size_t)got < size || va - lo > (size_t)got - size)
		return false;
	p->lo = lo;
	p->n = (size_t)got;
	m->last = m->turn;
	m->turn = (m->turn + 1) % PIECES;
	return true;
}

/* Read a new piece that contains the bytes at va. */
static bool piece_miss(struct memory *m, uint64_t va, size_t size, uint64_t *out)
{
	uint64_t page = va & ~(uint64_t)(PAGE - 1);
	const struct piece *p = &m->pieces[m->last];
	uint64_t end = p->lo + p->n;

	/* A word may straddle the end of the last piece: the new piece then begins with it. */
	if (p->n != 0 && va + size > end && va - p->lo < p->n + PIECE_MAX - PAGE &&
	    piece_fill(m, va < end ? va : end, PIECE_MAX, va, size))
		return piece_word(&m->pieces[m->last], va, size, out);
	/* The page's start may be missing (a capture begins at sp), or the word leaves the page. */
	return (piece_fill(m, page, PAGE, va, size) || piece_fill(m, va, PAGE, va, size)) &&
	       piece_word(&m->pieces[m->last], va, size, out);
}

static bool slow_word(struct memory *m, uint64_t va, size_t size, uint64_t *out)
{
	const prmap_t *map = Paddr_to_map(m->P, va);
	struct file_run run = { va, { NULL, NULL } };

	if (map != NULL && (map->pr_mflags & MA_WRITE) == 0 &&
	    os_file_bytes(m->P, va, &run.bytes) == RES_OK && run_word(&run, va, size, out)) {
		m->runs[m->run_turn] = run;
		m->run_turn = (m->run_turn + 1) % FILE_RUNS;
		return true;
	}
	return piece_miss(m, va, size, out);
}

/* Separate, so that memory_number has few registers to save. */
__attribute__((noinline)) static bool number_anywhere(
    struct memory *m, uint64_t va, size_t size, uint64_t *out)
{
	if (va > UINT64_MAX - sizeof(*out) || size > sizeof(*out))
		return false;
	if (piece_word(&m->pieces[m->last], va, size, out))
		return true;
	for (unsigned i = 0; i < PIECES; i++) {
		if (piece_word(&m->pieces[i], va, size, out)) {
			m->last = i;
			return true;
		}
	}
	for (unsigned i = 0; i < FILE_RUNS; i++) {
		if (run_word(&m->runs[i], va, size, out))
			return true;
	}
	return slow_word(m, va, size, out);
}

bool memory_number(struct memory *m, uint64_t va, size_t size, uint64_t *out)
{
	const struct piece *p = &m->pieces[m->last];
	uint64_t off = va - p->lo;

	/* The usual case: a word of the stack. */
	if (size == sizeof(*out) && off < p->n && p->n - off >= sizeof(*out)) {
		memcpy(out, p->bytes + off, sizeof(*out));
		return true;
	}
	return number_anywhere(m, va, size, out);
}

bool memory_word(struct memory *m, uint64_t va, uint64_t *out)
{
	return memory_number(m, va, sizeof(*out), out);
}

void memory_restart(struct memory *m, uint64_t sp)
{
	for (unsigned i = 0; i < PIECES; i++)
		m->pieces[i].n = 0;
	m->last = m->turn = 0;
	sp &= ~(uint64_t)7;
	if (sp <= UINT64_MAX - PIECE_FIRST)
		(void)piece_fill(m, sp, PIECE_FIRST, sp, sizeof(uint64_t));
}
