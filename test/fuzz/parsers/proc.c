/* Files of /proc/PID. Byte 0: maps, stat or status; the file's text follows. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers.h"
#include "proc/live/live.h"

enum { MAPS, STAT, STATUS, FILES };

static const char *const names[FILES] = { "maps", "stat", "status" };
static char folder[] = "/dev/shm/pystack-proc-XXXXXX";
static int dir = -1;
static struct live_files *files;

static void remove_folder(void)
{
	live_files_destroy(files);
	for (size_t i = 0; i < FILES; i++)
		(void)unlinkat(dir, names[i], 0);
	(void)unlinkat(dir, "root", AT_REMOVEDIR);
	(void)close(dir);
	(void)rmdir(folder);
}

/* A folder that looks like one of /proc. */
static void make_folder(void)
{
	struct fault f;

	fuzz_must(mkdtemp(folder) != NULL);
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fuzz_must(dir >= 0 && mkdirat(dir, "root", 0700) == 0);
	fuzz_must(live_files_create(dir, NULL, &files, &f) == RES_OK);
	(void)atexit(remove_folder);
}

static void read_maps(void)
{
	struct proc_maps maps = { 0 };
	uint64_t code;
	struct fault f;

	if (live_maps_read(dir, files, &maps, &code, &f) == RES_OK)
		for (size_t i = 1; i < maps.n; i++)
			fuzz_must(
			    maps.at[i].pr.pr_vaddr >= maps.at[i - 1].pr.pr_vaddr + maps.at[i - 1].pr.pr_size);
	proc_maps_clear(&maps);
}

void fuzz_proc(const uint8_t *data, size_t n)
{
	struct live_status status;
	struct live_stat stat;
	int which, fd, sys;

	if (n == 0)
		return;
	if (dir < 0)
		make_folder();
	which = data[0] % FILES;
	fd = openat(dir, names[which], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	fuzz_must(fd >= 0 && write(fd, data + 1, n - 1) == (ssize_t)(n - 1));
	(void)close(fd);
	if (which == MAPS)
		read_maps();
	else if (which == STAT)
		(void)live_stat_read(dir, "stat", &stat, &sys);
	else
		(void)live_status_read(dir, "status", &status, &sys);
}
