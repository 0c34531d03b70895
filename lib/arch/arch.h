/* What architectures differ in: one `struct arch` each, and nothing about any of them elsewhere.
 *
 *   arch.c          which one a file or process is of
 *   machines.c      names of these and others
 *   libc.c          which C library a program has
 *   syscalls.c      all: system calls
 *   x86_64.c        x86-64
 *   i386.c          i386, whose processes an x86-64 kernel runs too
 *   x86_parts.c     both: names of registers in assembler text
 *   x86_arguments.c both: arguments of functions
 *   x86_bytes.c     both: calls, jumps and sizes of frames in code
 *   x86_variable.c  both: functions that return a variable
 *   linux_x86.c     both: registers in Linux's register sets, Linux's signal frames
 *   signal_frame.c  all: signal frames on a stack
 *   register_set.h  all: sets of registers
 *   linux_syscalls_64.c, linux_syscalls_32.c   system calls of x86-64 and of i386
 *   illumos_x86.c   both: registers in illumos's register set
 *   x86_64_code.c, x86_decode.c   what instructions of x86-64 do (code.h)
 *   x86_64_stubs.c                code without call frame information (stubs.h)
 *
 * To add an architecture, write a file with its constant, fill in each member, raise the limits
 * below and in register_set.h that it needs, and put it into arch_all (arch.c). prgreg indexes
 * prgregset_t, which must hold its registers too (include/linux/procfs.h). The BPF program of
 * lib/probe reads structures of the kernel of x86: its registers and stacks are those of
 * lib/probe/bpf.
 *
 * These have no member, because all architectures so far have them: the stack grows down, a call
 * pushes the return address, a frame pointer points to its caller's, above which the return address
 * is, and numbers are little-endian. */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/register_set.h"
#include "base/span.h"

enum {
	ARCH_SAVED_MAX = 6,        /* most callee-saved registers; arch_saved_set has room for 16 */
	ARCH_CONTEXT_MAX = 17,     /* most words of struct sigcontext that are read */
	ARCH_SYSCALL_BYTES = 2,    /* of the longest instruction that makes a system call */
	ARCH_ARGS = 6,             /* arguments of a call or system call that are looked at */
	ARCH_START_BYTES = 192,    /* of a function, in which it stores its arguments */
	ARCH_AFTER_CALL_BYTES = 6, /* of the longest instruction that removes arguments */
	ARCH_NO_REG = 0xff,        /* in a table of DWARF numbers: a word that is not followed */
	ARCH_CODE_MAX = 9,         /* bytes of the longest trampoline */
	ARCH_CALL_BYTES = 7,       /* of the longest call */
	ARCH_RETURN_BYTES = 4,     /* of the longest code that only returns */
	ARCH_SIZES_MAX = 16,       /* sizes that one function gives its frame */
	ARCH_SIZE_MAX = 1 << 20,   /* largest of them */
};

typedef uint16_t arch_saved_set; /* callee-saved registers: a bit per index in arch.saved */
_Static_assert(ARCH_SAVED_MAX <= 8 * sizeof(arch_saved_set), "a bit per callee-saved register");

/* What a signal handler returns to, and where the interrupted registers are then: at sp + at; or,
 * with `indirect`, that many bytes after where the word at sp + at points. */
struct arch_sigreturn {
	uint8_t code[ARCH_CODE_MAX], n;
	uint8_t at, indirect; /* indirect 0: none */
	uint16_t copy;        /* offset in the signal frame of a copy of the code; 0: there is none */
};

/* The structure of saved registers in signal frames (Linux uapi/asm/sigcontext.h). */
struct arch_sigcontext {
	uint8_t regs[ARCH_CONTEXT_MAX]; /* DWARF number of each word, ARCH_NO_REG */
	uint8_t n_regs;                 /* words that are read of it */
	uint8_t n_words;                /* words that are known */
	uint8_t sp, flags, cs;          /* index of these words */
	uint8_t sp_again;               /* index of a second copy of sp; 0: none */
	uint16_t user_cs[3];            /* code segments of programs, n_user_cs of them */
	uint8_t n_user_cs;
	uint16_t user_flags; /* bits that the flags of a program always have */
};

struct arch_syscalls;

