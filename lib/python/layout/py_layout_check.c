/* Does the target's memory contradict a layout? The rows of the table are for CPython as released;
 * a vendor may have added members. A layout is tested on a few words whose meaning is certain:
 *
 *   type objects    have the sizes of a code object, frame, str and bytes (tp_basicsize)
 *   thread states   thread_id is the address of a thread's descriptor, which may have its own
 *                   address in it (struct arch_libc), on illumos the id of an LWP;
 *                   native_thread_id is at most TID_MAX
 *   frames          are of type frame, their code of type code
 *   C frames        3.10 to 3.12: the chain ends in the thread state's own
 *   data stack      3.11, 3.12: the used part of the newest chunk ends inside it
 *   interpreters    the first has id 0
 *
 * A running process can make a right layout look wrong once, so data that changes is checked
 * several times. An unreadable pointer is evidence, but not in a truncated core. */
#include <time.h>

#include "os/images.h"
#include "os/regs.h"
#include "python/layout/py_layout.h"
#include "python/py_memory.h"
#include "python/py_symbol.h"

enum {
	THREADS_LOOKED_AT = 3, /* one layout for all of them */
	INTERPS_LOOKED_AT = 64,
	CFRAMES_LOOKED_AT = 256,
	LOOKS = 16, /* at data that changes: with a right layout few of them fail, with a wrong one all */
	/* Then as many with pauses: while generators are resumed at a high rate, most looks find an
	 * activation that is being entered. */
	PAUSE_NS = 500 * 1000,
	TID_MAX = 1 << 22 /* Linux include/linux/threads.h, PID_MAX_LIMIT */
};

struct trial {
	struct ps_prochandle *P;
	const struct py_layout *l;
	uint64_t code_type, frame_type; /* 0: not known */
	bool cut;                       /* a truncated core: a good pointer may be unreadable */
};

/* tp_basicsize of PyCode_Type and PyFrame_Type, read from the types of real builds; 0: not
 * known. */
static const struct {
	uint32_t version;
	uint8_t word;
	uint16_t code, frame;
} sizes[] = {
	{ PY_HEX(2, 4), 8, 112, 400 },
	{ PY_HEX(2, 5), 8, 120, 384 },
	{ PY_HEX(2, 6), 8, 120, 384 },
	{ PY_HEX(2, 7), 8, 128, 384 },
	{ PY_HEX(3, 0), 8, 128, 384 },
	{ PY_HEX(3, 1), 8, 128, 384 },
	{ PY_HEX(3, 2), 8, 136, 384 },
	{ PY_HEX(3, 3), 8, 144, 384 },
	{ PY_HEX(3, 4), 8, 144, 384 },
	{ PY_HEX(3, 5), 8, 144, 384 },
	{ PY_HEX(3, 6), 8, 144, 384 },
	{ PY_HEX(3, 7), 8, 144, 368 },
	{ PY_HEX(3, 8), 8, 176, 368 },
	{ PY_HEX(3, 9), 8, 176, 368 },
	{ PY_HEX(3, 10), 8, 176, 360 },
	{ PY_HEX(3, 11), 8, 184, 120 },
	{ PY_HEX(3, 12), 8, 192, 120 },
	{ PY_HEX(2, 7), 4, 72, 316 },
	{ PY_HEX(3, 9), 4, 104, 312 },
};

/* Is the type's tp_basicsize, which follows tp_name, known and different? */
static bool size_differs(const struct trial *t, uint64_t type, uint64_t expected)
{
	uint64_t size;

	if (type == 0 || expected == 0 ||
	    !py_read_word(t->P, t->l, type, t->l->type.name + t->l->word, &size))
		return false;
	if (t->l->version < PY_HEX(2, 5))
		size &= UINT32_MAX; /* an int, followed by another */
	return size != 0 && size != expected;
}

