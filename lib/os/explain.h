/* What a file is that is no core, in words: the same on every system. */
#ifndef OS_EXPLAIN_H
#define OS_EXPLAIN_H

#include <stddef.h>
#include <sys/stat.h>

#define EXPLAIN_ONLY_THIS "give a process id or an ELF core"

/* "a directory" and so on, of a file that is not regular. */
const char *explain_mode(mode_t mode);

/* One phrase about a regular file that begins with these n bytes; buf is left as it is where nothing speaks against
 * its being a core. */
void explain_bytes(const unsigned char *at, size_t n, char *buf, size_t size);

#endif