/* Register sets and signal frames of the operating system. 0 or NULL where it has none. */
struct arch_system {
	const uint8_t *prgreg;   /* index in prgregset_t of each register, by DWARF number */
	const int8_t *user_regs; /* index in prgregset_t of each word of NT_PRSTATUS; −1: none */
	size_t n_user_regs;      /* words there */
	size_t user_syscall;     /* index there of the number of the system call */
	uint64_t absent;         /* what programs lack of prgregset_t: a bit per index */
	uint8_t thread_pointer;  /* index in prgregset_t */
	/* A register there that refers to the thread's segment descriptor, which has the thread
	 * pointer if the register set does not; ARCH_NO_REG: there is none. */
	uint8_t tls_selector;
	const struct arch_syscalls *calls; /* syscalls.h; NULL: not known */
	uint32_t audit;                    /* AUDIT_ARCH_ constant, by which seccomp filters tell it */
	/* The list head that get_robust_list(2) gives for a thread of a program of another
	 * architecture than ours, whose list only its own system calls give. low: memory that its
	 * pointers can address. 0: unknown. NULL: it is ours, or its calls cannot be made. */
	uint64_t (*robust_head)(int32_t id, volatile uint32_t low[2]);
	uint32_t robust_call; /* the number of that system call; with robust_head */
	/* illumos's own register set, for its cores: index in prgregset_t of each of n_illumos_regs
	 * words; −1: none. NULL: they are in the same order. */
	const int8_t *illumos_regs;
	size_t n_illumos_regs;
	struct arch_sigcontext context;
	const struct arch_sigreturn *sigreturns; /* n_sigreturns of them */
	size_t n_sigreturns;
	/* Where the kernel maps its page for probes in a process's code, unless something else is
	 * there; the trampoline of return probes is at its start. 0: not known. */
	uint64_t uprobe_page;
	bool has_plain_frames; /* handlers without SA_SIGINFO get a frame of their own */
};

/* The thread descriptor of a C library, whose address pthread_self() returns. Offsets in bytes. A
 * library that differs between its releases is a row for those that have these offsets. */
struct arch_libc {
	const char *name;
	int32_t self;         /* from the thread pointer to the descriptor */
	bool names_itself;    /* the descriptor's first word is its own address */
	uint16_t robust_head; /* in it: the list head that get_robust_list(2) gives */
	uint16_t tid;         /* in it, i32: the kernel's number of the thread */
};

/* The call that ends at a return address. More than one may seem to, by chance. */
struct arch_call {
	bool direct;     /* it names its target, which may be a linkage table's or, by chance, no code */
	bool anywhere;   /* it is through a register or memory */
	uint64_t target; /* if direct */
	uint64_t word;   /* if anywhere: address of the word that has the target; 0: not told */
};

/* An instruction that ends with a distance of four bytes, from its end to the place that it refers
 * to. */
struct arch_reference {
	uint8_t code[2], n; /* the bytes before the distance; n 0: there is no such instruction */
};

/* Where a function has stored an argument: bytes from its frame pointer, and its size. */
struct arch_stored_arg {
	int32_t at;
	uint8_t size;
};

/* Constants by which a function moves its stack pointer. */
struct arch_sizes {
	uint64_t of[ARCH_SIZES_MAX];
	size_t n;
};

/* A register, or a part of one, as assembler text names it. */
struct arch_part {
	char name[5];
	uint8_t reg;         /* DWARF number */
	uint8_t shift, bits; /* the part of the register: from bit `shift` */
};

/* Memory of the target: read all n bytes at va, or return false. */
struct arch_memory {
	bool (*read)(void *data, void *buf, size_t n, uint64_t va);
	void *data; /* passed to read */
};

struct arch_code;
struct arch_stubs;

struct arch {
	/* ELF header. */
	const char *name;     /* as messages have it */
	uint16_t machine;     /* e_machine */
	uint8_t elf_class;    /* ELFCLASS32, ELFCLASS64 */
	uint8_t pointer_size; /* bytes of an address, and of a word of the stack */
	char model;           /* of its processes: PR_MODEL_LP64, PR_MODEL_ILP32 */

	/* Registers, by DWARF number. */
	uint8_t n_regs;     /* those that are followed: 0 … n_regs − 1 */
	uint8_t pc, sp, fp; /* pc: the column of the return address */
	uint8_t n_saved;    /* callee-saved registers */
	uint8_t saved[ARCH_SAVED_MAX];
	uint8_t saved_fp;              /* index there of fp */
	uint8_t red_zone;              /* bytes below sp that a function may use */
	arch_set kept;                 /* all of saved */
	const char *const *names;      /* as debuggers have them */
	const struct arch_part *parts; /* n_parts names of registers and of their parts */
	size_t n_parts;

