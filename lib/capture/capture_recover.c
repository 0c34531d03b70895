/* Recovers frames that a thread's chain lacks from its registers and its stack
 * (py_stack_recover). */
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "os/regs.h"
#include "capture/capture.h"

enum { STACK_WORDS = 32768 }; /* most words searched: inner activations take fewer */

/* Read the words of the stack from sp on, n bytes at most. Returns their number. */
static size_t read_words(struct ps_prochandle *P, uint64_t sp, size_t n, size_t word, uint64_t *words)
{
	ssize_t got = Pread(P, words, n - n % word, sp);
	size_t all = got > 0 ? (size_t)got / word : 0;

	if (word == sizeof(uint64_t))
		return all;
	/* Widen in place, from the last word on. */
	for (size_t i = all; i-- > 0;) {
		uint32_t word32;

		memcpy(&word32, (const uint8_t *)words + i * word, sizeof(word32));
		words[i] = word32;
	}
	return all;
}

enum res capture_recover(struct capture *c, const struct capture_lwp *l, const struct py_thread *t,
    struct py_stack *s, struct fault *f)
{
	OWNED(mem_release) uint64_t *words = NULL;
	const struct arch *arch = os_arch(c->P);
	size_t word = arch->pointer_size;
	uint64_t sp = (uint64_t)l->regs[R_SP] & ~(uint64_t)(word - 1), end;
	size_t n = 0;

	/* Of a recorded LWP the generators have changed since. */
	if (!s->cut || l->known_regs == REGS_NONE || c->request.recorded)
		return RES_OK;
	words = malloc((NPRGREG + STACK_WORDS) * sizeof(*words));
	if (words == NULL)
		return fault_memory(f);
	for (; l->known_regs == REGS_ALL && n < NPRGREG; n++)
		words[n] = arch_cut(arch, (uint64_t)l->regs[n]);
	/* The thread's control block lies at the top of its stack. */
	end = capture_stack_end(c, l);
	end = t->thread_id > sp && t->thread_id < end ? t->thread_id : end;
	end = end <= sp || end - sp > STACK_WORDS * word ? sp + STACK_WORDS * word : end;
	n += read_words(c->P, sp, (size_t)(end - sp), word, words + n);
	return py_stack_recover(c->py, t, (struct py_words){ words, n }, s, f);
}
