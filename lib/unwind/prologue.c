/* Proofs: code is followed to pc, and the call before the return address must fit. */
#include "unwind/prologue.h"

#include <stdlib.h>
#include <string.h>

#include "unwind/callsite.h"
#include "unwind/code_flow.h"
#include "unwind/sigframe.h"
#include "unwind/unwind_modules.h"

/* WORDS: of one stack, tried if nothing tells where the function begins; WORDS_ALL: of all stacks
 * of a handle, which takes less than a second. MOST: instructions that are followed from the target
 * of each. */
enum { WORDS = 1024, WORDS_ALL = 1 << 22, MOST = 1 << 12, TRIES = 32, FRAME_MAX = 1 << 30 };

struct prover {
	const struct engine_target *t;
	struct flow *flow;
	uint32_t words; /* words that may still be tried */
};

/* An activation, and [lo, hi), the function or cold part that it is in; 0, 0: not known. */
struct place {
	struct prover *pv;
	const struct activation *a;
	uint64_t pc, lo, hi;
};

/* The frame at pc, and what it tells about the caller. */
struct found {
	struct arch_frame state;
	uint64_t cfa, ra;
};

struct prover *prover_create(const struct engine_target *t)
{
	struct prover *pv = calloc(1, sizeof(*pv));

	if (pv == NULL)
		return NULL;
	pv->t = t;
	pv->words = WORDS_ALL;
	pv->flow = flow_create(t->P, t->arch->code);
	if (pv->flow != NULL)
		return pv;
	prover_destroy(pv);
	return NULL;
}

void prover_destroy(struct prover *pv)
{
	if (pv == NULL)
		return;
	flow_destroy(pv->flow);
	free(pv);
}

/* Get the bounds of the symbol that contains `at`. */
static bool symbol_at(struct prover *pv, const struct module *m, uint64_t at, GElf_Sym *out)
{
	struct elf_symbol found;
	char name[2];

	if (m == NULL || m->made == NULL)
		return Plookup_by_addr(pv->t->P, at, name, sizeof(name), out) == 0;
	if (elf_symbols_by_addr(m->made, at, &found) != RES_OK)
		return false;
	*out = found.sym;
	return true;
}

/* Get the function, or cold part, that contains `at`. */
static bool function_at(struct prover *pv, uint64_t at, uint64_t *lo, uint64_t *hi)
{
	const struct module *m = modules_at(pv->t->modules, at);
	struct cfi_entry entry;
	GElf_Sym sym;

	if (m != NULL && m->finder != NULL && cfi_find_entry(m->finder, at - m->bias, &entry) == RES_OK) {
		*lo = entry.lo + m->bias;
		*hi = entry.hi + m->bias;
		return at >= *lo && at < *hi;
	}
	if (!symbol_at(pv, m, at, &sym))
		return false;
	*lo = sym.st_value;
	*hi = sym.st_value + sym.st_size;
	return at >= *lo && at < *hi;
}

/* Follow all code of [lo, hi) that can be reached from lo. */
static void explore_code(struct prover *pv, uint64_t lo, uint64_t hi, struct flow_exits *exits)
{
	struct flow_query all = {
		.start = lo,
		.pc = 1, /* never reached */
		.exact = true,
		.lo = lo,
		.hi = hi,
		.most = MOST,
	};
	struct arch_frame ignored;

	(void)flow_to(pv->flow, &all, &ignored, exits);
}

/* True if a function begins at `at` that can be called through a register. Compilers align such
 * functions, or begin them with a mark for the processor (endbr64); cold parts have neither. Code
 * that returns or jumps to another function with the stack as at its start is a function, too. */
static bool is_entry(struct prover *pv, uint64_t at)
{
	const struct arch_code *is = pv->t->arch->code;
	uint8_t code[ARCH_CODE_MAX];
	struct flow_exits exits;
	uint64_t lo, hi;

	if (at % is->entry_align == 0 || (flow_code(pv->flow, at, code, is->n_entry) == is->n_entry &&
					     memcmp(code, is->entry, is->n_entry) == 0))
		return true;
	if (!function_at(pv, at, &lo, &hi) || lo != at)
		return false;
	explore_code(pv, lo, hi, &exits);
	return exits.returns ||
	       (exits.last_call != 0 && function_at(pv, exits.last_call, &lo, &hi) && lo == exits.last_call);
}

