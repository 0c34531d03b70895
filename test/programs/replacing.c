/* Maps libraries at one address and calls their only function.   replacing FOLDER
 *
 * Reads letters, and answers each with the same one when it is done:
 *   a b   map libreplaced_a.so, or …_b.so, in place of what is there
 *   u     unmap it
 *   f     call the function
 *   c     fork a child that maps libreplaced_b.so, calls the function and ends
 *   x     execute this program anew */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROOM = 1 << 20, PAGE = 4096 };

static char *place;
static long (*leaf)(const char *path);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void map_library(const char *folder, char which)
{
	char path[4096];
	Elf64_Ehdr head;
	Elf64_Phdr part;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/libreplaced_%c.so", folder, which);
	fd = open(path, O_RDONLY);
	must(fd >= 0 && pread(fd, &head, sizeof(head), 0) == sizeof(head));
	for (int i = 0; i < head.e_phnum; i++) {
		off_t at = (off_t)(head.e_phoff + (size_t)i * sizeof(part));
		size_t slack;

		must(pread(fd, &part, sizeof(part), at) == sizeof(part));
		if (part.p_type != PT_LOAD)
			continue;
		slack = part.p_vaddr % PAGE;
		must(mmap(place + part.p_vaddr - slack, part.p_filesz + slack,
			 PROT_READ | (part.p_flags & PF_X ? PROT_EXEC : 0), MAP_PRIVATE | MAP_FIXED, fd,
			 (off_t)(part.p_offset - slack)) != MAP_FAILED);
	}
	(void)close(fd);
	leaf = (long (*)(const char *))(place + head.e_entry);
}

static __attribute__((noinline)) long call(void)
{
	return leaf("absent-directory") + 1;
}

static void in_child(const char *folder)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		map_library(folder, 'b');
		_exit(call() == 0);
	}
	must(child > 0 && waitpid(child, &status, 0) == child);
}

int main(int argc, char **argv)
{
	char letter;

	must(argc == 2);
	place = mmap((void *)0x6a0000000000, ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(place != MAP_FAILED);
	while (read(STDIN_FILENO, &letter, 1) == 1) {
		if (letter == 'a' || letter == 'b')
			map_library(argv[1], letter);
		else if (letter == 'u')
			must(munmap(place, ROOM) == 0);
		else if (letter == 'f')
			(void)call();
		else if (letter == 'c')
			in_child(argv[1]);
		must(write(STDOUT_FILENO, &letter, 1) == 1);
		if (letter == 'x')
			(void)execl("/proc/self/exe", argv[0], argv[1], (char *)NULL);
	}
	return 0;
}
