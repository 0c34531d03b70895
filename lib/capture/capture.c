/* What all methods of capture share: copying the stack of an LWP that does not run, and the list
 * of LWPs. */
#include "arch/signal_frame.h"
#include "capture/capture.h"
#include "os/blocked.h"
#include "os/mappings.h"
#include "os/regs.h"
#include "python/locals/py_locals.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	OTHER_STACK = 8 << 20, /* most bytes copied of a stack that belongs to no thread */
	OWN_LOOKED = 1 << 20,  /* bytes of a thread stack searched for a signal frame */
};
#define STACK_LIMIT ((uint64_t)1 << 30) /* most bytes copied of a thread stack */

/* True if sp may be on the own stack of a thread that is younger than all known mappings: if all
 * memory up to the thread pointer is readable it is, since a stack ends in a guard page. */
static bool may_be_young(struct capture *c, const struct capture_lwp *l, uint64_t sp)
{
	return l->stack.hi == 0 && l->thread_pointer > sp && l->thread_pointer - sp <= OTHER_STACK &&
	       Paddr_to_map(c->P, sp) == NULL && Paddr_to_map(c->P, l->thread_pointer) == NULL;
}

/* End of the stack of l that contains sp: the end of the mapping, or the thread's control block,
 * which lies at the top of its stack (mappings of neighbours may be merged). 0: the maps do not
 * tell. */
static uint64_t stack_end(struct capture *c, const struct capture_lwp *l, uint64_t sp, bool *own)
{
	const prmap_t *map;
	uint64_t end;

	*own = false;
	if (capture_range_has(&l->stack, sp)) {
		*own = l->thread_pointer > sp;
		return *own ? l->thread_pointer : l->stack.hi;
	}
	map = Paddr_to_map(c->P, sp);
	if (map == NULL)
		return may_be_young(c, l, sp) ? l->thread_pointer : 0;
	end = map->pr_vaddr + map->pr_size;
	if (l->thread_pointer > sp && l->thread_pointer <= end) {
		*own = true;
		return l->thread_pointer;
	}
	*own = (map->pr_mflags & MA_STACK) != 0;
	return end;
}

uint64_t capture_stack_end(struct capture *c, const struct capture_lwp *l)
{
	bool own;

	return stack_end(c, l, (uint64_t)l->regs[R_SP], &own);
}

void capture_stacks_find(struct capture *c, size_t from)
{
	VEC(uint64_t) pointers = VEC_EMPTY;
	VEC(size_t) whose = VEC_EMPTY;
	struct os_range *found;

	for (size_t i = from; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->state != CAPTURE_PENDING || l->thread_pointer == 0 || l->stack.hi != 0 ||
		    !os_thread_is_address(c->request.live) ||
		    !(l->late || Paddr_to_map(c->request.live, l->thread_pointer) == NULL))
			continue;
		l->late = false;
		if (!vec_push(&pointers, l->thread_pointer) || !vec_push(&whose, i))
			break;
	}
	found = calloc(whose.n + 1, sizeof(*found));
	if (found != NULL && whose.n > 0) {
		os_mapped_now(c->request.live, pointers.at, whose.n, found);
		for (size_t i = 0; i < whose.n; i++)
			c->lwps.at[whose.at[i]].stack = found[i];
	}
	free(found);
	vec_free(&pointers);
	vec_free(&whose);
}

bool capture_stack_has(struct capture *c, const struct capture_lwp *l, uint64_t va)
{
	uint64_t sp = (uint64_t)l->regs[R_SP];
	bool own;

	if (l->known_regs == REGS_NONE)
		return false;
	if (l->copies[1] != 0 && va >= l->copies[1] && va < stack_end(c, l, l->copies[1], &own))
		return true;
	return va >= sp && va < stack_end(c, l, sp, &own);
}

void capture_note(struct capture_lwp *l, enum capture_missing missing, const char *fmt, ...)
{
	va_list ap;

	l->note.missing = missing;
	va_start(ap, fmt);
	(void)vsnprintf(l->note.text, sizeof(l->note.text), fmt, ap);
	va_end(ap);
}

static void note_oldest_missing(struct capture_lwp *l, size_t n)
{
	if (!capture_is_incomplete(l))
		capture_note(
		    l, MISSING_OLDEST, "only the innermost %zu MB of its stack were copied", n >> 20);
}

