/* The part of a CPython's layout that a walk of its frames needs, as plain numbers: what a BPF
 * program is given to walk them in the kernel. Filled from struct py_layout; BPF C includes this
 * header, so it has fixed-width types only. */
#ifndef PYTHON_PY_OFFSETS_H
#define PYTHON_PY_OFFSETS_H

#ifndef __bpf__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

enum {
	PY_OFFSETS_TSTATE_MAX = 1024, /* each structure has fewer bytes; powers of two */
	PY_OFFSETS_FRAME_MAX = 256,
	PY_OFFSETS_CODE_MAX = 512,
	PY_OFFSETS_OBJECT_MAX = 128, /* frame objects, C frames */
	PY_OFFSETS_TEXTS = 3,
	PY_OFFSETS_WORDS = 6,
};

/* The GIL of an interpreter. It lies at `at`, or where the pointer there points to, or where that
 * of the interpreter, which is at `interp` (plus one) in it, does. All zeros: there is none, or it
 * is not known where it is. */
struct py_gil {
	uint64_t at;
	uint64_t current; /* address of the variable that has the state of the holder; 0: none */
	uint32_t interp;
	uint8_t is_pointer;      /* `at` is the address of a pointer to it */
	uint8_t wait, wait_size; /* threads wait for it at one of these bytes of it */
	/* In the GIL, plus one; 0: none. The state that has held it last, which counts while the
	 * four bytes of `locked` are 1. */
	uint8_t holder, locked;
	uint8_t padding[7];
};

/* An offset of a member is stored plus one; 0: this version has no such member. Sizes are in
 * bytes. A size of 0: no such structure. */
struct py_offsets {
	uint64_t interpreters; /* address of the pointer to the newest interpreter */
	uint64_t word_mask;    /* the bits of a pointer */
	uint64_t size_mask;    /* those of the number of bytes in a bytes object: 2.4 has an int */
	uint8_t word;          /* bytes in a pointer */
	uint8_t tag_mask;      /* low bits of an object reference in a frame that are a tag */
	uint8_t cstack_owner;  /* least `owner` of an entry frame; 0: frames have no owner */
	uint8_t own_frames;    /* frames are objects, and mark no activations (up to 3.10) */
	uint16_t interp_next, interp_threads;
	uint16_t tstate_size, tstate_next, tstate_frame, tstate_cframe, tstate_root_cframe, tstate_base_frame,
	    tstate_thread_id, tstate_chunk;
	uint16_t cframe_size, cframe_frame, cframe_previous;
	uint16_t frame_size, frame_previous, frame_code, frame_instr, frame_owner, frame_object, frame_tlbc,
	    frame_trace, frame_lasti, frame_lineno, frame_state;
	uint16_t frame_entry; /* 3.11: a byte, whether it is the first frame of its activation */
	uint16_t object_size, object_lineno; /* of frame_object; object_lineno: of four bytes */
	uint16_t code_size;
	uint16_t code_texts[PY_OFFSETS_TEXTS]; /* str: file, name, qualified name */
	uint16_t code_table;                   /* bytes: the line table */
	uint16_t code_bytecode;                /* bytes, up to 3.10 */
	uint16_t code_words[PY_OFFSETS_WORDS]; /* words that tell code objects apart */
	uint16_t text_words; /* of a str: two words that tell it from others, the second is its hash */
	uint16_t text_data;  /* of a str: the pointer to its characters (3.0 to 3.2) */
	uint16_t bytes_size, bytes_data;
	/* A number of four bytes that tells code objects at one address apart, or 0: in the
	 * object that this member of a frame refers to. An interpreter uses each once. Absent up
	 * to 3.10. */
	uint16_t frame_versioned, version;
	uint16_t tstate_interp;
	struct py_gil gil;
};

#ifndef __bpf__
struct py_process;

/* The offsets of a runtime. False: it has a structure that is larger than the limits above, or an
 * offset in an interpreter's state that does not fit. */
bool py_offsets_get(const struct py_process *py, size_t runtime, struct py_offsets *out);
#endif

#endif
