/* Activations whose variables are not on the stack: with detect_stack_use_after_return, code that
 * AddressSanitizer instruments takes them from memory of its own (the fake stack), and with them
 * the marker of the activation.
 *
 *   fake stack                                      stack
 *   va -->  | variables          |                  | caller               |
 *           | where it was taken | -----------+     | the activation       | <- its stack pointer
 *           | the function       |            +-->  | (its call to take it)|
 *           | description        |
 *   base -> | 0x41b58ab3         | */
#include <string.h>

#include "capture/capture.h"
#include "os/regs.h"

/* struct FakeFrame, kCurrentStackFrameMagic and the frame sizes of compiler-rt,
 * lib/asan/asan_fake_stack.h; gcc and clang write the first three words. */
#define FRAME_MAGIC 0x41b58ab3ULL
enum { FRAME_ALIGN = 64, FRAME_MAX = 65536, PIECE = 4096 };
enum { MAGIC, DESCRIPTION, FUNCTION, TAKEN_AT, HEADER };

static bool is_code(struct ps_prochandle *P, uint64_t va)
{
	const prmap_t *map = Paddr_to_map(P, va);

	return map != NULL && (map->pr_mflags & MA_EXEC) != 0;
}

bool capture_fake_frame(struct ps_prochandle *P, uint64_t va, struct py_run *run)
{
	uint64_t at = va & ~(uint64_t)(FRAME_ALIGN - 1), words[PIECE / sizeof(uint64_t)];
	uint64_t lowest = at < FRAME_MAX ? 0 : at - FRAME_MAX + FRAME_ALIGN;

	while (at >= lowest && at != 0) {
		uint64_t page = at & ~(uint64_t)(PIECE - 1);
		size_t n = (size_t)(at - page) + FRAME_ALIGN;

		/* The first magic below va belongs to the frame. */
		if (Pread(P, words, n, page) != (ssize_t)n)
			return false;
		for (;; at -= FRAME_ALIGN) {
			const uint64_t *header = words + (at - page) / sizeof(*words);

			if (header[MAGIC] == FRAME_MAGIC) {
				run->taken_at = header[TAKEN_AT];
				run->function = header[FUNCTION];
				return is_code(P, header[FUNCTION]) && header[TAKEN_AT] != 0;
			}
			if (at == page || at == lowest)
				break;
		}
		at = page - FRAME_ALIGN;
	}
	return false;
}

void capture_fake_places(struct capture *c, const struct capture_lwp *l, struct py_stack *s)
{
	enum { BELOW = 4096 }; /* for the innermost activation, whose call has returned */
	uint64_t sp = (uint64_t)l->regs[R_SP], known = 0; /* its only stack from sp on */

	if (l->known_regs == REGS_NONE || os_arch(c->P)->pointer_size != sizeof(uint64_t))
		return;
	for (size_t r = s->runs.n; r-- > 0;) {
		struct py_run *run = &s->runs.at[r];

		if (run->marker == 0 || (sp <= run->marker && run->marker <= known))
			continue;
		if (capture_stack_has(c, l, run->marker)) {
			known = l->copies[1] == 0 && run->marker > known ? run->marker : known;
			continue;
		}
		/* It is not in a fake frame: then no other marker is. */
		if (!capture_fake_frame(c->P, run->marker, run) ||
		    !(capture_stack_has(c, l, run->taken_at) ||
			capture_stack_has(c, l, run->taken_at + BELOW))) {
			run->taken_at = run->function = 0;
			return;
		}
		run->fake = run->marker;
		run->marker = 0;
	}
}
