/* Steps by call frame information.
 *
 *   pc ──> row cached? ──no──> module ──> its finder ──> entry ──> row, kept for all threads
 *           │                                                       │
 *           └──> the caller's registers <───────────────────────────┘
 *
 * Threads of a process share most of their pcs, so most rows are cached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addrmap.h"
#include "os/regs.h"
#include "unwind/callsite.h"
#include "unwind/cfi_rows.h"
#include "unwind/engine.h"
#include "unwind/prologue.h"
#include "unwind/return_probe.h"
#include "unwind/frame_search.h"
#include "unwind/sigframe.h"
#include "unwind/unwind_modules.h"

/* If there are ROWS_MAX rows, all are dropped. BUDGET: bytes of programs and operations of
 * expressions for one process, which take some seconds; a real process with 10,000 pcs in its
 * longest function needs a tenth. SEARCHES: steps for frame_search.h, which take about a second; a
 * thread needs some hundred. */
enum { ROWS_MAX = 1 << 14, BUDGET = 1 << 30, SEARCHES = 1 << 22 };

struct cfi_engine {
	struct engine_target t;
	VEC(struct cfi_row) rows;
	struct addrmap row_at; /* pc -> index in rows */
	struct engine_allowance budget, searches;
	struct return_probes *probes; /* NULL before the first one */
	uint64_t trampoline;          /* of return probes */
	struct activation beyond;     /* beyond the caller of the one at which the walk is; sp 0: not known */
	bool lacks_registers;         /* to find that caller */
	struct cfi_row made;          /* for row_at: a row that could not be kept */
};

/* Compute the row for pc. RES_NONE: nothing describes pc. RES_FAIL: its entry is damaged. */
static enum res row_make(struct cfi_engine *e, uint64_t pc, struct cfi_row *out)
{
	const struct module *m = modules_at(e->t.modules, pc);
	struct cfi_entry entry;
	uint64_t at;

	if (m == NULL || m->finder == NULL)
		return RES_NONE;
	at = cfi_cut(pc - m->bias, e->t.arch->pointer_size);
	if (cfi_find_entry(m->finder, at, &entry) != RES_OK)
		return RES_NONE;
	if (!cfi_row_of(&entry, at, e->t.arch, &e->budget.now, out))
		return RES_FAIL;
	out->bias = m->bias;
	out->made = m->made != NULL;
	out->start += m->bias;
	out->end += m->bias;
	return RES_OK;
}

/* Get the row for pc. It is stored in *made if it cannot be kept. Results as of row_make. */
static enum res row_at_pc(struct cfi_engine *e, uint64_t pc, struct cfi_row *made, const struct cfi_row **out)
{
	uint32_t i;
	enum res res;

	*out = made;
	if (addrmap_get(&e->row_at, pc, &i)) {
		*out = &e->rows.at[i];
		return RES_OK;
	}
	res = row_make(e, pc, made);
	if (res != RES_OK)
		return res;
	if (e->rows.n == ROWS_MAX) {
		e->rows.n = 0;
		addrmap_clear(&e->row_at);
	}
	if (vec_push(&e->rows, *made) && !addrmap_put(&e->row_at, pc, (uint32_t)(e->rows.n - 1)))
		e->rows.n--;
	return RES_OK;
}

/* Get the row for the code that *a is in. A return address is looked up at the byte before it,
 * which belongs to the call. The address to which a signal handler returns follows no call: the
 * byte before it may belong to the function before the trampoline. RES_NONE if such a trampoline
 * has no row of its own. */
static enum res row_of_activation(
    struct cfi_engine *e, const struct activation *a, struct cfi_row *made, const struct cfi_row **out)
{
	uint64_t pc = a->regs.reg[e->t.arch->pc];
	enum res res = row_at_pc(e, a->exact ? pc : pc - 1, made, out);

	if (res != RES_OK || a->exact || (*out)->signal || (*out)->end != pc ||
	    sigframe_at(e->t.arch, e->t.mem, pc) == NULL || call_is_before(e->t.arch, e->t.mem, pc))
		return res;
	res = row_at_pc(e, pc, made, out);
	return res == RES_OK && !(*out)->signal ? RES_NONE : res;
}

static enum engine_end step_frame(
    struct cfi_engine *e, struct activation *a, struct engine_note *note, int *reg_missing)
{
	uint64_t pc = a->regs.reg[e->t.arch->pc];
	struct cfi_state s = { .arch = e->t.arch,
		.mem = e->t.mem,
		.regs = &a->regs,
		.budget = &e->budget.now,
		.reg_missing = REGS_NONE };
	const struct cfi_row *row;
	struct cfi_row made;
	struct unwind_regs next;
	enum res res = row_of_activation(e, a, &made, &row);
	enum engine_end proven;

