/* The LWPs of a process. linux.c, linux_lwps.c, illumos.c. */
#ifndef OS_LWPS_H
#define OS_LWPS_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/vec.h"

typedef VEC(lwpid_t) os_lwpids;

static inline void os_lwpids_free(os_lwpids *v)
{
	vec_free(v);
}

/* Append the ids of all LWPs of live P, oldest first. */
enum res os_lwp_list(struct ps_prochandle *P, os_lwpids *out, struct fault *f);

/* The id of the LWP that P began with. */
lwpid_t os_first_lwp(struct ps_prochandle *P);

/* True if live P was forked by a process that runs the same program: it has the memory, but not the
 * threads of that one. */
bool os_is_forked(struct ps_prochandle *P);

/* True if LWP id of live P has exited and is kept until it is joined or the process ends. */
bool os_lwp_is_zombie(struct ps_prochandle *P, lwpid_t id);

/* The number of LWPs of live P: quicker than a list. 0: unknown. */
size_t os_lwp_count(struct ps_prochandle *P);

/* The value of os_thread_pointer for each of n LWPs, without their registers; 0: unknown. */
void os_thread_pointers(struct ps_prochandle *P, const lwpid_t *ids, size_t n, uint64_t *out);

/* The same without a look at the memory of P: whether threads still have the pointers that they
 * had. 0: they have ended, or it is unknown. */
void os_thread_pointers_again(struct ps_prochandle *P, const lwpid_t *ids, size_t n, uint64_t *out);

/* The thread pointer of the thread, in another process, that created live P. 0: unknown. Until its
 * exec a child of vfork has this thread pointer: it runs in that thread's memory, as that thread,
 * with an id of its own. */
uint64_t os_maker_pointer(struct ps_prochandle *P);

/* The id of LWP `id` of live P in the target's own pid namespace (the same id if there is only one
 * namespace). TIDs in a target's memory are of that namespace. */
lwpid_t os_inner_lwpid(struct ps_prochandle *P, lwpid_t id);

#endif
