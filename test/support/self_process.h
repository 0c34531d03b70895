/* The running test program as a made-up process with its real mappings and memory. Tests can use
 * real ELF images, segments and build-ids, and compare with dlsym(3). */
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
