/* Why an operand cannot be examined. explain.c, linux_explain.c, illumos_explain.c. */
#ifndef OS_EXPLAIN_H
#define OS_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* More about why `arg` could not be examined (code: G_*): the process that traces it, the right
 * that is missing, what to do. With G_STRANGE the caller must set errno to that of the failure, or
 * 0. One phrase, or "" if nothing more is known. Never fails. */
void os_explain(const char *arg, int code, char *buf, size_t n);

/* True if path is a directory. False: why[n] has the reason. A file system that does not answer is
 * not waited for. */
bool os_is_directory(const char *path, char *why, size_t n);

/* --- for os_explain of each system --- */

#define EXPLAIN_ONLY_THIS "give a process id or an ELF core"

/* The type of a file that is not regular: "a directory" and so on. */
const char *explain_mode(mode_t mode);

/* One phrase about a regular file that begins with these n bytes. buf is unchanged if the file may
 * be a core. */
void explain_bytes(const unsigned char *at, size_t n, char *buf, size_t size);

#endif
