/* Searches for frame pointers and return addresses. Code is read as bytes here, not as
 * instructions: a pattern found by chance adds a place to try, or prevents a proof. */
#include "unwind/frame_search.h"

#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "os/images.h"
#include "unwind/callsite.h"

enum {
	CODE_MAX = 1 << 18, /* bytes of the largest function that is read */
	PUSHED_MAX = 16,    /* most words pushed for a call */
	FORGOTTEN_MAX = 16, /* most words that a row counts wrongly */
	FRAMES_MAX = 1 << 17,
	STACKS_MAX = 16
};

/* Get the code of a function from its file, or from memory if that may differ from the file (moved
 * text) or the file is missing. The caller frees *copy. */
static bool function_code(
    const struct frame_search *g, const struct cfi_row *row, struct span *out, void **copy)
{
	uint64_t n = row->end - row->start;

	*copy = NULL;
	if (n == 0 || n > CODE_MAX)
		return false;
	if (os_file_bytes(g->t->P, row->start, out) == RES_OK) {
		if (span_left(out) < n)
			return false;
		out->end = out->at + n;
		return true;
	}
	*copy = malloc((size_t)n);
	if (*copy == NULL || Pread(g->t->P, *copy, (size_t)n, row->start) != (ssize_t)n)
		return false;
	*out = span_of(*copy, (size_t)n);
	return true;
}

/* --- sizes of the frame --- */

/* Collect the constants that the function subtracts from sp. False: there are too many, or the size
 * of its frame is not constant. */
static bool sizes_of(const struct frame_search *g, struct span code, struct arch_sizes *out)
{
	*out = (struct arch_sizes){ .n = 0 };
	(void)arch_sizes_add(out, 0);
	return span_left(&code) >= 8 && g->t->arch->frame_sizes(code.at, span_left(&code), out);
}

/* --- can this call have led to the function? --- */

enum link {
	LINK_NONE,     /* there is no call, or it calls another function */
	LINK_ANYTHING, /* a call through a register, memory or a linkage table: it may lead anywhere */
	LINK_DIRECT    /* the call names the function */
};

/* True if the function of this row contains a jump to callee: it may end with a tail call. */
static bool jumps_to(const struct frame_search *g, const struct cfi_row *row, uint64_t callee)
{
	enum { STEP_BYTES = 64 }; /* read in the time of one step */
	uint64_t price = (row->end - row->start) / STEP_BYTES;
	OWNED(mem_release) void *copy = NULL;
	struct span code;

	if (price > *g->steps || !function_code(g, row, &code, &copy)) {
		*g->steps -= price < *g->steps ? price : *g->steps;
		return false;
	}
	*g->steps -= price;
	return g->t->arch->jumps_to(code.at, span_left(&code), row->start, callee);
}

/* True if a function begins at start. A cold part (gcc's .cold) does not: it begins with the frame
 * already built, and other code tells its size. */
static bool begins_here(const struct frame_search *g, uint64_t start)
{
	const struct cfi_row *row = g->row(g->engine, start);

	return row != NULL && row->cfa.kind == CFI_REGISTER && row->cfa.reg == g->t->arch->sp &&
	       row->cfa.at.offset == (int64_t)g->t->arch->pointer_size;
}

/* How the instruction before ra can lead to the function that begins at callee. A direct call of
 * another function can if that function contains a jump to callee. A cold part may be reached from
 * any function, through others and through tables of jump addresses, as in the evaluation loop. */
static enum link link_of(const struct frame_search *g, uint64_t ra, uint64_t callee)
{
	struct arch_call call = { .direct = false };
	const struct cfi_row *row;

	if (call_is_code(g->t->P, ra - 1))
		call = call_before(g->t->arch, g->t->mem, ra);
	if (call.direct && call.target == callee)
		return LINK_DIRECT;
	if (call.anywhere)
		return LINK_ANYTHING;
	if (!call.direct || !call_is_code(g->t->P, call.target))
		return LINK_NONE;
	if (!begins_here(g, callee))
		return LINK_ANYTHING;
	row = g->row(g->engine, call.target);
	return row == NULL || row->start != call.target || jumps_to(g, row, callee) ? LINK_ANYTHING
										    : LINK_NONE;
}

/* --- proofs --- */

/* Walk from a to the end of the stack. Returns the kind of the first call if each call can have led
 * to its callee, else LINK_NONE. *named: the first call names the function, even if the result is
 * LINK_NONE. Calls whose frames are above `room` are not checked: words of older stacks can only be
 * in the room of the frame of a itself, and a jump into a function would fail the check. */