static enum flow_end lead_to_pc(
    const struct place *p, uint64_t start, uint32_t most, struct arch_frame *s, struct flow_exits *exits)
{
	struct flow_query q = {
		.start = start,
		.pc = p->pc,
		.exact = p->a->exact,
		.lo = p->lo,
		.hi = p->hi,
		.most = most,
	};

	return flow_to(p->pv->flow, &q, s, exits);
}

/* Compute the CFA from sp, or from the frame pointer, or from both, which must agree. */
static bool frame_cfa(const struct place *p, const struct arch_frame *s, uint64_t *cfa)
{
	const struct arch *arch = p->pv->t->arch;
	const struct unwind_regs *regs = &p->a->regs;
	uint64_t sp = regs->reg[arch->sp];
	uint64_t by_fp = regs->reg[arch->fp] + (uint64_t)(int64_t)s->fp_below;
	bool fp_known = s->is_frame && regs_known(regs, arch->fp);
	/* It points to the caller's: it is the frame pointer throughout the function. */
	bool frame = (s->saved >> arch->saved_fp & 1) != 0 && s->saved_below[arch->saved_fp] == s->fp_below;

	if (!s->sp_known && !fp_known)
		return false;
	*cfa = s->sp_known ? sp + (uint64_t)(int64_t)s->sp_below : by_fp;
	return (*cfa > sp || arch_frame_ra_in_register(s)) && *cfa - sp < FRAME_MAX &&
	       *cfa % arch->pointer_size == 0 && (!fp_known || !frame || by_fp == *cfa);
}

static bool same_frame(const struct arch_frame *a, const struct arch_frame *b)
{
	return a->sp_known == b->sp_known && a->is_frame == b->is_frame &&
	       (!a->sp_known || a->sp_below == b->sp_below) && (!a->is_frame || a->fp_below == b->fp_below);
}

/* The target of a call, if code or memory tells it; else 0. */
static uint64_t target_of(struct prover *pv, const struct arch_call *call)
{
	if (call->direct && call_is_code(pv->t->P, call->target))
		return call->target;
	return call->anywhere && call->word != 0 ? flow_target(pv->flow, call->word) : 0;
}

/* True if the call before ra can have led to pc, in a function that begins at start and has frame s
 * at pc. */
static bool is_linked(const struct place *p, uint64_t start, const struct arch_frame *s, uint64_t ra)
{
	struct prover *pv = p->pv;
	struct arch_call call;
	struct arch_frame other;
	uint64_t target;

	if (!call_is_code(pv->t->P, ra - 1))
		return false;
	call = call_before(pv->t->arch, pv->t->mem, ra);
	target = target_of(pv, &call);
	if (target == start)
		return true;
	if (sigframe_at(pv->t->arch, pv->t->mem, ra) != NULL)
		return is_entry(pv, start);
	if (target != 0) {
		switch (lead_to_pc(p, target, 0, &other, NULL)) {
		case FLOW_LEADS:
			return same_frame(s, &other);
		case FLOW_ANYWHERE:
			return is_entry(pv, start);
		case FLOW_NONE:
			break;
		}
	}
	return call.anywhere && target == 0 && is_entry(pv, start);
}

/* True if a thread begins at start, after the system call that created it. */
static bool is_newborn(struct prover *pv, uint64_t start)
{
	enum { BEFORE = 16 };
	uint8_t code[BEFORE];

	if (flow_code(pv->flow, start - BEFORE, code, BEFORE) != BEFORE)
		return false;
	for (size_t i = 0; pv->t->arch->n_syscall != 0 && i + pv->t->arch->n_syscall <= BEFORE; i++) {
		if (memcmp(code + i, pv->t->arch->syscall, pv->t->arch->n_syscall) == 0)
			return true;
	}
	return false;
}

static bool return_address(const struct place *p, const struct arch_frame *s, uint64_t cfa, uint64_t *ra)
{
	if (!arch_frame_ra_in_register(s))
		return memory_word(p->pv->t->mem, cfa - (uint64_t)(int64_t)s->ra_below, ra);
	if (!regs_known(&p->a->regs, s->ra_in))
		return false;
	*ra = p->a->regs.reg[s->ra_in];
	return true;
}

