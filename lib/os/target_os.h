/* What libproc differs in between systems, or lacks: the one place for it. linux.c here; illumos.c
 * has the same functions over the system's libproc. Everything takes a libproc handle. */
#ifndef OS_TARGET_OS_H
#define OS_TARGET_OS_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"
#include "elf/image.h"

/* --- registers --- */

/* Index in prgregset_t of each DWARF register 0..16 of x86-64 (16: return address, the pc). */
extern const int os_dwarf_to_prgreg[17];
/* The thread pointer (FS base) in a register set; on glibc this is pthread_self(). */
uintptr_t os_fsbase(const prgregset_t regs);

/* --- the file behind a mapping --- */

/* The verified ELF image of the object mapped at addr and its load bias. RES_NONE: addr is in no
 * object, or its file is not to be had. The image belongs to the handle. */
enum res os_object_image(struct ps_prochandle *P, uintptr_t addr, struct elf_image **img, uint64_t *bias);

/* Bytes from the file for an address whose memory is known to equal the file (read-only, segment not
 * writable). RES_NONE: read memory. */
enum res os_file_bytes(struct ps_prochandle *P, uintptr_t addr, struct span *out);

/* Things to tell the user about this handle, oldest first: each is one phrase without newline.
 * `failed`: counts for the exit status. */
void os_notices(struct ps_prochandle *P, void (*tell)(void *data, const char *text, bool failed), void *data);

/* --- holding LWPs of a live process --- */

struct os_hold;
enum os_hold_state { OS_HELD, OS_GONE, OS_REFUSED, OS_TIMEOUT }; /* see proc/hold.h */

/* Hold the LWPs in set (NULL all) for at most ms milliseconds of waiting. *h is made also on RES_FAIL
 * (NULL only without memory); os_hold_free in any case. */
enum res os_hold_lwps(struct ps_prochandle *P, const char *set, int ms, struct os_hold **h, struct fault *f);
size_t os_hold_count(const struct os_hold *h);
/* regs and why (a phrase, "" none) point into h. */
enum os_hold_state os_hold_lwp(
    const struct os_hold *h, size_t i, lwpid_t *id, const prgreg_t **regs, const char **why);
void os_hold_release(struct os_hold *h); /* lets them go; h stays readable */
void os_hold_free(struct os_hold *h);

/* --- LWPs that do not run --- */

/* Where an LWP stands that is blocked or stopped, and a token of how much it had run. */
struct os_asleep {
	uint64_t pc, sp; /* where it goes on in the program */
	char count[96];
};
/* Look at LWP id of live P, without touching it. RES_NONE: it runs or may run, or the system cannot tell. */
enum res os_lwp_asleep(struct ps_prochandle *P, lwpid_t id, struct os_asleep *out);
/* Has it not run since? Then whatever was read of its stack and its own data in between is of one moment. */
bool os_lwp_still_asleep(struct ps_prochandle *P, lwpid_t id, const struct os_asleep *since);

/* Make a captured handle (Pgrab_ops) use the mappings and files of the live one. */
void os_share_objects(struct ps_prochandle *captured, struct ps_prochandle *live);

/* Read memory of a live process whether or not it is held (process_vm_readv, then /proc/PID/mem).
 * Bytes read, 0 if unreadable. `runs` ranges in one call: returns total bytes of whole leading runs. */
ssize_t os_read(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va);

/* --- explaining a failed grab --- */

/* More about why `arg` could not be examined (code: G_*): which process traces it, which right is
 * missing, what to do. With G_STRANGE errno is to be that of the failure, or 0. One phrase, or "" if nothing
 * more is known. Never fails. */
void os_explain(const char *arg, int code, char *buf, size_t n);

/* The pid as the target's own pid namespace numbers it for lwp `id` of live P (same number when there
 * is only one namespace): TIDs found in a target's memory are of that namespace. */
lwpid_t os_inner_lwpid(struct ps_prochandle *P, lwpid_t id);

#endif
