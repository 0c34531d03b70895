/* PRIVATE to lib/proc and lib/os: files by build-id from the servers that the environment variable
 * DEBUGINFOD_URLS names. libdebuginfod, which asks them and keeps what they send in its cache, is
 * loaded by fetch_create and by nothing else. What a server sends is as hostile as any other file:
 * the caller compares build-ids. */
#ifndef PROC_FETCH_H
#define PROC_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/notice.h"

struct fetch;

enum { FETCH_MS = 60000 }; /* for all files of one target */

/* Called while a file is fetched: `done` of `all` bytes are here, and all is 0 as long as it is
 * unknown. over: no more calls follow for this file. */
typedef void fetch_progress_fn(void *data, bool over, uint64_t done, uint64_t all);

/* RES_FAIL: the library cannot be loaded; f says why. */
enum res fetch_create(fetch_progress_fn *progress, void *data, struct fetch **out, struct fault *f);
void fetch_destroy(struct fetch *f); /* NULL ok */

/* Fetch the executable or library with this build-id, or its debug file. Returns a descriptor,
 * which the caller closes; -1: no server has it, or nothing is fetched any more (fetch_stopped). */
int fetch_file(struct fetch *f, const struct notice_id *id, bool debug);

/* True if nothing is fetched any more, because FETCH_MS are over (*error: ETIME) or no server
 * answers (*error: its errno). */
bool fetch_stopped(const struct fetch *f, int *error);

#endif