static enum link leads_to_end(
    const struct frame_search *g, struct activation a, uint64_t callee, uint64_t room, bool *named)
{
	const struct arch *arch = g->t->arch;
	enum link first = LINK_NONE, link;
	unsigned stacks = 0;

	*named = false;
	for (unsigned i = 0; i < FRAMES_MAX; i++) {
		uint64_t sp = a.regs.reg[arch->sp];
		const struct cfi_row *row;
		bool oldest = false;

		if (*g->steps == 0)
			return LINK_NONE;
		(*g->steps)--;
		if (!g->step(g->engine, &a, &oldest))
			return oldest ? first : LINK_NONE;
		if (a.exact ? stacks++ == STACKS_MAX : a.regs.reg[arch->sp] <= sp)
			return LINK_NONE;
		/* Such a word is at the end of a frame, and nowhere else. */
		if (g->trampoline != 0 && a.regs.reg[arch->pc] == g->trampoline)
			return i == 0 ? LINK_ANYTHING : first;
		if (i > 0 && sp > room) {
			callee = 0;
			continue;
		}
		link = a.exact || callee == 0 ? LINK_ANYTHING : link_of(g, a.regs.reg[arch->pc], callee);
		if (link == LINK_NONE)
			return LINK_NONE;
		first = i == 0 ? link : first;
		*named = first == LINK_DIRECT;
		row = g->row(g->engine, a.regs.reg[arch->pc] - !a.exact);
		callee = row != NULL && !row->signal ? row->start : 0;
	}
	return LINK_NONE;
}

bool frame_search_leads_to_end(const struct frame_search *g, const struct activation *a, uint64_t callee)
{
	bool ignored;

	return leads_to_end(g, *a, callee, a->regs.reg[g->t->arch->sp], &ignored) != LINK_NONE;
}

/* The number of bytes from the CFA down to the lowest saved register. */
static uint64_t saved_bytes(const struct frame_search *g, const struct cfi_row *row)
{
	uint64_t most = 2U * g->t->arch->pointer_size;

	for (unsigned i = 0; i < g->t->arch->n_regs; i++) {
		const struct cfi_rule *rule = &row->regs[i];

		if (arch_set_has(row->set, i) && rule->kind == CFI_AT && rule->at.offset < 0 &&
		    0 - (uint64_t)rule->at.offset > most)
			most = 0 - (uint64_t)rule->at.offset;
	}
	return most;
}

/* Places that are proven. The best ones follow a call that names the function and fit a size of its
 * frame. */
struct places {
	uint64_t best, any; /* the last of each; 0: none */
	unsigned n_best, n;
	unsigned n_direct; /* places after a call that names the function */
	bool doubt;        /* a place that is not proven fits a size, or follows such a call */
};

/* own: the place fits a size of the function's frame. */
static void place_add(struct places *p, uint64_t at, enum link link, bool own)
{
	p->any = at;
	p->n++;
	p->n_direct += link == LINK_DIRECT;
	if (link == LINK_DIRECT && own) {
		p->best = at;
		p->n_best++;
	}
}

/* True if a has a return address after some call, even if the rest is not proven. This is so if the
 * function was reached by a jump from another one, or if the stack leads on through code that
 * nothing describes. */
static bool looks_called(const struct frame_search *g, struct activation a)
{
	uint64_t sp = a.regs.reg[g->t->arch->sp], ra;
	bool oldest = false;

	if (!g->step(g->engine, &a, &oldest) || a.exact || a.regs.reg[g->t->arch->sp] <= sp)
		return oldest;
	ra = a.regs.reg[g->t->arch->pc];
	return call_is_code(g->t->P, ra - 1) && call_is_before(g->t->arch, g->t->mem, ra);
}

/* True if the frame can have `bytes` bytes, of which saved registers take `saved`. Registers are
 * pushed before sp is moved, or stored after that into the room made by the move. */
static bool is_own(const struct arch_sizes *sizes, uint64_t bytes, uint64_t saved, unsigned word)
{
	if (bytes < saved)
		return true;
	for (uint64_t pushed = 2U * word; pushed <= saved; pushed += word) {
		for (size_t i = 0; i < sizes->n; i++) {
			if (sizes->of[i] == bytes - pushed)
				return true;
		}
	}
	return false;
}

/* Try each word to which the frame pointer can point: the frame may not have been made yet, or be
 * complete, with arguments pushed. At the end of a function some of the registers that its row
 * calls saved may have been restored; during a call all are on the stack. */
