/* Giving up rights, in a child process that is about to run code that may be led astray. */
#ifndef OS_CONFINE_H
#define OS_CONFINE_H

#include <stdbool.h>
#include <sys/types.h>

/* This process, a child of `parent`, ends when that does, however it does: the system kills it. False: that is over already,
 * and it has to end by itself. Where the system has no such means nothing changes. To be called before os_sandbox. */
bool os_die_with_parent(pid_t parent);

/* From now on this process can take memory, write to the descriptor fd, and end; every other system call kills it, and no
 * memory becomes executable any more. Where the system has no such means, or under a sanitizer, which needs more, nothing
 * changes. Cannot be undone. */
void os_sandbox(int fd);

#endif
