/* From a layout to the numbers of a walk. */
#include "python/py_offsets.h"

#include <string.h>

#include "python/frames/py_frame.h"
#include "python/py_process.h"
#include "python/threads/py_gil.h"

/* The size of PyFrameObject as far as f_lineno, from 3.11 on (py_frame_read_object). */
static void object_offsets(const struct py_layout *l, struct py_offsets *out)
{
	if (l->marking == PY_MARK_NONE || l->object.size == 0)
		return;
	out->object_lineno = (uint16_t)(l->object.size + 3U * l->word);
	out->object_size = (uint16_t)(out->object_lineno - 1 + sizeof(int32_t));
}

/* 3.12 to 3.15: co_version of the code object, followed by co_localsplusnames, co_localspluskinds
 * and co_filename (CPython 3.12 cpython/code.h). It comes from a counter and never changes
 * (funcobject.c). 3.11: func_version of f_func, the first member of a frame (pycore_frame.h,
 * cpython/funcobject.h). A counter gives it, and it is 0 again when the function gets another code
 * object; a frame that began before keeps its own alive. */
static void version_offsets(const struct py_layout *l, struct py_offsets *out)
{
	enum { FUNC_POINTERS = 14 }; /* func_globals to vectorcall */
	const py_field after = (py_field)(2 * l->word + sizeof(uint32_t));
	uint32_t version = l->version & PY_MINOR_MASK;

	if (version == PY_HEX(3, 11) && l->object.size != 0) {
		out->frame_versioned = PY_AT(0);
		out->version = (uint16_t)(l->object.size + FUNC_POINTERS * (uint32_t)l->word);
	} else if (version >= PY_HEX(3, 12) && version <= PY_HEX(3, 15) && l->code.filename > after) {
		out->frame_versioned = (uint16_t)l->frame.code;
		out->version = (uint16_t)(l->code.filename - after);
	}
}

static void code_offsets(const struct py_layout *l, struct py_offsets *out)
{
	const py_field words[PY_OFFSETS_WORDS] = { l->code.filename, l->code.name, l->code.table,
		l->code.firstlineno, l->code.bytecode, l->code_inline != 0 ? l->object.size : 0 };
	const py_field texts[PY_OFFSETS_TEXTS] = { l->code.filename, l->code.name, l->code.qualname };

	for (size_t i = 0; i < PY_OFFSETS_WORDS; i++)
		out->code_words[i] = (uint16_t)words[i];
	for (size_t i = 0; i < PY_OFFSETS_TEXTS; i++)
		out->code_texts[i] = (uint16_t)texts[i];
	out->code_size = (uint16_t)l->code_extent;
	out->code_table = (uint16_t)l->code.table;
	out->code_bytecode = (uint16_t)l->code.bytecode;
	/* A hash follows the length, or the pointer to the characters if they are elsewhere. */
	out->text_words = (uint16_t)(l->texts == PY_TEXT_BYTES     ? l->bytes.size
				     : l->texts == PY_TEXT_UNICODE ? l->str.wstr
								   : l->str.length);
	out->text_data = l->texts == PY_TEXT_UNICODE ? (uint16_t)l->str.wstr : 0;
	out->bytes_size = (uint16_t)l->bytes.size;
	out->size_mask =
	    l->size_width == sizeof(uint32_t) || l->word == sizeof(uint32_t) ? UINT32_MAX : UINT64_MAX;
	out->bytes_data = (uint16_t)l->bytes.data;
}

bool py_offsets_get(const struct py_process *py, size_t runtime, struct py_offsets *out)
{
	const struct py_runtime *rt = &py->runtimes.at[runtime];
	const struct py_layout *l = &rt->layout;

	memset(out, 0, sizeof(*out));
	if (l->tstate_extent >= PY_OFFSETS_TSTATE_MAX || l->frame_extent >= PY_OFFSETS_FRAME_MAX ||
	    l->code_extent >= PY_OFFSETS_CODE_MAX || l->cframe_extent >= PY_OFFSETS_OBJECT_MAX ||
	    l->interp.next > UINT16_MAX || l->interp.threads_head > UINT16_MAX)
		return false;
	out->interpreters = rt->addr + l->runtime.interpreters_head - 1;
	out->word = l->word;
	out->word_mask = l->word == 4 ? UINT32_MAX : UINT64_MAX;
	out->tag_mask = l->tag_mask;
	out->own_frames = l->marking == PY_MARK_NONE;
	out->cstack_owner = l->marking == PY_MARK_ENTRY ? PY_OWNED_BY_CSTACK : 0;
	out->interp_next = (uint16_t)l->interp.next;
	out->interp_threads = (uint16_t)l->interp.threads_head;
	out->tstate_size = (uint16_t)l->tstate_extent;
	out->tstate_next = (uint16_t)l->tstate.next;
	out->tstate_frame = (uint16_t)l->tstate.frame;
	out->tstate_cframe = (uint16_t)l->tstate.cframe;
	out->tstate_root_cframe = (uint16_t)l->tstate.root_cframe;
	out->tstate_base_frame = (uint16_t)l->tstate.base_frame;
	out->tstate_thread_id = (uint16_t)l->tstate.thread_id;
	out->tstate_chunk = (uint16_t)l->tstate.chunk;
	out->cframe_size = l->tstate.cframe != 0 ? (uint16_t)l->cframe_extent : 0;
	out->cframe_frame = (uint16_t)l->cframe.current_frame;
	out->cframe_previous = (uint16_t)l->cframe.previous;
	out->frame_size = (uint16_t)l->frame_extent;
	out->frame_previous = (uint16_t)l->frame.previous;
	out->frame_code = (uint16_t)l->frame.code;
	out->frame_instr = (uint16_t)l->frame.instr;
	out->frame_owner = (uint16_t)l->frame.owner;
	/* is_entry, then owner (CPython 3.11 pycore_frame.h) */
	out->frame_entry = l->marking == PY_MARK_CFRAME ? (uint16_t)(l->frame.owner - 1) : 0;
	out->frame_object = (uint16_t)l->frame.object;
	out->frame_tlbc = (uint16_t)l->frame.tlbc;
	out->frame_trace = (uint16_t)l->frame.trace;
	out->frame_lasti = (uint16_t)l->frame.lasti;
	out->frame_lineno = (uint16_t)l->frame.lineno;
	out->frame_state = (uint16_t)l->frame.state;
	object_offsets(l, out);
	code_offsets(l, out);
	version_offsets(l, out);
	out->tstate_interp = (uint16_t)l->tstate.interp;
	py_gil_describe(rt, &out->gil);
	return true;
}
