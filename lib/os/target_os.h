/* What libproc differs in between systems, or lacks: the one place for it. linux*.c here, illumos*.c
 * over the system's libproc. Everything takes a libproc handle. */
#ifndef OS_TARGET_OS_H
#define OS_TARGET_OS_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"
#include "base/vec.h"
#include "elf/image.h"

/* --- registers --- */

/* Index in prgregset_t of each DWARF register 0..16 of x86-64 (16: return address, the pc). */
extern const int os_dwarf_to_prgreg[17];
/* The same of i386's 0..8 (8: the pc), whose values lie in the registers of x86-64 that hold them. */
extern const int os_dwarf_to_prgreg_i386[9];
/* What pthread_self() returns in LWP `id` of P, whose registers are regs: with glibc the thread pointer (base of FS, of
 * 32-bit code that of GS), in processes of illumos the number of the LWP. 0: unknown, as in some cores of 32-bit processes. */
uintptr_t os_thread_pointer(struct ps_prochandle *P, lwpid_t id, const prgregset_t regs);

/* Is that the address of the thread's descriptor, which holds its own address? Else it is the number of the LWP. */
bool os_thread_is_address(struct ps_prochandle *P);

/* --- the file behind a mapping --- */

/* The verified ELF image of the object mapped at addr and its load bias. RES_NONE: addr is in no
 * object, or its file is not to be had. The image belongs to the handle. */
enum res os_object_image(struct ps_prochandle *P, uintptr_t addr, struct elf_image **img, uint64_t *bias);

/* The load bias alone, which the ELF header in memory tells where the file is not to be had. RES_NONE: addr is in no
 * object, or in one that is no ELF file. */
enum res os_object_bias(struct ps_prochandle *P, uintptr_t addr, uint64_t *bias);

/* The file with the debug information of the object mapped at addr: its image, or its separate debug file. RES_NONE: there
 * is none. Belongs to the handle. */
enum res os_debug_image(struct ps_prochandle *P, uintptr_t addr, struct elf_image **img);

/* Bytes from the file for an address whose memory is known to equal the file (read-only, segment not
 * writable). RES_NONE: read memory. */
enum res os_file_bytes(struct ps_prochandle *P, uintptr_t addr, struct span *out);

/* Things to tell the user about this handle, oldest first: each is one phrase without newline.
 * `failed`: counts for the exit status. */
void os_notices(struct ps_prochandle *P, void (*tell)(void *data, const char *text, bool failed), void *data);

/* Does the file of core P end before it should, so that memory which was saved is missing? */
bool os_core_cut(struct ps_prochandle *P);

/* --- LWPs of a live process --- */

typedef VEC(lwpid_t) os_lwpids;

/* Append the ids of all LWPs of live P, oldest first. */
enum res os_lwp_list(struct ps_prochandle *P, os_lwpids *out, struct fault *f);

/* The LWP that P began with: its number in every process. */
lwpid_t os_first_lwp(struct ps_prochandle *P);

/* Has LWP id of live P exited, and is kept until it is joined, or until the process ends? */
bool os_lwp_is_zombie(struct ps_prochandle *P, lwpid_t id);

/* How many LWPs live P has: quicker than to list them. 0: unknown. */
size_t os_lwp_count(struct ps_prochandle *P);

/* What os_thread_pointer would give for each of n LWPs, without their registers; 0 where that cannot be known. */
void os_thread_pointers(struct ps_prochandle *P, const lwpid_t *ids, size_t n, uint64_t *out);

/* The mappings of live P that hold each of n addresses now, which may be younger than the handle's; hi 0: there is none, or
 * that is not known. Not to be called while something is held. */
struct os_range {
	uint64_t lo, hi;
	bool anon; /* memory of its own, behind which is no file */
};
void os_mapped_now(struct ps_prochandle *P, const uint64_t *va, size_t n, struct os_range *out);

/* The thread pointer of the thread, another process's, that made live P. A child of vfork goes by it until its exec: it runs in
 * that thread's memory, as that thread, under a number of its own. 0: unknown. */
uint64_t os_maker_pointer(struct ps_prochandle *P);

/* --- holding them --- */

struct os_hold;
enum os_hold_state { OS_HELD, OS_GONE, OS_REFUSED, OS_TIMEOUT }; /* see proc/hold.h */

/* Hold the LWPs that wants() wants, newborn ones too, for at most ms milliseconds of waiting; with all of them held
 * call held(), and let them go: the last one stopped is the first. Either function may be called by another thread than the caller's,
 * which waits meanwhile. RES_FAIL: there was something to hold, and nothing could be; f says why, and held() was
 * called all the same. *h is made also on RES_FAIL (NULL only without memory); os_hold_free in any case. */
