/* Which file a name leads to, without a wait for ever if its file system does not answer. Only on
 * Linux, where probes are put into files: linux_same_file.c. */
#ifndef OS_SAME_FILE_H
#define OS_SAME_FILE_H

#include <libproc.h>
#include <stdbool.h>
#include <stdint.h>

struct os_file_id {
	uint64_t dev, inode;
};

/* The file to which a link in /proc leads (exe, map_files/…). Its file system is not asked. False:
 * there is none, or one may not follow the link. */
bool os_file_of_link(const char *link, struct os_file_id *out);

/* The file at a path of this process. False: there is none, or no answer within a second. */
bool os_file_at(const char *path, struct os_file_id *out);

/* Does the absolute path, in the root of live P, lead to this file? False also if there is no
 * answer, for which P waits once for each file system. */
bool os_file_is_below(struct ps_prochandle *P, const char *path, const struct os_file_id *file);

static inline bool os_file_same(const struct os_file_id *a, const struct os_file_id *b)
{
	return a->dev == b->dev && a->inode == b->inode;
}

#endif
