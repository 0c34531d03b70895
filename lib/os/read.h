/* Memory of a live process, whether or not it is held. linux.c, illumos.c. */
#ifndef OS_READ_H
#define OS_READ_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Read n bytes at va (process_vm_readv, then /proc/PID/mem). Returns the bytes read, 0 if the
 * memory is not readable. */
ssize_t os_read(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va);

/* Read many pieces in few calls. `got` of each is set to what os_read would return. */
struct os_piece {
	void *to;
	size_t n;
	uintptr_t va;
	size_t got;
};
void os_read_pieces(struct ps_prochandle *P, struct os_piece *pieces, size_t n);

/* True if live P is still the process that was grabbed and has not called exec since. os_read finds
 * the process by its pid: a true answer after it confirms all that was read before. */
bool os_same_process(struct ps_prochandle *P);

/* Pgrab of the process of live P once more: the new handle has its present mappings. File systems
 * that have not answered P are not asked again. */
struct ps_prochandle *os_grab_again(struct ps_prochandle *P, int flags, int *perr);

/* As os_read, but never reads another process that has the pid now. Slower. */
ssize_t os_read_same(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va);

#endif
