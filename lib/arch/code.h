/* Instructions, as far as following code needs them, and what they do to the frame of the function
 * that runs them (unwind/code_flow.h).
 *
 * A frame's places are counted in bytes down from the CFA. Registers are DWARF numbers. */
#ifndef ARCH_CODE_H
#define ARCH_CODE_H

#include "arch/arch.h"
#include "arch/x86_decode.h"

enum { ARCH_INSN_BYTES = 15 }; /* of the longest instruction */

/* Where an instruction leads, besides to the one after it. */
enum arch_insn_kind {
	ARCH_INSN_PLAIN,    /* nowhere */
	ARCH_INSN_CALL,     /* elsewhere, and back unless the callee does not return */
	ARCH_INSN_BRANCH,   /* to `to`, if at all */
	ARCH_INSN_JUMP,     /* to `to` */
	ARCH_INSN_JUMP_ANY, /* to an address in a register or in memory */
	ARCH_INSN_RETURN,   /* to the caller */
	ARCH_INSN_STOP      /* to no place that can be told */
};

struct arch_insn {
	uint8_t len;      /* bytes */
	uint8_t kind;     /* enum arch_insn_kind */
	bool by_word;     /* JUMP_ANY: the address is in the word at `to` */
	bool maybe_table; /* JUMP_ANY: it may have been taken from a table */
	int64_t to;       /* counted from the end of the instruction */
	union {
		struct x86 x86;
	} is; /* for arch_code.after alone */
};

/* Where things are before an instruction runs. */
struct arch_frame {
	int32_t sp_below;
	int32_t fp_below;                    /* what the frame pointer points to, if is_frame */
	int32_t ra_below;                    /* where the return address is, unless it is in ra_in */
	int32_t saved_below[ARCH_SAVED_MAX]; /* where the caller's registers are saved */
	arch_saved_set kept;                 /* registers that still have the caller's value */
	arch_saved_set saved;                /* those that are saved */
	bool sp_known;                       /* else the stack pointer was moved by what no code says */
	bool is_frame;                       /* the frame pointer points into the frame */
	bool vague; /* reached by a jump through a table: what is saved is, what is not may have been since */
	bool first; /* the caller's frame pointer was set to 0, not saved: there is no caller */
	/* A register has the return address: popped at the start (vfork), it is on the stack no
	 * more until it is pushed, and sp_below is 0. 0: none. */
	uint8_t ra_in;
	/* The frame is being moved: the return address and the frame pointer are stored so far from
	 * where the register `to` points, whose number is that of encodings. */
	uint8_t to, stored;
	int32_t ra_at, fp_at;
	/* A register points probe_below, and the stack pointer is compared with it. */
	uint8_t probe;
	int32_t probe_below;
};

/* Optional: an architecture whose instructions are read. */
struct arch_code {
	/* Decode the instruction at code, of which n bytes are there. False: none, or cut short,
	 * and *out is undefined. */
	bool (*decode)(const uint8_t *code, size_t n, struct arch_insn *out);
	/* Change *frame to what it is after the instruction; after a branch, if it is not taken. */
	void (*after)(const struct arch_insn *insn, struct arch_frame *frame);
	struct arch_frame start; /* at the first instruction of a function */
	/* Functions that are called through a register begin at a multiple of entry_align, or with
	 * this code. */
	uint8_t entry_align, n_entry;
	uint8_t entry[ARCH_CODE_MAX];
};

extern const struct arch_code arch_code_x86_64;

/* True if everything is where it was at the start of the function. */
static inline bool arch_frame_is_start(const struct arch_code *code, const struct arch_frame *frame)
{
	return frame->sp_known && frame->sp_below == code->start.sp_below && frame->kept == code->start.kept;
}

/* True if the return address is in a register alone. */
static inline bool arch_frame_ra_in_register(const struct arch_frame *frame)
{
	return frame->sp_known && frame->sp_below == 0 && frame->ra_in != 0;
}

#endif