/* True if the memory at sp, on a stack of l, is private and anonymous. */
static bool is_anonymous(struct capture *c, const struct capture_lwp *l, uint64_t sp)
{
	const prmap_t *map;

	if (capture_range_has(&l->stack, sp))
		return l->stack.anon;
	map = Paddr_to_map(c->P, sp);
	return map != NULL && (map->pr_mflags & (MA_ANON | MA_SHARED)) == MA_ANON;
}

struct snapshot_piece capture_stack_piece(struct capture *c, struct capture_lwp *l, bool *own)
{
	uint64_t sp = (uint64_t)l->regs[R_SP], end = stack_end(c, l, sp, own);
	uint64_t limit = *own ? STACK_LIMIT : OTHER_STACK;
	unsigned red_zone = os_arch(c->P)->red_zone;
	struct snapshot_piece piece = { .lo = sp - red_zone, .hi = end };

	if (sp < red_zone)
		return (struct snapshot_piece){ .lo = 0 };
	piece.sparse = is_anonymous(c, l, sp);
	if (end != 0 && end - piece.lo > limit) {
		piece.hi = piece.lo + limit;
		if (*own)
			note_oldest_missing(l, (size_t)limit);
	}
	return piece;
}

static size_t copy_piece(struct capture *c, struct snapshot_piece *piece)
{
	if (piece->hi != 0)
		snapshot_copy_pieces(c->snapshot, piece, 1);
	return piece->got;
}

/* Finish a piece; if nothing was copied, try again in another way. Returns the end of the copy;
 * 0: there is no stack. */
static uint64_t finish_piece(
    struct capture *c, struct capture_lwp *l, const struct snapshot_piece *piece, size_t which)
{
	uint64_t lo = piece->lo;
	size_t got = piece->got;

	/* The maps do not know this stack, which is younger: copy as far as it can be read. It
	 * is one copy, so that no part remains when it is dropped. */
	if (got == 0 && lo != 0 && piece->hi == 0) {
		got = snapshot_copy(c->snapshot, lo, lo + OTHER_STACK);
	} else if (got == 0 && lo != 0) {
		lo += os_arch(c->P)->red_zone; /* the red zone may not be mapped */
		got = copy_piece(c, &(struct snapshot_piece){ lo, piece->hi, 0, piece->sparse });
	}
	l->copies[which] = got == 0 ? 0 : lo;
	if (got != 0 && piece->hi != 0 && lo + got < piece->hi && piece->hi - lo > SNAPSHOT_LARGE)
		note_oldest_missing(l, got);
	return got == 0 ? 0 : lo + got;
}

/* Copy the stack that sp points into. */
static struct snapshot_piece copy_stack(struct capture *c, struct capture_lwp *l, bool *own)
{
	struct snapshot_piece piece = capture_stack_piece(c, l, own);

	(void)copy_piece(c, &piece);
	return piece;
}

/* Copy the stack that was interrupted at sp; of a stack that is copied already, the part below. */
static void copy_other(struct capture *c, struct capture_lwp *l, uint64_t sp)
{
	struct capture_lwp other = { .thread_pointer = l->thread_pointer, .stack = l->stack };
	struct snapshot_piece piece;
	bool own;

	other.regs[R_SP] = (prgreg_t)sp;
	piece = copy_stack(c, &other, &own);
	(void)finish_piece(c, l, &piece, 1);
}

/* True if a thread whose stack is copied from its sp to `end` can have been interrupted at sp:
 * below, on the same stack, if the alternate stack lies in a frame of it; or on another stack.
 * What lies above is copied already. */
static bool is_elsewhere(struct capture *c, const struct capture_lwp *l, uint64_t end, uint64_t sp)
{
	return (sp < (uint64_t)l->regs[R_SP] || sp >= end) &&
	       (Paddr_to_map(c->P, sp) != NULL || capture_range_has(&l->stack, sp) || may_be_young(c, l, sp));
}

/* Copy the stack that an LWP on an alternate signal stack was interrupted on. The kernel's
 * signal frame contains the limits of that alternate stack and the interrupted sp; it is
 * searched for in the copy, which ends at `end`, because the LWP may be held. `own`: the LWP
 * runs on its own stack, where an alternate stack may still lie in a frame. */
