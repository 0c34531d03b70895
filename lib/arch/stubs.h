/* Code that call frame information does not describe, or describes wrongly, and that shows by its
 * bytes where its caller is. */
#ifndef ARCH_STUBS_H
#define ARCH_STUBS_H

#include "arch/arch.h"

enum {
	ARCH_PERF_BYTES = 24,    /* of the longest trampoline for perf */
	ARCH_PERF_END = 5,       /* of the longest end of one */
	ARCH_FFI_BYTES = 5,      /* of the longest instruction that tells libffi's trampolines */
	ARCH_LANDING_BYTES = 14, /* of where they lead */
	ARCH_CLONE_BYTES = 24,   /* of the end of clone() */
	ARCH_ORIGIN_BYTES = 32,  /* of the code where a stack begins */
	ARCH_PLACES = 5,         /* where instructions begin there */
	ARCH_RESTORE_BYTES = 32  /* of the end of a function that restores registers */
};

/* CPython's trampolines for perf (-X perf, 3.12 to 3.15, Python/asm_trampoline.S). */
enum arch_perf_place {
	ARCH_PERF_BARE,  /* the return address is at the stack pointer */
	ARCH_PERF_WORD,  /* above a word without meaning */
	ARCH_PERF_FP,    /* above the caller's frame pointer */
	ARCH_PERF_WITHIN /* no instruction begins here */
};

struct arch_perf {
	uint8_t code[ARCH_PERF_BYTES], n;
	uint8_t optional; /* bytes of it at the start that some builds lack */
	uint8_t end;      /* where it goes on after its call: what is left of it there identifies it */
	uint8_t places[ARCH_PERF_BYTES]; /* enum arch_perf_place, before the code at each byte */
};

/* Instructions of libffi's trampolines, which jump on into libffi (3.2 to 3.5, src/x86/{ffi64.c,
 * unix64.S}; CPython's closures have the same form). */
enum arch_ffi_effect {
	ARCH_FFI_NOTHING,
	ARCH_FFI_PUSHES,     /* it pushes */
	ARCH_FFI_PUSHED,     /* it comes after the one that pushes */
	ARCH_FFI_ENDS,       /* it jumps on */
	ARCH_FFI_ENDS_PUSHED /* both */
};

struct arch_ffi_insn {
	uint8_t code[ARCH_FFI_BYTES], n;
	uint8_t more;   /* bytes of the operand that follows */
	uint8_t effect; /* enum arch_ffi_effect */
};

struct arch_ffi {
	const struct arch_ffi_insn *insns;
	size_t n_insns;
	uint8_t pushed; /* bytes between the stack pointer and the return address, once it has pushed */
	/* Where trampolines that push lead. The code there drops what they have pushed, and its
	 * unwind information does not know of it. Before that it is at begins[i]. */
	uint8_t landing[ARCH_LANDING_BYTES], n_landing;
	uint8_t begins[ARCH_PLACES], n_begins;
};

/* The end of glibc's clone and clone3, from the system call on, which one thread enters and two
 * leave. */
struct arch_clone {
	uint8_t code[ARCH_CLONE_BYTES], n;
	uint8_t varies; /* the byte there is not compared */
	struct {
		uint8_t at;
		bool both; /* either thread may be here */
	} places[ARCH_PLACES];
	uint8_t n_places;
};

/* Code that begins a stack, and that no call frame information describes: its call has a return
 * address, and no caller above it. Bit i of varies: byte i is not compared. */
struct arch_origin {
	uint8_t code[ARCH_ORIGIN_BYTES], n;
	uint8_t at; /* where its call returns to */
	uint32_t varies;
};

/* What the end of a function does: offsets are from the stack pointer. */
struct arch_restores {
	uint16_t at[ARCH_RESTORE_BYTES];
	uint8_t reg[ARCH_RESTORE_BYTES]; /* is restored from there: DWARF number */
	uint8_t n;
	uint16_t ra; /* where the return address is */
};

/* Optional: an architecture some of whose stubs are known. */
struct arch_stubs {
	const struct arch_perf *perf;
	size_t n_perf;
	struct arch_ffi ffi;
	struct arch_clone clone;
	const struct arch_origin *origins;
	size_t n_origins;
	/* Compiled code of CPython's JIT is entered by code that pushes registers, and left by code
	 * that restores them. True if the n bytes of code restore callee-saved registers, if any,
	 * and return: *out says which. */
	bool (*restores)(const uint8_t *code, size_t n, struct arch_restores *out);
	/* Bytes of the instruction that pushes a register, and begins at code or ends at end; two
	 * bytes are read. 0: there is none. */
	size_t (*push_at)(const uint8_t *code);
	size_t (*push_before)(const uint8_t *end);
};

extern const struct arch_stubs arch_stubs_x86_64;

#endif