	/* System calls. */
	uint8_t args[ARCH_ARGS];             /* registers of the arguments, in their order */
	uint8_t result;                      /* register of the result */
	uint8_t syscall[ARCH_SYSCALL_BYTES]; /* the instruction, which precedes the pc of an LWP in a call */
	uint8_t n_syscall;                   /* its bytes; 0: not looked for, as programs have several */

	const struct arch_system *system;
	const struct arch_libc *libc; /* n_libc rows (libc.c), the usual one first */
	size_t n_libc;

	/* Code, read as bytes: a pattern may be where no instruction begins. */
	struct arch_call (*call_before)(const uint8_t bytes[ARCH_CALL_BYTES], uint64_t ra);
	/* A call of a place; of what a word there has; and a jump to that. */
	struct arch_reference call, call_by_word, jump_by_word;
	/* True if any of the n bytes of code, which are at va, jumps to target. */
	bool (*jumps_to)(const uint8_t *code, size_t n, uint64_t va, uint64_t target);
	/* True if the code returns at once and leaves the stack as it is. */
	bool (*returns_at)(const uint8_t bytes[ARCH_RETURN_BYTES]);
	/* The address of the variable whose value the function at va returns, by its code, which is
	 * cut after some 50 bytes. Follows one pointer of the target if the code does. 0: it does
	 * anything else, or has another form. */
	uint64_t (*returned_variable)(const struct arch_memory *mem, struct span code, uint64_t va);
	/* Add the sizes that the function gives its frame. False: too many, or no constants. */
	bool (*frame_sizes)(const uint8_t *code, size_t n, struct arch_sizes *out);

	/* Arguments of functions: one of these. Those that the first n bytes of a function store;
	 * their number. */
	unsigned (*stored_args)(const uint8_t *code, size_t n, struct arch_stored_arg out[ARCH_ARGS]);
	/* They are words of 4 bytes above the return address, `most` of them or, if the code after
	 * the call tells, fewer. */
	unsigned (*passed_args)(const uint8_t code[ARCH_AFTER_CALL_BYTES], unsigned most);

	/* Optional parts of the code reader. */
	const struct arch_code *code;   /* how its instructions are read (code.h); NULL: they are not */
	const struct arch_stubs *stubs; /* stubs.h; NULL: none is known */
	bool has_libunwind;             /* libunwind reads such targets here */
	bool has_fixed_frames; /* all activations of a function have one size: it aligns no stack pointer */
	bool cfi_is_doubted;   /* some hand-written functions have wrong CFI: see unwind/engine_cfi.c */
};

extern const struct arch arch_x86_64; /* System V ABI for AMD64, "DWARF Register Number Mapping" */
extern const struct arch arch_i386;   /* System V ABI for Intel386, the same, as used on Linux */

/* As messages name them. */
#define ARCH_SUPPORTED "x86-64 and i386"

/* The name of a machine, supported or not, by these members of an ELF header; NULL: it has none
 * here. */
const char *arch_machine_name(unsigned machine, unsigned elf_class);

/* That of a file with these members of its ELF header; NULL: it is not supported. */
const struct arch *arch_of_elf(unsigned machine, unsigned elf_class);

/* That of programs that this system runs: with its own pointers, or with 32-bit ones. */
const struct arch *arch_of_host(bool is_32bit);

/* The same, with that data model (pr_dmodel). */
const struct arch *arch_of_model(char model);

/* The row of the C library that has a file of this name; NULL: it is not a C library's, or there is
 * no row. */
const struct arch_libc *arch_libc_of_file(const struct arch *arch, const char *path);

/* The register of which `name`, of n bytes and without %, is the name. NULL: none. */
const struct arch_part *arch_part_named(const struct arch *arch, const char *name, size_t n);

/* Add a size, unless it is there. False: it is too large, or there are too many. */
bool arch_sizes_add(struct arch_sizes *sizes, int64_t size);

/* True if arguments of a system call are in registers that outlive the activation that makes it. */
static inline bool arch_keeps_args(const struct arch *arch)
{
	for (size_t i = 0; i < ARCH_ARGS; i++) {
		if (arch_set_has(arch->kept, arch->args[i]))
			return true;
	}
	return false;
}

/* True if arguments of functions are on the stack, directly above the CFA; false: in registers. */
static inline bool arch_passes_on_stack(const struct arch *arch)
{
	return arch->passed_args != NULL;
}

/* An address cut to the width of the architecture's. */
static inline uint64_t arch_cut(const struct arch *arch, uint64_t value)
{
	return arch->pointer_size == sizeof(uint32_t) ? (uint32_t)value : value;
}

#endif