	if (res == RES_NONE)
		return step_without_cfi(&e->t, a, note);
	if (res == RES_OK && row->made && step_from_made_code(&e->t, a, note, &proven))
		return proven;
	if (res == RES_OK) {
		s.bias = row->bias;
		note->signal = row->signal;
		note->in_register = row->regs[e->t.arch->pc].kind == CFI_REGISTER;
		note->other_stack = row->regs[e->t.arch->sp].kind == CFI_REGISTER;
		res = cfi_row_apply(row, &s, &next);
	}
	if (res == RES_FAIL) {
		engine_note_missing(note, e->t.arch, pc, s.reg_missing, s.va_missing);
		*reg_missing = s.reg_missing;
		return ENGINE_LOST;
	}
	note->undefined = res == RES_NONE;
	if (res == RES_NONE || (next.reg[e->t.arch->pc] == 0 && !note->signal))
		return ENGINE_OLDEST;
	*a = (struct activation){ next, note->signal };
	return ENGINE_CALLER;
}

/* --- searches (frame_search.h) --- */

/* Leave one of CPython's trampolines for perf, which have no CFI. False: *a is in none. */
static bool leave_perf_trampoline(const struct cfi_engine *e, struct activation *a)
{
	uint64_t sp = a->regs.reg[e->t.arch->sp], word, words[2];
	uint8_t code[sizeof(word)];
	const struct arch_perf *perf;
	struct unwind_perf_caller caller;

	if (a->exact || e->t.arch->stubs == NULL || !memory_word(e->t.mem, a->regs.reg[e->t.arch->pc], &word))
		return false;
	memcpy(code, &word, sizeof(code));
	perf = unwind_perf_trampoline(e->t.arch, code);
	if (perf == NULL || !memory_word(e->t.mem, sp, &words[0]) ||
	    !memory_word(e->t.mem, sp + sizeof(word), &words[1]))
		return false;
	caller = unwind_perf_caller(perf, sp, words);
	if (caller.fp_known)
		regs_set(&a->regs, e->t.arch->fp, caller.fp);
	regs_set(&a->regs, e->t.arch->pc, caller.pc);
	regs_set(&a->regs, e->t.arch->sp, caller.sp);
	return true;
}

static bool step_certain(void *engine, struct activation *a, bool *oldest)
{
	struct activation from = *a;
	struct engine_note note;
	int ignored;
	enum engine_end end;

	engine_note_clear(&note);
	end = step_frame(engine, a, &note, &ignored);
	if (note.no_cfi && leave_perf_trampoline(engine, &from)) {
		*a = from;
		*oldest = false;
		return true;
	}
	*oldest = end == ENGINE_OLDEST && !note.no_cfi && note.undefined;
	return end == ENGINE_CALLER && !note.no_cfi;
}

static const struct cfi_row *row_at(void *engine, uint64_t pc)
{
	struct cfi_engine *e = engine;
	const struct cfi_row *row;

	return row_at_pc(e, pc, &e->made, &row) == RES_OK ? row : NULL;
}

static struct frame_search frame_search_of(struct cfi_engine *e)
{
	return (struct frame_search){
		.t = &e->t,
		.step = step_certain,
		.row = row_at,
		.engine = e,
		.steps = &e->searches.now,
		.trampoline = e->trampoline,
	};
}

/* The step from *a, whose frame pointer is needed and not known. ENGINE_LOST: none is proven, and
 * nothing was changed. */
static enum engine_end searched_step(struct cfi_engine *e, struct activation *a, struct engine_note *note)
{
	const struct frame_search g = frame_search_of(e);
	struct activation known = *a;
	int ignored;
	enum engine_end end;
	uint64_t fp;

	if (!frame_search_fp(&g, a, &fp))
		return ENGINE_LOST;
	regs_set(&known.regs, e->t.arch->fp, fp);
	engine_note_clear(note);
	end = step_frame(e, &known, note, &ignored);
	if (end == ENGINE_CALLER)
		*a = known;
	return end;
}

/* True if *a is certainly no caller: its pc is not in code. An unmapped address does not count,
 * unless nothing can be mapped there: it may have been mapped after the mappings were read. */
static bool is_no_caller(const struct cfi_engine *e, const struct activation *a)
{
	enum { FIRST_MAPPED = 0x10000 }; /* Linux vm.mmap_min_addr */
	uint64_t ra = a->regs.reg[e->t.arch->pc];

	return ra < FIRST_MAPPED || (Paddr_to_map(e->t.P, ra - 1) != NULL && !call_is_code(e->t.P, ra - 1));
}

/* For architectures with cfi_is_doubted: rows of functions written in assembly language may be
 * wrong (those of glibc 2.31's memcpy for i386 subtract pushed words instead of adding them). A
 * step that leads to no code is tried again with other numbers of pushed words. Other architectures
 * do without, because programs that generate code may make it temporarily not executable. */
static enum engine_end judged_step(
    struct cfi_engine *e, struct activation *a, struct engine_note *note, int *reg_missing)
{
	const struct frame_search g = frame_search_of(e);
	struct activation from = *a;
	struct engine_note again;
	enum engine_end end = step_frame(e, a, note, reg_missing);
	int ignored;
	uint64_t sp = from.regs.reg[e->t.arch->sp];