static void try_places(const struct frame_search *g, const struct activation *a, const struct cfi_row *row,
    const struct arch_sizes *sizes, struct places *out)
{
	const struct arch *arch = g->t->arch;
	const uint64_t saved = saved_bytes(g, row), least = a->exact ? 2U * arch->pointer_size : saved;
	uint64_t base = a->regs.reg[arch->sp] + least - (uint64_t)row->cfa.at.offset;
	uint64_t most = (uint64_t)PUSHED_MAX * arch->pointer_size, room;

	for (size_t i = 0; i < sizes->n; i++)
		most = sizes->of[i] + (uint64_t)PUSHED_MAX * arch->pointer_size > most
			   ? sizes->of[i] + (uint64_t)PUSHED_MAX * arch->pointer_size
			   : most;
	*out = (struct places){ .n = 0 };
	room = a->regs.reg[arch->sp] + saved + most;
	for (uint64_t above = least; above <= saved + most; above += arch->pointer_size) {
		struct activation tried = *a;
		uint64_t at = cfi_cut(base + above - least, arch->pointer_size);
		bool own = is_own(sizes, above, saved, arch->pointer_size), named;
		enum link link;

		regs_set(&tried.regs, arch->fp, at);
		link = leads_to_end(g, tried, row->start, room, &named);
		if (*g->steps == 0)
			return;
		if (link == LINK_NONE) {
			out->doubt = out->doubt || named || (own && looks_called(g, tried));
			continue;
		}
		place_add(out, at, link, !a->exact && own);
	}
}

bool frame_search_fp(const struct frame_search *g, const struct activation *a, uint64_t *fp)
{
	const struct cfi_row *row = g->row(g->engine, a->regs.reg[g->t->arch->pc] - !a->exact);
	struct cfi_row own;
	struct arch_sizes sizes;
	struct places found;
	OWNED(mem_release) void *copy = NULL;
	struct span code;

	if (row == NULL || row->signal || row->cfa.kind != CFI_REGISTER || row->cfa.reg != g->t->arch->fp)
		return false;
	own = *row; /* g->row is called again below */
	if (!begins_here(g, own.start))
		return false;
	if (!function_code(g, &own, &code, &copy) || !sizes_of(g, code, &sizes))
		return false;
	try_places(g, a, &own, &sizes, &found);
	/* The steps did not suffice for all places. */
	if (*g->steps == 0)
		return false;
	/* If arguments are pushed (i386), a frame in a call is larger than its sizes tell. */
	if (found.n_best == 1 && (g->t->arch->pointer_size == 8 || found.n_direct == 1))
		*fp = found.best;
	else if (found.n_best == 0 && found.n == 1 && !found.doubt)
		*fp = found.any;
	else
		return false;
	return true;
}

bool frame_search_pushed(const struct frame_search *g, const struct activation *a, uint64_t *sp)
{
	const struct arch *arch = g->t->arch;
	const struct cfi_row *row = g->row(g->engine, a->regs.reg[arch->pc] - !a->exact);
	struct places found = { .n = 0 };
	int64_t offset;
	uint64_t start, room;

	if (row == NULL || row->signal || row->cfa.kind != CFI_REGISTER || row->cfa.reg != arch->sp)
		return false;
	start = row->start;
	offset = row->cfa.at.offset;
	if (offset > ARCH_SIZE_MAX || offset < -ARCH_SIZE_MAX)
		return false;
	room = a->regs.reg[arch->sp] + (uint64_t)offset + (uint64_t)FORGOTTEN_MAX * arch->pointer_size;
	/* Places from that at which the return address would be at sp. */
	for (int64_t words = -(int64_t)FORGOTTEN_MAX; words <= FORGOTTEN_MAX && *g->steps != 0; words++) {
		struct activation tried = *a;
		uint64_t at = cfi_cut(a->regs.reg[arch->sp] + (uint64_t)(words * (int64_t)arch->pointer_size),
		    arch->pointer_size);
		enum link link;
		bool named;

		if (words == 0 || words * (int64_t)arch->pointer_size + offset < (int64_t)arch->pointer_size)
			continue;
		regs_set(&tried.regs, arch->sp, at);
		link = leads_to_end(g, tried, start, room, &named);
		if (link != LINK_NONE)
			place_add(&found, at, link, true);
	}
	*sp = found.n_best == 1 ? found.best : found.any;
	return *g->steps != 0 && (found.n_best == 1 || (found.n_best == 0 && found.n == 1));
}
