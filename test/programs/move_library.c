/* libmove.so: moves mapped text of a file to other memory at the same addresses, like programs that
 * want their code on huge pages. move_text(NAME, HOW) moves the text of each file whose name begins
 * with NAME. HOW is a list of words:
 *
 *   memfd   to a memfd instead of anonymous memory
 *   inner   except one page at each end
 *   all     and all other mappings of the file
 *   thrice  to three mappings
 *   kept    the file stays mapped elsewhere (not for the C library, which is absent for a moment)
 *
 * Returns the number of moved mappings; aborts if the system refuses. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, ROOM = 1 << 20 };

static char maps[ROOM];

static void move(uintptr_t from, size_t n, int prot, int memfd, int kept)
{
	int fd = memfd ? memfd_create("text", 0) : -1;
	char *to;

	if (memfd && ftruncate(fd, (off_t)n) != 0)
		abort();
	to = mmap(NULL, n, PROT_READ | PROT_WRITE, memfd ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
	if (to == MAP_FAILED)
		abort();
	memcpy(to, (const void *)from, n);
	if (kept) {
		void *there = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (there == MAP_FAILED ||
		    mremap((void *)from, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, there) == MAP_FAILED)
			abort();
	}
	/* In one call, because this may be the text of the C library. */
	if (mprotect(to, n, prot) != 0 ||
	    mremap(to, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)from) == MAP_FAILED)
		abort();
	if (fd >= 0)
		(void)close(fd);
}

static size_t read_maps(void)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got;

	while ((got = read(fd, maps + n, sizeof(maps) - 1 - n)) > 0)
		n += (size_t)got;
	(void)close(fd);
	return n;
}

int move_text(const char *name, const char *how)
{
	int done = 0, memfd = strstr(how, "memfd") != NULL, inner = strstr(how, "inner") != NULL,
	    thrice = strstr(how, "thrice") != NULL, kept = strstr(how, "kept") != NULL;
	char *rest = maps, *line;

	maps[read_maps()] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		unsigned long lo, hi, third;
		char rights[5], *path = strrchr(line, '/');
		int prot;

		if (path == NULL || strncmp(path + 1, name, strlen(name)) != 0 ||
		    sscanf(line, "%lx-%lx %4s", &lo, &hi, rights) != 3 ||
		    (rights[2] != 'x' && strstr(how, "all") == NULL))
			continue;
		prot = (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
		       (rights[2] == 'x' ? PROT_EXEC : 0);
		if (inner) {
			if (hi - lo < 4 * PAGE)
				continue;
			lo += PAGE;
			hi -= PAGE;
		}
		third = thrice ? (hi - lo) / 3 / PAGE * PAGE : 0;
		for (; third != 0 && hi - lo >= 2 * third; lo += third)
			move(lo, third, prot, memfd, kept);
		move(lo, hi - lo, prot, memfd, kept);
		done++;
	}
	return done;
}
