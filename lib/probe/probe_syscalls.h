/* System calls of Linux by name and by number, and their arguments.
 *
 * Arguments have their names of section 2 of the manual, but the same thing has the same name in
 * all calls:
 *
 *     fd       the descriptor, if there is only one (a socket's too). Others: dirfd, oldfd, newfd,
 *              fd_in, fd_out, in_fd, out_fd, olddirfd, newdirfd, epfd, pidfd, mqdes …
 *     path     the path, if there is only one. Otherwise oldpath, newpath; source, target;
 *              target, linkpath
 *     size     the bytes of a buffer, a range, a file or a structure (manual: count, len, length)
 *     buf      the buffer
 *     offset, whence, flags, mode, pid, tid, sig, uid, gid, timeout, op (manual: cmd, request)
 *     arg0 … arg5    also any argument by its place
 *
 * A 64-bit argument of i386 is two arguments there, offset_low and offset_high. */
#ifndef PROBE_PROBE_SYSCALLS_H
#define PROBE_PROBE_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"

enum { PROBE_ARGS = ARCH_ARGS };

enum probe_arg_kind {
	PROBE_ARG_INT,    /* signed, 32 bits */
	PROBE_ARG_UINT,   /* unsigned, 32 bits */
	PROBE_ARG_FD,     /* signed, 32 bits: a descriptor */
	PROBE_ARG_DIRFD,  /* the same, or AT_FDCWD */
	PROBE_ARG_MODE,   /* 32 bits, in octal */
	PROBE_ARG_CREATE, /* the same; only if the flags before it create a file */
	PROBE_ARG_FLAGS,  /* 32 bits, in hexadecimal */
	PROBE_ARG_LONG,   /* signed, a word */
	PROBE_ARG_SIZE,   /* unsigned, a word */
	PROBE_ARG_WORD,   /* a word, in hexadecimal: what is not known, too */
	PROBE_ARG_PTR,    /* an address */
	PROBE_ARG_PATH,   /* the address of a path */
	PROBE_ARG_STRING, /* the address of another string */
};

struct probe_arg {
	const char *name;
	enum probe_arg_kind kind;
};

struct probe_syscall {
	const struct arch *arch;
	const char *name; /* NULL: the number has no name */
	uint32_t number;
	bool known;           /* the arguments are known; false: args are arg0 … arg5, WORDs */
	bool returns_pointer; /* the result is an address */
	uint8_t n_args;
	struct probe_arg args[PROBE_ARGS];
};

/* The call of this name. False: `arch` has none, and *out is unchanged. Strings of *out are
 * constants. */
bool probe_syscall_by_name(const struct arch *arch, const char *name, struct probe_syscall *out);

/* The call of this number. False: no name of it is known; *out is filled in all the same. */
bool probe_syscall_by_number(const struct arch *arch, uint32_t number, struct probe_syscall *out);

/* The i-th call of `arch`, in no order, for lists. False: there are no more. */
bool probe_syscall_at(const struct arch *arch, size_t i, struct probe_syscall *out);

/* The index of the argument `name`, or arg0 … arg5; −1: the call has none. Arguments by place exist
 * whether or not the call takes them. */
int probe_syscall_arg(const struct probe_syscall *call, const char *name);

/* The kind of the argument at index 0 … 5; WORD for those that the call does not take. */
enum probe_arg_kind probe_syscall_arg_kind(const struct probe_syscall *call, unsigned index);

/* The arguments that are strings: bit i for args[i]. */
uint32_t probe_syscall_strings(const struct probe_syscall *call);

/* True if numbers of this kind are signed. */
bool probe_arg_is_signed(enum probe_arg_kind kind);
/* Bytes of the register that count: 4 or the size of an address. */
unsigned probe_arg_bytes(enum probe_arg_kind kind, const struct arch *arch);
/* The bytes that count, extended to 64 bits with the sign or with zeros. */
uint64_t probe_arg_value(enum probe_arg_kind kind, const struct arch *arch, uint64_t raw);

#endif
