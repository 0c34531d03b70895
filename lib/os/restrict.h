/* What this process gives up before it reads anything hostile. */
#ifndef OS_RESTRICT_H
#define OS_RESTRICT_H

#include <stdbool.h>

/* What a run needs beyond reading files and processes. */
struct os_needs {
	bool probes;    /* programs in the kernel, and events */
	bool libraries; /* shared libraries that are loaded later */
	bool network;   /* files that a library fetches from servers and stores */
	bool command;   /* ending a command that was started before */
	bool files;     /* of processes nothing: files alone are read */
};

/* Keep only those capabilities that reading other users' processes and files takes, and drop
 * supplementary groups where they add nothing. A process that may not trace others of its user
 * anyway keeps its own: the kernel compares them with the target's. Threads that exist keep
 * theirs. */
void os_rights_drop(const struct os_needs *needs);

/* From now on the kernel refuses this process, and its children and threads, what reading does not
 * take: running programs, other users' ids, writing to processes, signals but SIGKILL (and SIGTERM
 * with `command`), connections (unless `network`), opening existing files to write. What only an
 * attacker would call ends it (SIGSYS); other calls fail. With `files` nothing is written anywhere
 * but in `dir`, the directory of temporary files (Linux 5.13). Cannot be undone. Does nothing where
 * the system has no such means, or under a sanitizer, which needs other calls. Must be called
 * before threads are started. */
void os_restrict(const struct os_needs *needs, const char *dir);

/* From now on this thread, and what it starts, cannot load programs into the kernel nor make maps
 * for them (EPERM). Those that are loaded can be attached and read. Needs os_restrict before. */
void os_restrict_programs(void);

#endif
