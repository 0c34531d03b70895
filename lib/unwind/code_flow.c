/* Code is followed path by path. Paths out of the function come last: most queries are about its
 * own code. */
#include "unwind/code_flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/addrmap.h"
#include "base/span.h"
#include "base/vec.h"
#include "os/images.h"
#include "unwind/callsite.h"

/* INSNS_MAX: for one query; the evaluation loop has some 20,000 instructions. BUDGET: for one
 * handle, one or two seconds. */
enum { INSNS_MAX = 1 << 16, BUDGET = 1 << 25, RESULTS_MAX = 1 << 13, SEEN_KEPT = 1 << 12, WINDOW = 4096 };

struct work {
	uint64_t at;
	struct arch_frame state;
};

struct result {
	struct flow_query q;
	enum flow_end end;
	struct arch_frame state;
	struct flow_exits exits;
};

struct flow {
	struct ps_prochandle *P;
	const struct arch_code *code;
	uint64_t file_lo; /* address of the file's code that was read last */
	struct span file;
	uint64_t copy_lo; /* address of the copy of code in memory */
	size_t copy_n;
	uint8_t copy[WINDOW];
	uint32_t budget; /* instructions that may still be followed */
	VEC(struct result) results;
	struct addrmap result_at; /* hash of a query -> index in results */

	/* Of the query that is being answered: */
	VEC(struct work) inside; /* targets of jumps in the function */
	/* Code after calls, followed in order: a call that does not return then misleads least. */
	VEC(struct work) called;
	size_t called_done;
	VEC(struct work) outside; /* targets of jumps out of the function */
	VEC(uint64_t) islands;    /* code after unconditional jumps */
	struct addrmap seen;
	size_t insns;
	bool table;                 /* a jump through a table was met, */
	struct arch_frame at_table; /* with this frame */
	struct result *answer;
};

struct flow *flow_create(struct ps_prochandle *P, const struct arch_code *code)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (f != NULL) {
		f->P = P;
		f->code = code;
		f->budget = BUDGET;
	}
	return f;
}

void flow_destroy(struct flow *f)
{
	if (f == NULL)
		return;
	vec_free(&f->results);
	addrmap_free(&f->result_at);
	vec_free(&f->inside);
	vec_free(&f->called);
	vec_free(&f->outside);
	vec_free(&f->islands);
	addrmap_free(&f->seen);
	free(f);
}

static size_t copy_part(const void *from, size_t have, uint64_t off, uint8_t *out, size_t n)
{
	if (off >= have)
		return 0;
	n = have - off < n ? (size_t)(have - off) : n;
	memcpy(out, (const uint8_t *)from + off, n);
	return n;
}

size_t flow_code(struct flow *f, uint64_t va, uint8_t *out, size_t n)
{
	size_t got = copy_part(f->file.at, span_left(&f->file), va - f->file_lo, out, n);
	const prmap_t *map;
	ssize_t read;

	if (got != 0 || (got = copy_part(f->copy, f->copy_n, va - f->copy_lo, out, n)) == n)
		return got;
	map = Paddr_to_map(f->P, va);
	if (map == NULL || (map->pr_mflags & MA_EXEC) == 0)
		return 0;
	if (os_file_bytes(f->P, map->pr_vaddr, &f->file) == RES_OK) {
		f->file_lo = map->pr_vaddr;
		got = copy_part(f->file.at, span_left(&f->file), va - f->file_lo, out, n);
		if (got != 0)
			return got;
	}
	f->file = (struct span){ NULL, NULL };
	read = Pread(f->P, f->copy, WINDOW, va);
	f->copy_lo = va;
	f->copy_n = read > 0 && read <= WINDOW ? (size_t)read : 0;
	if (f->copy_n == 0) {
		/* The handle may have little more than these bytes. */
		read = Pread(f->P, f->copy, n, va);
		f->copy_n = read > 0 && (size_t)read <= n ? (size_t)read : 0;
	}
	return copy_part(f->copy, f->copy_n, 0, out, n);
}

uint64_t flow_target(struct flow *f, uint64_t at)
{
	uint64_t word;

	return Pread(f->P, &word, sizeof(word), at) == (ssize_t)sizeof(word) && call_is_code(f->P, word)
		   ? word
		   : 0;
}

/* --- one query --- */

static bool is_in_bounds(const struct flow_query *q, uint64_t at)
{
	return at >= q->lo && at < q->hi;
}

static void go_to(struct flow *f, uint64_t to, const struct arch_frame *s)
{
	const struct flow_query *q = &f->answer->q;
	struct flow_exits *exits = &f->answer->exits;
	struct work work = { to, *s };
	uint32_t ignored;

	if (addrmap_get(&f->seen, to, &ignored))
		return;
	if (q->hi == 0 || is_in_bounds(q, to)) {
		(void)vec_push(&f->inside, work);
		return;
	}
	if (arch_frame_is_start(f->code, s))
		exits->last_call = to;
	for (size_t i = 0; i < exits->n; i++) {
		if (exits->to[i] == to)
			return;
	}
	if (exits->n < FLOW_EXITS)
		exits->to[exits->n++] = to;
	(void)vec_push(&f->outside, work);
}

