/* The running test program itself as a made-up process: its mappings and memory, so that real ELF
 * images, segments and build-ids can be asked for and dlsym(3) can tell what is right. */
#ifndef SUPPORT_SELF_PROCESS_H
#define SUPPORT_SELF_PROCESS_H

#include "support/fake_process.h"

enum { SELF_MAPS = 512, SELF_NAME = 64 };

struct self_process {
	struct fake_process fake;
	struct fake_map maps[SELF_MAPS];
	char names[SELF_MAPS][SELF_NAME];
	size_t n;
};

/* Fill self from /proc/self; mappings of the file `from` (may be NULL) get the name `to` instead.
 * False: /proc/self/maps cannot be read, or has more than fits. */
bool self_process(struct self_process *self, const char *from, const char *to);

/* Path of the running program. False: longer than a mapping's name can be. */
bool self_path(char path[SELF_NAME]);

#endif
