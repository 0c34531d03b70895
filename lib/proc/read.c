/* Reading a process's memory.
 *
 *   Pread:  backend's bytes │ hole │ backend's bytes …
 *                             └── bytes of the mapped file, if memory is known to equal it
 *
 * Holes are filled only for cores and made-up processes. A live process answers for all its memory,
 * and no file may be opened while one is held. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "proc/handle.h"

/* Read at most n bytes of the file at va. 0: memory must be read. */
static size_t read_from_file(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va)
{
	struct proc_objects *o;
	struct span bytes;
	size_t have;

	if (P->backend.kind != HANDLE_MADE_UP && P->state != PS_DEAD)
		return 0;
	o = handle_objects(P);
	if (o == NULL || objects_file_bytes(o, va, &bytes) != RES_OK)
		return 0;
	have = span_left(&bytes) < n ? span_left(&bytes) : n;
	memcpy(buf, bytes.at, have);
	return have;
}

ssize_t Pread(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va)
{
	size_t done = 0;

	if (n > SSIZE_MAX)
		n = SSIZE_MAX;
	while (done < n) {
		uintptr_t at = va + done;
		size_t got;

		if (at < va)
			break;
		got = (size_t)handle_read_raw(P, (char *)buf + done, n - done, at);
		if (got == 0)
			got = read_from_file(P, (char *)buf + done, n - done, at);
		if (got == 0)
			break;
		done += got;
	}
	return (ssize_t)done;
}

ssize_t Pread_string(struct ps_prochandle *P, char *buf, size_t size, uintptr_t va)
{
	enum { CHUNK = 64 }; /* most strings are names */
	size_t n = 0;

	if (size < 2) {
		if (size == 1)
			buf[0] = '\0';
		return -1;
	}
	while (n < size - 1) {
		size_t want = size - 1 - n < CHUNK ? size - 1 - n : CHUNK;
		ssize_t got = Pread(P, buf + n, want, va + n);
		const char *nul = got <= 0 ? NULL : memchr(buf + n, '\0', (size_t)got);

		if (nul != NULL)
			return (ssize_t)(nul - buf);
		if (got > 0)
			n += (size_t)got;
		if (got < (ssize_t)want)
			break;
	}
	buf[n] = '\0';
	return n == 0 ? -1 : (ssize_t)n;
}