static void jump_anywhere(
    struct flow *f, const struct arch_insn *insn, uint64_t next, const struct arch_frame *s)
{
	uint64_t to = insn->by_word ? flow_target(f, next + (uint64_t)insn->to) : 0;

	if (to != 0) {
		go_to(f, to, s);
		return;
	}
	if (arch_frame_is_start(f->code, s))
		f->answer->end = FLOW_ANYWHERE;
	if (insn->maybe_table && !f->table) {
		f->table = true;
		f->at_table = *s;
		f->at_table.vague = true;
	}
}

/* Follow code until it ends or was followed before. True: it leads to the query's pc. */
static bool follow_path(struct flow *f, uint64_t at, struct arch_frame *s)
{
	const struct flow_query *q = &f->answer->q;
	uint8_t code[ARCH_INSN_BYTES];
	struct arch_insn insn;
	uint32_t ignored;

	for (;;) {
		uint64_t next;
		enum arch_insn_kind kind;

		if (q->exact && at == q->pc)
			return true;
		if (f->insns == (q->most != 0 ? q->most : INSNS_MAX) || f->budget == 0 ||
		    addrmap_get(&f->seen, at, &ignored) || !addrmap_put(&f->seen, at, 0) ||
		    !f->code->decode(code, flow_code(f, at, code, sizeof(code)), &insn))
			return false;
		f->insns++;
		f->budget--;
		next = at + insn.len;
		kind = insn.kind;
		if (kind == ARCH_INSN_CALL && !q->exact && next == q->pc)
			return true;
		if (kind == ARCH_INSN_RETURN && arch_frame_is_start(f->code, s) && is_in_bounds(q, at))
			f->answer->exits.returns = true;
		if (kind == ARCH_INSN_BRANCH || kind == ARCH_INSN_JUMP)
			go_to(f, next + (uint64_t)insn.to, s);
		if (kind == ARCH_INSN_JUMP_ANY)
			jump_anywhere(f, &insn, next, s);
		if (kind >= ARCH_INSN_JUMP) {
			if (q->hi == 0 ? at < q->pc && next > q->start : is_in_bounds(q, next))
				(void)vec_push(&f->islands, next);
			return false;
		}
		if (is_in_bounds(q, at) && !is_in_bounds(q, next))
			return false; /* functions do not run past their end: a call did not return */
		if (kind == ARCH_INSN_CALL) {
			(void)vec_push(&f->called, ((struct work){ next, *s }));
			return false;
		}
		f->code->after(&insn, s);
		if (s->sp_known && s->sp_below < f->code->start.sp_below && !s->first &&
		    !arch_frame_ra_in_register(s))
			return false; /* it drops its return address: this path is never taken */
		at = next;
	}
}

static bool run_all(struct flow *f, struct arch_frame *s)
{
	for (;;) {
		struct work work;

		if (f->inside.n != 0)
			work = f->inside.at[--f->inside.n];
		else if (f->called_done < f->called.n)
			work = f->called.at[f->called_done++];
		else if (f->islands.n != 0 && f->table)
			work = (struct work){ f->islands.at[--f->islands.n], f->at_table };
		else if (f->outside.n != 0)
			work = f->outside.at[--f->outside.n];
		else
			return false;
		*s = work.state;
		if (follow_path(f, work.at, s))
			return true;
	}
}

static void answer_query(struct flow *f, struct result *r)
{
	struct arch_frame s = f->code->start;

	f->answer = r;
	f->inside.n = f->outside.n = f->islands.n = f->called.n = 0;
	f->insns = f->called_done = 0;
	f->table = false;
	if (f->seen.size > SEEN_KEPT)
		addrmap_free(&f->seen);
	else
		addrmap_clear(&f->seen);
	if (follow_path(f, r->q.start, &s) || run_all(f, &s)) {
		r->end = FLOW_LEADS;
		r->state = s;
	}
	f->answer = NULL;
}

static uint64_t query_hash(const struct flow_query *q)
{
	return (q->start * 0x9e3779b97f4a7c15ULL) ^ (q->pc * 2 + q->exact) ^ q->lo * 0xff51afd7ed558ccdULL;
}

static bool same_query(const struct flow_query *a, const struct flow_query *b)
{
	return a->start == b->start && a->pc == b->pc && a->exact == b->exact && a->lo == b->lo &&
	       a->hi == b->hi && a->most == b->most;
}

enum flow_end flow_to(
    struct flow *f, const struct flow_query *q, struct arch_frame *out, struct flow_exits *exits)
{
	struct result made = { .q = *q, .end = FLOW_NONE };
	const struct result *r = &made;
	uint64_t hash = query_hash(q);
	uint32_t i;

	if (addrmap_get(&f->result_at, hash, &i) && same_query(&f->results.at[i].q, q)) {
		r = &f->results.at[i];
	} else {
		answer_query(f, &made);
		if (f->results.n == RESULTS_MAX) {
			f->results.n = 0;
			addrmap_clear(&f->result_at);
		}
		if (vec_push(&f->results, made) &&
		    !addrmap_put(&f->result_at, hash, (uint32_t)(f->results.n - 1)))
			f->results.n--;
	}
	if (exits != NULL)
		*exits = r->exits;
	if (r->end == FLOW_LEADS)
		*out = r->state;
	return r->end;
}
