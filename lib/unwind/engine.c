/* What engines share: the target, and the reasons for a step that failed. */
#include "unwind/engine.h"

#include <stdarg.h>
#include <stdio.h>

#include "os/regs.h"
#include "unwind/prologue.h"
#include "unwind/unwind_modules.h"

bool engine_target_init(struct engine_target *t, struct ps_prochandle *P)
{
	*t = (struct engine_target){
		.P = P, .arch = os_arch(P), .mem = memory_create(P), .modules = modules_create(P)
	};
	return t->mem != NULL && t->modules != NULL;
}

void engine_target_release(struct engine_target *t)
{
	prover_destroy(t->prover);
	modules_destroy(t->modules);
	memory_destroy(t->mem);
	*t = (struct engine_target){ .P = NULL };
}

void engine_allow(struct engine_allowance *a)
{
	enum { SHARE = 8 };

	a->left += a->now;
	a->now = a->left / SHARE;
	a->left -= a->now;
}

void engine_note_lost(struct engine_note *note, enum unwind_reason reason, const char *fmt, ...)
{
	va_list ap;

	note->reason = reason;
	va_start(ap, fmt);
	(void)vsnprintf(note->why, sizeof(note->why), fmt, ap);
	va_end(ap);
}

void engine_note_missing(struct engine_note *note, const struct arch *arch, uint64_t pc, int reg, uint64_t va)
{
	if (reg != REGS_NONE)
		engine_note_lost(note, UNWIND_NO_REGISTER, "needs %s, which is not known",
		    reg >= 0 && reg < arch->n_regs ? arch->names[reg] : "a register");
	else if (va != 0)
		engine_note_lost(
		    note, UNWIND_NO_MEMORY, "stack not readable at 0x%llx", (unsigned long long)va);
	else
		engine_note_lost(
		    note, UNWIND_DAMAGED, "unwind information at 0x%llx is damaged", (unsigned long long)pc);
}