static void copy_interrupted(struct capture *c, struct capture_lwp *l, uint64_t end, bool own)
{
	const struct arch *arch = os_arch(c->P);
	size_t word = arch->pointer_size;
	uint64_t from = ((uint64_t)l->regs[R_SP] + word - 1) & ~(uint64_t)(word - 1), sp;
	size_t n = 0;
	const uint8_t *bytes = from < end ? snapshot_copied(c->snapshot, from, &n) : NULL;
	struct span left;

	if (bytes == NULL)
		return;
	left = span_of(bytes, own && n > OWN_LOOKED ? OWN_LOOKED : n);
	while (arch_signal_frame_next(arch, &left, &from, &sp)) {
		if (is_elsewhere(c, l, end, sp)) {
			copy_other(c, l, sp);
			return;
		}
	}
}

/* Keep the code at pc if the program can write it: an LWP may be in a closure of libffi. */
static void copy_code(struct capture *c, uint64_t pc)
{
	const prmap_t *map = Paddr_to_map(c->P, pc);

	if (map != NULL && (map->pr_mflags & MA_WRITE) != 0)
		snapshot_keep(c->snapshot, pc, SNAPSHOT_KEPT);
}

void capture_stack_rest(
    struct capture *c, struct capture_lwp *l, const struct snapshot_piece *piece, bool own)
{
	uint64_t end = finish_piece(c, l, piece, 0);

	if (end == 0) {
		capture_note(l, MISSING_STACK, "its stack at 0x%lx cannot be read", l->regs[R_SP]);
		return;
	}
	copy_code(c, (uint64_t)l->regs[R_PC]);
	copy_interrupted(c, l, end, own || end == l->thread_pointer);
}

void capture_stack(struct capture *c, struct capture_lwp *l)
{
	bool own = false;
	struct snapshot_piece piece = copy_stack(c, l, &own);

	capture_stack_rest(c, l, &piece, own);
}

void capture_mark_zombie(struct capture_lwp *l)
{
	l->state = CAPTURE_ENDED;
	capture_note(l, MISSING_ENDED, "zombie: exited, not yet joined");
}

int64_t capture_add(struct capture *c, lwpid_t id, uint64_t thread_pointer)
{
	struct capture_lwp l = { .id = id,
		.thread_pointer = thread_pointer,
		.listed = thread_pointer != 0,
		.blocked = OS_BLOCKED_INIT,
		.call = OS_CALL_INIT,
		.about = THREAD_STATE_INIT };

	if (!vec_push(&c->lwps, l))
		return -1;
	if (addrmap_put(&c->known, (uint64_t)id, (uint32_t)(c->lwps.n - 1)))
		return (int64_t)c->lwps.n - 1;
	c->lwps.n--;
	return -1;
}

void capture_drop_copies(struct capture *c, const struct capture_lwp *l)
{
	for (size_t i = 0; i < sizeof(l->copies) / sizeof(l->copies[0]); i++) {
		if (l->copies[i] != 0)
			snapshot_drop(c->snapshot, l->copies[i]);
	}
}

void capture_undo(struct capture *c, struct capture_lwp *l)
{
	struct capture_lwp fresh = { .id = l->id,
		.thread_pointer = l->thread_pointer,
		.stack = l->stack,
		.blocked = l->blocked,
		.call = OS_CALL_INIT,
		.about = THREAD_STATE_INIT,
		.pass = l->pass,
		.listed = l->listed,
		.refusal = l->refusal };

	memcpy(fresh.refused, l->refused, sizeof(fresh.refused));
	capture_drop_copies(c, l);
	py_stack_free(&l->python);
	*l = fresh;
}

void capture_finish(struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->python_is != PYTHON_UNREAD)
			py_stack_finish(c->py, &l->python);
	}
	if (c->py != NULL)
		py_stack_finish(c->py, &c->tasks.stack);
}

void capture_free(struct capture *c)
{
	py_names_free(&c->names);
	py_tasks_free(&c->tasks);
	py_tasks_free(&c->tasks_before);
	py_locals_reader_free(c->locals);
	py_locals_reader_free(c->ahead);
	for (size_t i = 0; i < c->lwps.n; i++) {
		os_blocked_free(&c->lwps.at[i].blocked);
		py_stack_free(&c->lwps.at[i].python);
	}
	vec_free(&c->lwps);
	vec_free(&c->states.list);
	vec_free(&c->states.by_pointer.next);
	vec_free(&c->states.by_id.next);
	vec_free(&c->states.foreign);
	vec_free(&c->progress.pages);
	addrmap_free(&c->states.by_pointer.first);
	addrmap_free(&c->states.by_id.first);
	addrmap_free(&c->known);
	snapshot_destroy(c->snapshot);
	memset(c, 0, sizeof(*c));
}
