/* PRIVATE to lib/os: Landlock (Linux 5.13). */
#ifndef OS_LANDLOCK_H
#define OS_LANDLOCK_H

/* From now on this process and its children cannot write to files or make, remove, truncate or
 * rename any, except below dir (NULL: nowhere), and cannot connect to a port, nor send signals to
 * others than their children. Descriptors that are open stay as they are. It can no longer examine
 * other processes. Does nothing on a kernel without Landlock. */
void landlock_reading_only(const char *dir);

#endif