static const char *check_sizes(const struct trial *t, const char *object, bool by_table)
{
	const struct py_layout *l = t->l;
	/* Py_TRACE_REFS puts two words in front of every object. */
	uint64_t refs = l->object.type - 1U - l->word;
	uint64_t str = l->texts == PY_TEXT_COMPACT ? py_symbol_address(t->P, object, "PyUnicode_Type") : 0;
	uint64_t bytes =
	    py_symbol_address(t->P, object, l->texts == PY_TEXT_BYTES ? "PyString_Type" : "PyBytes_Type");

	for (size_t i = 0; by_table && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i].version != l->version || sizes[i].word != l->word)
			continue;
		if (size_differs(t, t->code_type, sizes[i].code + refs))
			return "code objects have an unexpected size";
		/* From 3.11 on refs counts twice: the frame inside a frame object is not an
		 * object. */
		if (size_differs(t, t->frame_type, sizes[i].frame + refs))
			return "frames have an unexpected size";
	}
	/* PyUnicodeObject ends with the pointer that follows PyCompactUnicodeObject; bytes count
	 * the final NUL; before 2.7 and in 3.0 they count the whole word it is in. */
	if (size_differs(t, str, l->str.compact - 1U + l->word))
		return "strings have an unexpected size";
	if (l->version >= PY_HEX(2, 7) && l->version != PY_HEX(3, 0) && size_differs(t, bytes, l->bytes.data))
		return "bytes objects have an unexpected size";
	return NULL;
}

/* Is the object at `object` of another type? */
static bool has_other_type(const struct trial *t, uint64_t object, uint64_t type)
{
	uint64_t has;

	if (type == 0)
		return false;
	if (!py_pointer_sane(object, t->l->word))
		return true;
	return py_read_word(t->P, t->l, object, t->l->object.type, &has) ? has != type : !t->cut;
}

/* Does it have a code object at the offset of a frame? Compiled code (Nuitka) puts frames of its
 * own type on the chain. */
static bool has_code(const struct trial *t, uint64_t frame)
{
	uint64_t code;

	return t->code_type != 0 && py_pointer_sane(frame, t->l->word) &&
	       py_read_word(t->P, t->l, frame, t->l->frame.code, &code) &&
	       !has_other_type(t, code, t->code_type);
}

static const char *check_frame(const struct trial *t, uint64_t frame)
{
	uint64_t code;

	if (frame == 0)
		return NULL;
	if (t->l->marking == PY_MARK_NONE && has_other_type(t, frame, t->frame_type) && !has_code(t, frame))
		return "no frame at the expected offset of a thread state";
	if (py_read_word(t->P, t->l, frame, t->l->frame.code, &code) ? has_other_type(t, code, t->code_type)
								     : !t->cut)
		return "no code object at the expected offset of a frame";
	return NULL;
}

/* The frame of an activation that has called another. The youngest activation may not have written
 * its own yet, and may not do so while its thread is not scheduled. */
static const char *check_caller(const struct trial *t, uint64_t cframe, uint64_t root)
{
	uint64_t frame;

	if (!py_pointer_sane(cframe, t->l->word) || cframe == root ||
	    !py_read_word(t->P, t->l, cframe, t->l->cframe.current_frame, &frame))
		return NULL;
	return check_frame(t, frame);
}

/* 3.10 to 3.12: tstate.cframe leads to the C frame inside the thread state. */
static const char *check_cframes(const struct trial *t, const struct py_view *v, uint64_t tstate)
{
	const struct py_layout *l = t->l;
	uint64_t cframe = py_view_word(v, l->tstate.cframe), previous, root;
	const char *why;

	if (l->tstate.cframe == 0)
		return NULL;
	if (!py_pointer_sane(cframe, l->word))
		return "no C frame at the expected offset of a thread state";
	root = l->tstate.root_cframe == 0 ? 0 : tstate + l->tstate.root_cframe - 1;
	if (cframe != root && py_read_word(t->P, l, cframe, l->cframe.previous, &previous)) {
		why = check_caller(t, previous, root);
		if (why != NULL)
			return why;
	}
	for (int i = 0; l->tstate.root_cframe != 0 && i < CFRAMES_LOOKED_AT; i++) {
		if (cframe == root)
			return NULL;
		if (cframe != 0 && py_read_word(t->P, l, cframe, l->cframe.previous, &cframe))
			continue;
		return cframe != 0 && t->cut ? NULL
					     : "the chain of C frames does not end in the thread state";
	}
	return NULL;
}

