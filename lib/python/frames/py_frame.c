/* One frame: its members, its PyFrameObject, its place in the code. */
#include "python/frames/py_frame.h"

#include "python/objects/py_code.h"
#include "python/objects/py_type.h"

/* state: f_executing (0 or 1) from 3.4 to 3.9; a PyFrameState (< 0: created or suspended) in
 * 3.10. */
static bool is_suspended(const struct py_layout *l, int8_t state)
{
	if (l->frame.state == 0)
		return false; /* ≤ 3.3: not recorded */
	return l->trace_lineno ? state == 0 : state < 0;
}

bool py_frame_delegates(const struct py_layout *l, const struct py_view *v, uint64_t *values_end)
{
	int32_t depth = py_view_i32(v, l->frame.depth);
	int8_t state = (int8_t)py_view_u8(v, l->frame.state);

	if (l->frame.generator == 0 || py_view_word(v, l->frame.generator) == 0)
		return false;
	if (l->frame.depth != 0) {
		/* 3.10: its state is executing (0) while a throw() passes through it. */
		*values_end = py_view_word(v, l->frame.values) + (uint64_t)(uint32_t)depth * l->word;
		return state <= 0 && depth > 0;
	}
	*values_end = py_view_word(v, l->frame.stack_top);
	return is_suspended(l, state) && *values_end != 0;
}

static void decode_object(
    const struct py_layout *l, const struct py_view *v, bool youngest, struct py_frame *out)
{
	int32_t lasti = py_view_i32(v, l->frame.lasti);
	int32_t lineno = py_view_i32(v, l->frame.lineno);
	int8_t state = (int8_t)py_view_u8(v, l->frame.state);
	uint64_t end;

	out->instr = lasti < 0 ? UINT64_MAX : (uint64_t)lasti * l->lasti_unit;
	if (lineno > 0 && (!l->trace_lineno || py_view_word(v, l->frame.trace) != 0))
		out->line = lineno;
	out->synthetic = !youngest && (lasti < 0 || is_suspended(l, state));
	out->made = !youngest && lasti < 0; /* it has called a frame, but never started */
	out->suspended = py_frame_delegates(l, v, &end);
	if (l->frame.depth != 0 && state == 0 && out->suspended)
		out->synthetic = true;
}

void py_frame_decode(const struct py_layout *l, const struct py_view *v, bool youngest, struct py_frame *out)
{
	out->code = py_view_word(v, l->frame.code) & ~(uint64_t)l->tag_mask;
	if (l->marking == PY_MARK_NONE) {
		decode_object(l, v, youngest, out);
		return;
	}
	out->instr = py_view_word(v, l->frame.instr);
	out->owner = py_view_u8(v, l->frame.owner);
	out->tlbc = py_view_i32(v, l->frame.tlbc);
}

/* Up to 3.10 the frame is its own PyFrameObject: one of another type is not run by the loop. */
static bool check_type(
    struct py_process *py, struct py_runtime *rt, const struct py_view *v, struct py_frame *out)
{
	uint64_t type = py_view_word(v, rt->layout.object.type);
	enum py_type_match match =
	    type == 0 ? PY_TYPE_SAME : py_type_match(py->P, &rt->layout, type, "frame", &rt->frame_type);

	if (match == PY_TYPE_OTHER)
		out->made = out->synthetic = true;
	return match != PY_TYPE_UNREAD;
}

/* PyFrameObject from 3.11 on: head, f_back, f_frame, f_trace, f_lineno, an int
 * (Include/internal/pycore_frame.h). f_lineno is 0 unless a trace function runs, or compiled code
 * keeps it (Objects/frameobject.c, PyFrame_GetLineNumber). */
bool py_frame_read_object(
    struct py_process *py, struct py_runtime *rt, const struct py_view *v, struct py_frame *out)
{
	enum { WORDS_MAX = 12 };
	const struct py_layout *l = &rt->layout;
	uint64_t object = py_view_word(v, l->frame.object);
	uint8_t bytes[WORDS_MAX * sizeof(uint64_t)];
	struct py_view o = { bytes, l->object.size - 1 + 3U * l->word + sizeof(int32_t), l->word };
	enum py_type_match match;
	int32_t lineno;

	if (l->marking == PY_MARK_NONE)
		return check_type(py, rt, v, out);
	out->made = out->owner == PY_OWNED_BY_OBJECT;
	if (l->object.size == 0 || o.n > sizeof(bytes) || !py_pointer_sane(object, l->word))
		return true;
	if (!py_read(py->P, bytes, o.n, object))
		return false;
	if (py_view_word(&o, l->object.size + l->word) != out->addr)
		return true;
	out->object = object;
	lineno = py_view_i32(&o, l->object.size + 3U * l->word);
	out->lineno = lineno > 0 ? lineno : 0;
	match = py_type_match(py->P, l, py_view_word(&o, l->object.type), "frame", &rt->frame_type);
	if (match == PY_TYPE_OTHER)
		out->made = true;
	return match != PY_TYPE_UNREAD;
}

/* The frame at addr, if it is one of this runtime. */
static enum res frame_of_runtime(
    struct py_process *py, struct py_runtime *rt, size_t runtime, uint64_t addr, struct py_frame *out)
{
	const struct py_layout *l = &rt->layout;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->frame_extent, l->word };
	struct py_frame frame = { .addr = addr };

	if (!py_pointer_sane(addr, l->word) || !py_read(py->P, bytes, v.n, addr))
		return RES_NONE;
	if (l->marking == PY_MARK_NONE && !py_is_frame_object(py, runtime, addr))
		return RES_NONE;
	if (l->marking != PY_MARK_NONE && py_view_u8(&v, l->frame.owner) > PY_OWNER_LAST)
		return RES_NONE;
	if (l->marking == PY_MARK_ENTRY && py_view_u8(&v, l->frame.owner) >= PY_OWNED_BY_CSTACK)
		return RES_NONE;
	/* Whether it is suspended matters only to its place on a stack. */
	py_frame_decode(l, &v, true, &frame);
	if (l->marking != PY_MARK_NONE)
		(void)py_frame_read_object(py, rt, &v, &frame);
	py->epoch++;
	if (py_code_load(py, rt, &frame, false, NULL) != RES_OK)
		return RES_NONE;
	py_code_resolve(py, l, &frame);
	*out = frame;
	return RES_OK;
}

enum res py_frame_at(struct py_process *py, uint64_t addr, struct py_frame *out)
{
	for (size_t i = 0; i < py->runtimes.n; i++) {
		if (frame_of_runtime(py, &py->runtimes.at[i], i, addr, out) == RES_OK)
			return RES_OK;
	}
	return RES_NONE;
}