	if (end != ENGINE_CALLER || note->no_cfi || note->signal || note->in_register || note->other_stack ||
	    !(a->regs.reg[e->t.arch->sp] <= sp || is_no_caller(e, a)) || !frame_search_pushed(&g, &from, &sp))
		return end;
	regs_set(&from.regs, e->t.arch->sp, sp);
	engine_note_clear(&again);
	if (step_frame(e, &from, &again, &ignored) == ENGINE_CALLER) {
		*a = from;
		*note = again;
	}
	return end;
}

/* --- return probes (return_probe.h) --- */

static bool at_trampoline(const struct cfi_engine *e, const struct activation *a)
{
	return e->trampoline != 0 && a->regs.reg[e->t.arch->pc] == e->trampoline;
}

/* In it, or in a copy of an instruction at which a probe is. */
static bool in_trampoline(const struct cfi_engine *e, const struct activation *a)
{
	enum { PAGE = 4096 };

	return e->trampoline != 0 && a->regs.reg[e->t.arch->pc] - e->trampoline < PAGE;
}

/* *a is at the trampoline, to which from has returned. Go on to the true caller, if it is found. */
static void pass_trampoline(
    struct cfi_engine *e, const struct activation *from, struct activation *a, struct engine_note *note)
{
	const struct frame_search g = frame_search_of(e);
	struct activation found = *a;
	struct cfi_row made;
	const struct cfi_row *row;

	e->beyond.regs.reg[e->t.arch->sp] = 0;
	e->lacks_registers = false;
	if (e->probes == NULL)
		e->probes = return_probes_create();
	if (e->probes == NULL || row_of_activation(e, from, &made, &row) != RES_OK)
		return;
	switch (return_probe_find(e->probes, &g, row->start, &found)) {
	case RETURN_PROBE_SEVERAL:
		note->probed = UNWIND_SEVERAL;
		*a = found;
		break;
	case RETURN_PROBE_LIKELY:
		note->probed = UNWIND_LIKELY;
		note->guessed = true;
		*a = found;
		break;
	case RETURN_PROBE_CALLER:
		*a = found;
		break;
	case RETURN_PROBE_BEYOND:
		e->beyond = found;
		break;
	case RETURN_PROBE_REGISTERS:
		e->lacks_registers = true;
		break;
	case RETURN_PROBE_UNKNOWN:
		break;
	}
}

/* The step from a trampoline whose caller was not found. */
static enum engine_end leave_trampoline(struct cfi_engine *e, struct activation *a, struct engine_note *note)
{
	enum engine_end end;

	note->trampoline = true;
	if (!a->exact && e->beyond.regs.reg[e->t.arch->sp] > a->regs.reg[e->t.arch->sp]) {
		*a = e->beyond;
		return ENGINE_CALLER;
	}
	end = step_without_cfi(&e->t, a, note);
	if (end != ENGINE_CALLER)
		engine_note_lost(note, e->lacks_registers ? UNWIND_NO_REGISTER : UNWIND_RETURN_PROBE,
		    "return probe: the caller is not known");
	return end == ENGINE_CALLER ? end : ENGINE_LOST;
}

static enum engine_end cfi_step(void *engine, struct activation *a, struct engine_note *note)
{
	struct cfi_engine *e = engine;
	const struct activation from = *a;
	int reg_missing = REGS_NONE;
	enum engine_end end;

	if (in_trampoline(e, a))
		return leave_trampoline(e, a, note);
	end = e->t.arch->cfi_is_doubted ? judged_step(e, a, note, &reg_missing)
					: step_frame(e, a, note, &reg_missing);
	if (end == ENGINE_LOST && reg_missing == e->t.arch->fp)
		end = searched_step(e, a, note);
	if (end == ENGINE_CALLER && at_trampoline(e, a))
		pass_trampoline(e, &from, a, note);
	return end;
}

static void cfi_start(void *engine, const struct activation *a, bool resumed)
{
	struct cfi_engine *e = engine;

	if (!resumed) {
		engine_allow(&e->budget);
		engine_allow(&e->searches);
	}
	memory_restart(e->t.mem, a->regs.reg[e->t.arch->sp]);
}

static void cfi_destroy(void *engine)
{
	struct cfi_engine *e = engine;

	if (e == NULL)
		return;
	vec_free(&e->rows);
	addrmap_free(&e->row_at);
	return_probes_destroy(e->probes);
	engine_target_release(&e->t);
	free(e);
}

static enum res cfi_create(struct ps_prochandle *P, void **out, struct fault *f)
{
	struct cfi_engine *e = calloc(1, sizeof(*e));

	if (e == NULL || !engine_target_init(&e->t, P)) {
		cfi_destroy(e);
		return fault_memory(f);
	}
	e->budget.left = BUDGET;
	e->searches.left = SEARCHES;
	e->trampoline = return_probe_trampoline(P);
	*out = e;
	return RES_OK;
}

const struct engine_ops engine_cfi = {
	.create = cfi_create,
	.destroy = cfi_destroy,
	.start = cfi_start,
	.step = cfi_step,
};
