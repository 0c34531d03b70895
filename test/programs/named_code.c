/* A function that is made at run time, `made`, which the program names for perf(1) as its argument
 * says, and rests in. Writes a byte before it rests.
 *
 *   map      /tmp/perf-PID.map, which stays open
 *   closed   the same, closed
 *   before   the same, and then the program executes itself as `after`
 *   kept     the same, while the file stays open
 *   spins    as `map`, but it never rests
 *   changes  as `map`, but again and again the function gets another name: made, again, made, …
 *   after    nothing
 *   link     /tmp/perf-PID.map is a link to the file
 *   dump     /tmp/jit-PID.dump, which stays mapped; the function was moved */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* sub $8,%rsp; call *%rdi; add $8,%rsp; ret */
static const unsigned char code[] = { 0x48, 0x83, 0xec, 0x08, 0xff, 0xd7, 0x48, 0x83, 0xc4, 0x08, 0xc3 };

/* Where the same function is in each program. */
static void *const place = (void *)0x6f0000000000;

static void rest(void)
{
	const char ready = 'r';

	if (write(STDOUT_FILENO, &ready, 1) == 1)
		for (;;)
			(void)pause();
}

static FILE *write_map(const char *suffix, const char *mode)
{
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/tmp/perf-%d.map%s", (int)getpid(), suffix);
	f = fopen(path, mode);
	if (f != NULL && fprintf(f, "%lx %zx made\n", (unsigned long)(uintptr_t)place, sizeof(code)) > 0)
		(void)fflush(f);
	return f;
}

static void link_map(void)
{
	char to[64], path[64];

	(void)snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	(void)snprintf(to, sizeof(to), "%s.real", path);
	(void)write_map(".real", "we");
	(void)symlink(to, path);
}

static void nap(void)
{
	(void)usleep(1000);
}

static void spin(void)
{
	const char ready = 'r';

	(void)!write(STDOUT_FILENO, &ready, 1);
	for (volatile unsigned long i = 0;; i++)
		;
}

static void change_names(FILE *map)
{
	const char ready = 'r';

	(void)!write(STDOUT_FILENO, &ready, 1);
	for (unsigned long i = 0;; i++) {
		if (i % 20 == 0 && fprintf(map, "%lx %zx %s\n", (unsigned long)(uintptr_t)place, sizeof(code),
				       i / 20 % 2 == 0 ? "made" : "again") > 0)
			(void)fflush(map);
		((void (*)(void (*)(void)))place)(nap);
	}
}

struct __attribute__((packed)) dump {
	uint32_t magic, version, size, machine, pad, pid;
	uint64_t time, flags;
	struct __attribute__((packed)) {
		uint32_t kind, size;
		uint64_t time;
		uint32_t pid, thread;
		uint64_t address, code, code_size, number;
		char name[8];
		unsigned char bytes[sizeof(code)];
	} load;
	struct __attribute__((packed)) {
		uint32_t kind, size;
		uint64_t time;
		uint32_t pid, thread;
		uint64_t address, from, to, code_size, number;
	} move;
};

static void write_dump(void)
{
	struct dump d = {
		.magic = 0x4a695444, .version = 1, .size = 40, .machine = 62, .pid = (uint32_t)getpid()
	};
	char path[64];
	int fd;

	d.load.size = sizeof(d.load);
	d.load.code = 0x1000;
	d.load.code_size = d.move.code_size = sizeof(code);
	d.load.number = d.move.number = 7;
	memcpy(d.load.name, "made", 5);
	d.move.kind = 1;
	d.move.size = sizeof(d.move);
	d.move.from = 0x1000;
	d.move.to = (uintptr_t)place;
	(void)snprintf(path, sizeof(path), "/tmp/jit-%d.dump", (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, &d, sizeof(d)) == sizeof(d))
		(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	(void)close(fd);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	void *at = mmap(
	    place, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	FILE *map;

	if (at != place)
		return 1;
	memcpy(at, code, sizeof(code));
	if (mprotect(at, 4096, PROT_READ | PROT_EXEC) != 0)
		return 1;
	if (strcmp(how, "link") == 0)
		link_map();
	else if (strcmp(how, "dump") == 0)
		write_dump();
	else if (strcmp(how, "after") != 0) {
		map = write_map("", strcmp(how, "kept") == 0 ? "w" : "we");
		if (strcmp(how, "changes") == 0 && map != NULL)
			change_names(map);
		if ((strcmp(how, "closed") == 0 || strcmp(how, "before") == 0) && map != NULL)
			(void)fclose(map);
	}
	if (strcmp(how, "before") == 0 || strcmp(how, "kept") == 0)
		(void)execl("/proc/self/exe", argv[0], "after", (char *)NULL);
	((void (*)(void (*)(void)))at)(strcmp(how, "spins") == 0 ? spin : rest);
	return 1;
}
