/* See process_stat.h. */
#include "os/process_stat.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fileio.h"

enum { STAT_BYTES = 4096 };

bool os_process_stat_read(int dir, const char *path, struct os_process_stat *out)
{
	char text[STAT_BYTES];
	unsigned long long began;
	const char *at;

	/* The name before field 3 may have parentheses and spaces. */
	if (fileio_head(dir, path, text, sizeof(text)) <= 0 || (at = strrchr(text, ')')) == NULL ||
	    sscanf(at + 1, " %*c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
		&out->parent, &began) != 2)
		return false;
	out->began = began;
	return true;
}

int64_t os_process_moment(uint64_t began)
{
	const int64_t second = 1000000000;
	struct timespec since_boot, now;

	if (clock_gettime(CLOCK_BOOTTIME, &since_boot) != 0 || clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 0;
	return (now.tv_sec - since_boot.tv_sec) * second + (now.tv_nsec - since_boot.tv_nsec) +
	       (int64_t)began * (second / sysconf(_SC_CLK_TCK));
}
