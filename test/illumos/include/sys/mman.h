/* Stand-in for illumos <sys/mman.h>: what is used of it. */
#ifndef STAND_IN_SYS_MMAN_H
#define STAND_IN_SYS_MMAN_H

#include <sys/types.h>

#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 0x100
#define MAP_FAILED ((void *)-1)

extern void *mmap(void *, size_t, int, int, int, off_t);
extern int munmap(void *, size_t);

#endif