struct os_hold_call {
	bool (*wants)(void *data, lwpid_t id);
	void (*held)(void *data, const struct os_hold *h);
	void *data;
	bool force;   /* also where another program controls the process, if the system allows it */
	int limit_ms; /* most that is waited for the others once the first stands still; 0: ms */
};
enum res os_hold_during(
    struct ps_prochandle *P, const struct os_hold_call *call, int ms, struct os_hold **h, struct fault *f);
size_t os_hold_count(const struct os_hold *h);
/* regs and why (a phrase, "" none) point into h. */
enum os_hold_state os_hold_lwp(
    const struct os_hold *h, size_t i, lwpid_t *id, const prgreg_t **regs, const char **why);
void os_hold_free(struct os_hold *h);

/* --- LWPs that do not run --- */

/* Where an LWP stands that is blocked or stopped, and a token of how much it had run. */
struct os_asleep {
	uint64_t pc, sp; /* where it goes on in the program */
	bool in_call;    /* it is in a system call: */
	uint64_t args
	    [6]; /* what the registers of its arguments had at its entry, in their order, and have still */
	int fd;  /* where the token comes from, kept open to be asked again; -1 */
	char count[64];
};
#define OS_ASLEEP_NEW    \
	{                \
		.fd = -1 \
	}

enum os_look {
	OS_LOOK_ASLEEP,  /* it is in the kernel, or stopped, and not about to leave it */
	OS_LOOK_RUNS,    /* or may do so at any moment */
	OS_LOOK_GONE,    /* it has ended */
	OS_LOOK_UNKNOWN, /* the system cannot tell, or may not */
};
/* Look at LWP id of live P, without touching it. Only for OS_LOOK_ASLEEP pc and sp are set. */
enum os_look os_lwp_look(struct ps_prochandle *P, lwpid_t id, struct os_asleep *a);
/* Make ready for a second thread that looks at n LWPs of live P, and asks for their names, while this one reads it: room for
 * descriptors is made while there is no second one. False: there cannot be one, or there is no processor for it. */
bool os_look_ahead_ready(struct ps_prochandle *P, size_t n);
/* Has it not run since? Then whatever was read of its stack and its own data in between is of one moment. */
bool os_lwp_still_asleep(struct ps_prochandle *P, lwpid_t id, const struct os_asleep *a);
void os_asleep_end(struct os_asleep *a); /* closes what is kept */

/* Make a captured handle (Pgrab_ops) use the mappings and files of the live one, which outlives it. */
void os_share_objects(struct ps_prochandle *captured, struct ps_prochandle *live);

/* To the functions that make a captured process (Pgrab_ops) add those through which the system's libproc asks for what
 * os_share_objects shares. */
void os_captured_ops(ps_ops_t *ops);

/* Let go of what is kept beside the handle P: images of its files. To be called before Prelease of any handle
 * that was given to a function of this header, and before its owner may release it. */
void os_release_images(struct ps_prochandle *P);

/* Read memory of a live process whether or not it is held (process_vm_readv, then /proc/PID/mem).
 * Bytes read, 0 if unreadable. */
ssize_t os_read(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va);

/* The same of many pieces in few calls: `got` of each is what os_read would return. */
struct os_piece {
	void *to;
	size_t n;
	uintptr_t va;
	size_t got;
};
void os_read_pieces(struct ps_prochandle *P, struct os_piece *pieces, size_t n);

/* Of private anonymous memory [lo, hi) of live P: the runs of pages that hold something, ascending; others have never been
 * touched, and to read them costs both processes. Returns how many there are, `room` at most, in what precedes *upto; what the
 * system cannot tell of is taken for touched. */
size_t os_touched(
    struct ps_prochandle *P, uint64_t lo, uint64_t hi, struct os_range *out, size_t room, uint64_t *upto);

/* A number that changes when code is mapped into live P or out of it; 0: unknown. */
uint64_t os_code_token(struct ps_prochandle *P);

/* Is live P still the process that was grabbed, executing what it did then? Asked last, it vouches for all that
 * was read by os_read, which goes by the number. */
bool os_same_process(struct ps_prochandle *P);
/* As os_read, but never of another process that has its number by now. Slower. */
ssize_t os_read_same(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va);

/* --- explaining a failed grab --- */

/* More about why `arg` could not be examined (code: G_*): which process traces it, which right is
 * missing, what to do. With G_STRANGE errno is to be that of the failure, or 0. One phrase, or "" if nothing
 * more is known. Never fails. */
void os_explain(const char *arg, int code, char *buf, size_t n);

/* The pid as the target's own pid namespace numbers it for lwp `id` of live P (same number when there
 * is only one namespace): TIDs found in a target's memory are of that namespace. */
lwpid_t os_inner_lwpid(struct ps_prochandle *P, lwpid_t id);

/* --- this program itself --- */

/* Path of the file that is mapped at addr, in buf, and cut to it; NULL: unknown. Safe in a signal handler. */
char *os_own_file_at(uintptr_t addr, char *buf, size_t n);

#endif