static enum proof try_start(
    const struct place *p, uint64_t start, struct found *out, struct flow_exits *exits)
{
	if (lead_to_pc(p, start, 0, &out->state, exits) != FLOW_LEADS)
		return PROOF_NONE;
	if (out->state.first && (is_entry(p->pv, start) || is_newborn(p->pv, start)))
		return PROOF_OLDEST;
	if (!frame_cfa(p, &out->state, &out->cfa) || !return_address(p, &out->state, out->cfa, &out->ra) ||
	    !is_linked(p, start, &out->state, out->ra))
		return PROOF_NONE;
	return PROOF_CALLER;
}

/* Try the functions to which this one jumps: a cold part jumps back to its function. */
static enum proof try_exits(const struct place *p, struct found *out)
{
	struct flow_exits exits;
	enum proof proof = PROOF_NONE;

	explore_code(p->pv, p->lo, p->hi, &exits);
	for (size_t i = 0; proof == PROOF_NONE && i < exits.n; i++) {
		uint64_t lo, hi;

		if (function_at(p->pv, exits.to[i], &lo, &hi) && lo != p->lo)
			proof = try_start(p, lo, out, NULL);
	}
	return proof;
}

static bool of_file(struct prover *pv, uint64_t at)
{
	const prmap_t *map = Paddr_to_map(pv->t->P, at);

	return map != NULL && map->pr_mapname[0] != '\0';
}

/* Try the target of each call that a word of the stack follows. Code of a file calls code of no
 * file only through registers, which do not tell the target. */
static enum proof try_words(const struct place *p, struct found *out)
{
	struct prover *pv = p->pv;
	uint64_t sp = p->a->regs.reg[pv->t->arch->sp], word, target;
	const uint64_t size = pv->t->arch->pointer_size;
	unsigned tries = 0;
	bool in_file = of_file(pv, p->pc);

	for (uint64_t at = sp; at < sp + WORDS * size && tries < TRIES; at += size) {
		struct arch_call call;

		if (pv->words == 0 || !memory_word(pv->t->mem, at, &word))
			break;
		pv->words--;
		if (word < 8 || !call_is_code(pv->t->P, word - 1))
			continue;
		call = call_before(pv->t->arch, pv->t->mem, word);
		target = target_of(pv, &call);
		if (target == 0 || (of_file(pv, target) && !in_file))
			continue;
		tries++;
		if (lead_to_pc(p, target, MOST, &out->state, NULL) == FLOW_LEADS &&
		    frame_cfa(p, &out->state, &out->cfa) &&
		    out->cfa - (uint64_t)(int64_t)out->state.ra_below == at) {
			out->ra = word;
			return PROOF_CALLER;
		}
	}
	return PROOF_NONE;
}

/* Replace *a with the caller. */
static void restore_caller(const struct place *p, const struct found *found, struct activation *a)
{
	const struct arch *arch = p->pv->t->arch;
	struct unwind_regs next = { .reg = { 0 } };
	const struct arch_frame *s = &found->state;

	regs_set(&next, arch->pc, found->ra);
	regs_set(&next, arch->sp, found->cfa);
	for (unsigned i = 0; i < arch->n_saved; i++) {
		unsigned reg = arch->saved[i];
		uint64_t value;

		/* If s is vague, a register may have been changed on another path. */
		if ((s->saved >> i & 1) != 0) {
			if (memory_word(
				p->pv->t->mem, found->cfa - (uint64_t)(int64_t)s->saved_below[i], &value))
				regs_set(&next, reg, value);
		} else if ((s->kept >> i & 1) != 0 && !s->vague && regs_known(&a->regs, reg)) {
			regs_set(&next, reg, a->regs.reg[reg]);
		}
	}
	*a = (struct activation){ next, false };
}

enum proof prove_step(struct prover *pv, struct activation *a)
{
	uint64_t pc = a->regs.reg[pv->t->arch->pc];
	struct place p = { .pv = pv, .a = a, .pc = pc };
	struct found found;
	enum proof proof = PROOF_NONE;

	if (function_at(pv, a->exact ? pc : pc - 1, &p.lo, &p.hi)) {
		proof = try_start(&p, p.lo, &found, NULL);
		if (proof == PROOF_NONE)
			proof = try_exits(&p, &found);
	} else {
		p.lo = p.hi = 0;
	}
	if (proof == PROOF_NONE)
		proof = try_words(&p, &found);
	if (proof == PROOF_CALLER)
		restore_caller(&p, &found, a);
	return proof;
}
