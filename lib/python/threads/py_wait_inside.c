/* Whether a thread is in the body of `with lock:`. Its frame keeps what it will call at the end.
 *
 *   up to 3.13    the bound method lock.__exit__: head, PyMethodDef, lock
 *   3.14 on       two words: descriptor of __exit__ (head, type, name, qualname, PyMethodDef), lock
 *
 * (Include/cpython/methodobject.h, descrobject.h; SETUP_WITH, BEFORE_WITH, LOAD_SPECIAL.) */
#include <string.h>

#include "os/read.h"
#include "python/py_memory.h"
#include "python/py_process.h"
#include "python/threads/py_wait.h"

enum {
	FRAMES = 256, /* innermost ones that are searched */
	SLOTS = 64,   /* words of a frame */
	HEAD = 64,    /* bytes of an object */
};

struct inside {
	const struct py_layout *l;
	struct ps_prochandle *live;
	uint64_t object;
	uint32_t head; /* bytes of an object's head */
};

static bool read_at(const struct inside *s, void *to, size_t n, uint64_t at)
{
	return os_read(s->live, to, n, (uintptr_t)at) == (ssize_t)n;
}

/* Is the PyMethodDef at `at` that of __exit__? Its first member is its name. */
static bool is_exit(const struct inside *s, uint64_t at)
{
	static const char name[] = "__exit__";
	char text[sizeof(name)];
	uint64_t where = 0;

	return read_at(s, &where, s->l->word, at) && read_at(s, text, sizeof(text), where) &&
	       memcmp(text, name, sizeof(name)) == 0;
}

static uint64_t word_of(const struct inside *s, const uint8_t *bytes, uint32_t word)
{
	uint64_t value = 0;

	memcpy(&value, bytes + s->head + word * s->l->word, s->l->word);
	return value;
}

/* Does one of the n words of a frame say that it is in the body? */
static bool has_exit(const struct inside *s, const uint64_t *slots, uint32_t n)
{
	uint8_t bytes[SLOTS][HEAD] = { { 0 } };
	struct os_piece pieces[SLOTS];
	bool split = s->l->version >= PY_HEX(3, 14);

	for (uint32_t i = 0; i < n; i++)
		pieces[i] = (struct os_piece){ bytes[i], py_pointer_sane(slots[i], s->l->word) ? HEAD : 0,
			(uintptr_t)slots[i], 0 };
	os_read_pieces(s->live, pieces, n);
	for (uint32_t i = 0; i < n; i++) {
		bool of_lock =
		    split ? i + 1 < n && slots[i + 1] == s->object : word_of(s, bytes[i], 1) == s->object;

		if (of_lock && is_exit(s, word_of(s, bytes[i], split ? 3 : 0)))
			return true;
	}
	return false;
}

bool py_wait_is_inside(struct py_process *py, struct ps_prochandle *live, const struct py_thread *thread,
    const struct py_stack *stack, const struct py_wait *wait, const struct py_wait_hints *hints)
{
	const struct py_layout *l = &py->runtimes.at[thread->runtime].layout;
	const struct inside s = { .l = l, .live = live, .object = wait->at, .head = py_head_size(l) };
	uint32_t word = l->word;

	if (hints->locals == 0 || hints->runtime != thread->runtime || s.head + 4U * word > HEAD)
		return false;
	for (size_t i = 0; i < stack->frames.n && i < FRAMES; i++) {
		uint8_t bytes[SLOTS * sizeof(uint64_t)];
		uint64_t slots[SLOTS] = { 0 };
		ssize_t got = os_read(
		    live, bytes, (size_t)SLOTS * word, (uintptr_t)(stack->frames.at[i].addr + hints->locals));
		uint32_t n = got <= 0 ? 0 : (uint32_t)got / word;

		for (uint32_t k = 0; k < n; k++) {
			memcpy(&slots[k], bytes + (size_t)k * word, word);
			slots[k] &= ~(uint64_t)l->tag_mask;
		}
		if (has_exit(&s, slots, n))
			return true;
	}
	return false;
}
