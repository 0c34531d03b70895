/* Restrictions for a child process that is about to parse hostile data. */
#ifndef OS_CONFINE_H
#define OS_CONFINE_H

#include <stdbool.h>
#include <sys/types.h>

/* Make the system kill this process, a child of `parent`, when its parent ends for any reason.
 * False: the parent has ended already, and this process must exit. Does nothing if the system has
 * no such function. Must be called before os_sandbox. */
bool os_die_with_parent(pid_t parent);

/* From now on this process can only allocate memory, write to descriptor fd, and exit. Any other
 * system call kills it, and no memory can be made executable. Cannot be undone. Does nothing if the
 * system has no such function, or under a sanitizer, which needs other calls. */
void os_sandbox(int fd);

#endif
