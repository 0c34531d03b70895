/* This program itself, by /proc/self/maps. */
#include <fcntl.h>
#include <stdlib.h>
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

bool os_self_data(uint64_t *bytes)
{
	/* Pages: all, resident, shared, code, 0, data and stack (proc(5)). */
	enum { DATA = 5 };
	char text[160], *at = text;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		(void)close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	for (int i = 0; i < DATA && at != NULL; i++) {
		at = strchr(at, ' ');
		at = at == NULL ? NULL : at + 1;
	}
	if (at == NULL)
		return false;
	*bytes = strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}
