/* A compressed core becomes a temporary file.
 *
 *      this process                     child
 *      fork ─────────────────────────>  os_sandbox: memory and one pipe, nothing else
 *      read   <───────────────────────  stream_unpack of the mapped file, write
 *      spool_put (limits, holes)
 */
#ifndef PYSTACK_CORE_UNPACK_H
#define PYSTACK_CORE_UNPACK_H

#include "core_spool.h"
#include "base/unpack_stream.h"

/* Decompress the file open at fd to `out`. name: for the line that shows progress. RES_OK: all of
 * it. RES_NONE: only a part; why says so. RES_FAIL: nothing could be done; why says why. */
enum res core_unpack(
    int fd, enum stream_format format, const char *name, struct spool *out, struct fault *why);

#endif