/* Can this not be a value of pthread_self()? */
static bool is_not_thread_id(const struct trial *t, uint64_t id)
{
	const bool names_itself = os_libc(t->P)->names_itself;
	uint64_t self = 0;

	if (id == 0)
		return false;
	if (!os_thread_is_address(t->P))
		return id > UINT32_MAX;
	return !py_pointer_sane(id, t->l->word) ||
	       (names_itself && py_read(t->P, &self, t->l->word, id) && self != id);
}

/* Is the first free byte of the data stack outside its newest chunk, whose second word is its
 * size? */
static bool is_outside_chunk(const struct trial *t, uint64_t chunk, uint64_t top)
{
	uint64_t size;

	if (chunk == 0)
		return false;
	return !py_pointer_sane(chunk, t->l->word) || top < chunk ||
	       (py_read_word(t->P, t->l, chunk, PY_AT(t->l->word), &size) && top - chunk > size);
}

static const char *check_thread(const struct trial *t, const struct py_view *v, uint64_t tstate)
{
	const struct py_layout *l = t->l;
	const char *why;

	if (is_not_thread_id(t, py_view_word(v, l->tstate.thread_id)))
		return "no thread id at the expected offset of a thread state";
	if (py_view_word(v, l->tstate.native_id) > TID_MAX)
		return "no native thread id at the expected offset of a thread state";
	if (is_outside_chunk(t, py_view_word(v, l->tstate.chunk), py_view_word(v, l->tstate.top)))
		return "no data stack at the expected offset of a thread state";
	why = check_frame(t, py_view_word(v, l->tstate.frame));
	return why != NULL ? why : check_cframes(t, v, tstate);
}

static const char *check_threads(const struct trial *t, uint64_t tstate)
{
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, t->l->tstate_extent, t->l->word };
	const char *why = NULL;

	for (int i = 0; why == NULL && tstate != 0 && i < THREADS_LOOKED_AT; i++) {
		if (!py_read(t->P, bytes, v.n, tstate))
			break;
		why = check_thread(t, &v, tstate);
		tstate = py_view_word(&v, t->l->tstate.next);
	}
	return why;
}

/* The lists of interpreters and threads, once. */
static const char *check_lists(const struct trial *t, uint64_t runtime)
{
	const struct py_layout *l = t->l;
	const char *why = NULL;
	uint64_t interp = 0, next, tstate = 0;
	int64_t id = 0;

	(void)py_read_word(t->P, l, runtime, l->runtime.interpreters_head, &interp);
	for (int i = 0; why == NULL && interp != 0 && i < INTERPS_LOOKED_AT; i++, interp = next) {
		if (!py_read_word(t->P, l, interp, l->interp.next, &next) ||
		    !py_read_word(t->P, l, interp, l->interp.threads_head, &tstate))
			return NULL;
		why = check_threads(t, tstate);
		if (next == 0 && why == NULL && l->interp.id != 0 &&
		    py_read(t->P, &id, sizeof(id), interp + l->interp.id - 1) && id != 0)
			why = "no id at the expected offset of an interpreter";
	}
	return why;
}

const char *py_layout_check(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t runtime, const char *object, bool by_table)
{
	struct trial t = { .P = P,
		.l = l,
		.cut = os_core_cut(P),
		.code_type = py_symbol_address(P, object, "PyCode_Type"),
		.frame_type = py_symbol_address(P, object, "PyFrame_Type") };
	const char *why = check_sizes(&t, object, by_table);

	if (why != NULL)
		return why;
	for (int i = 0; i < 2 * LOOKS; i++) {
		why = check_lists(&t, runtime);
		if (why == NULL || (i >= LOOKS && Pstate(P) == PS_DEAD))
			break;
		if (i >= LOOKS)
			(void)nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
	}
	return why;
}
