/* This program itself, by /proc/self/maps. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "os/self.h"

/* The hexadecimal number at *at, which is advanced to the first byte after it. */
static uint64_t parse_hex(const char **at)
{
	uint64_t n = 0;

	for (;; ++*at) {
		if (**at >= '0' && **at <= '9')
			n = n << 4 | (uint64_t)(**at - '0');
		else if (**at >= 'a' && **at <= 'f')
			n = n << 4 | (uint64_t)(**at - 'a' + 10);
		else
			return n;
	}
}

/* The path in one line of /proc/self/maps if addr is in its range, else NULL. */
static char *path_of_line(char *line, uint64_t addr)
{
	const char *at = line;
	uint64_t start = parse_hex(&at), end;

	if (*at++ != '-')
		return NULL;
	end = parse_hex(&at);
	return addr >= start && addr < end ? strchr(line, '/') : NULL;
}

char *os_own_file_at(uintptr_t addr, char *line, size_t size)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	char *path = NULL;
	size_t n = 0;
	char c;

	while (fd >= 0 && path == NULL && read(fd, &c, 1) == 1) {
		if (c != '\n') {
			if (n < size - 1)
				line[n++] = c >= ' ' && c <= '~' ? c : '?';
			continue;
		}
		line[n] = '\0';
		path = path_of_line(line, addr);
		n = 0;
	}
	if (fd >= 0)
		(void)close(fd);
	return path;
}
