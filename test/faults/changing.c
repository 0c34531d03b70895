/* A process that changes all the time, for changes.py.   changing MODE [ARGUMENT...]
 *
 *   exit US             its threads end, and it does, after so many microseconds
 *   exec                threads run; one of them, the first or another, executes the program again
 *   set-id PROGRAM      the same, of this program and of that one in turn
 *   fork, vfork         children begin and end
 *   threads             threads begin and end
 *   library FILE        FILE is loaded and unloaded
 *   memory              pages, also of code that runs, are mapped and unmapped
 *   truncated FILE      FILE, which is mapped, is cut and made whole
 *   replaced FILE       FILE, which is mapped, is another one again and again
 *   namespace US        prints the id of a process in a pid namespace that ends after that time
 *   runs                threads run and wait, and nothing else changes
 *
 * "ready" and the id of the process to look at are printed first. It ends with its parent. */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, MANY = 20, ROOM = 1 << 20, STACK = 1 << 16 };

static char **args;
static const char *argument = "0";

static void *spin(void *data)
{
	volatile unsigned long n = 0;

	(void)data;
	for (;;)
		n++;
	return NULL;
}

static void *rest(void *data)
{
	(void)data;
	for (;;)
		(void)pause();
	return NULL;
}

static void *little(void *data)
{
	(void)usleep((useconds_t)(uintptr_t)data);
	return NULL;
}

static void start(void *(*run)(void *), void *data)
{
	pthread_t t;

	if (pthread_create(&t, NULL, run, data) == 0)
		(void)pthread_detach(t);
}

static void company(void)
{
	start(spin, NULL);
	for (int i = 0; i < THREADS; i++)
		start(rest, NULL);
}

static void ready(pid_t id)
{
	/* What is executed again is ready already. */
	if (getenv("CHANGING") == NULL) {
		(void)printf("ready %d\n", (int)id);
		(void)fflush(stdout);
	}
	(void)setenv("CHANGING", "yes", 1);
}

static void *execute(void *program)
{
	(void)usleep((useconds_t)(getpid() + rand()) % 3000);
	(void)execv(program, args);
	_exit(3);
}

/* In turn, the first thread executes and another one. */
static void run_exec(const char *program)
{
	static char self[PATH_MAX];
	struct timespec now;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return;
	company();
	ready(getpid());
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	srand((unsigned)now.tv_nsec);
	if (program != NULL && strcmp(program, self) == 0)
		program = getenv("PLAIN");
	else if (program != NULL)
		(void)setenv("PLAIN", self, 1);
	if (program == NULL)
		program = self;
	if (now.tv_nsec / 1000 % 2 == 0)
		start(execute, (void *)(uintptr_t)program);
	else
		(void)execute((void *)(uintptr_t)program);
	(void)rest(NULL);
}

static void run_children(bool share)
{
	company();
	ready(getpid());
	for (;;) {
		pid_t id = share ? vfork() : fork();

		if (id == 0)
			_exit(0);
		(void)waitpid(id, NULL, 0);
	}
}

static void run_threads(void)
{
	pthread_attr_t small;

	company();
	ready(getpid());
	(void)pthread_attr_init(&small);
	(void)pthread_attr_setstacksize(&small, STACK);
	for (unsigned round = 0;; round++) {
		pthread_t all[MANY];
		int n = 0;

		for (uintptr_t i = 0; i < MANY; i++)
			n += pthread_create(&all[n], &small, little, (void *)(i * (round % MANY))) == 0;
		while (n > 0)
			(void)pthread_join(all[--n], NULL);
	}
}

static void run_library(const char *file)
{
	company();
	ready(getpid());
	for (;;) {
		void *library = dlopen(file, RTLD_NOW);

		if (library != NULL)
			(void)dlclose(library);
	}
}

static void run_memory(void)
{
	static const unsigned char returns[] = { 0xc3 };

	company();
	ready(getpid());
	for (;;) {
		unsigned char *code =
		    mmap(NULL, ROOM, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		void (*call)(void) = (void (*)(void))(uintptr_t)code;

		if (code == MAP_FAILED)
			continue;
		memcpy(code, returns, sizeof(returns));
		call();
		(void)munmap(code, ROOM);
	}
}

static char *whole(const char *file, size_t *n)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char *text = malloc(ROOM);
	ssize_t got = fd < 0 || text == NULL ? -1 : read(fd, text, ROOM);

	if (got <= 0)
		exit(4);
	(void)close(fd);
	*n = (size_t)got;
	return text;
}

static void run_file(const char *file, bool replaced)
{
	char other[PATH_MAX];
	size_t n;
	char *text = whole(file, &n);
	int fd = open(file, O_RDWR | O_CLOEXEC);

	if (fd < 0 || mmap(NULL, n, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		exit(4);
	(void)snprintf(other, sizeof(other), "%s.new", file);
	company();
	ready(getpid());
	for (size_t cut = 0;; cut = (cut * 7 + 4096) % n) {
		if (replaced) {
			int made = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

			(void)!write(made, text, n - cut);
			(void)close(made);
			(void)rename(other, file);
		} else {
			(void)!ftruncate(fd, (off_t)cut);
			(void)!pwrite(fd, text, n, 0);
		}
	}
}

/* A child is the first process of the namespace, and a child of that one the target. */
static void run_namespace(useconds_t us)
{
	int said[2];
	char byte;
	pid_t first, id = 0;

	if (unshare(CLONE_NEWPID) != 0 || pipe2(said, O_CLOEXEC) != 0)
		exit(5);
	first = fork();
	if (first == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fork() == 0) {
			company();
			(void)!write(said[1], "", 1);
			(void)rest(NULL);
		}
		(void)!read(said[0], &byte, 0);
		(void)rest(NULL);
	}
	(void)!read(said[0], &byte, 1);
	for (pid_t at = first + 1; id == 0 && at < first + 1000; at++) {
		char path[32], line[128];
		int parent = 0;
		FILE *f;

		(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)at);
		f = fopen(path, "re");
		if (f == NULL)
			continue;
		if (fgets(line, sizeof(line), f) != NULL &&
		    sscanf(line, "%*d (changing) %*c %d", &parent) == 1 && parent == first)
			id = at;
		(void)fclose(f);
	}
	ready(id);
	(void)usleep(us);
	(void)kill(first, SIGKILL);
	(void)waitpid(first, NULL, 0);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	args = argv;
	if (argc > 2)
		argument = argv[2];
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (strcmp(mode, "exit") == 0) {
		company();
		ready(getpid());
		(void)usleep((useconds_t)atoi(argument));
	} else if (strcmp(mode, "exec") == 0) {
		run_exec(NULL);
	} else if (strcmp(mode, "set-id") == 0) {
		run_exec(argument);
	} else if (strcmp(mode, "fork") == 0 || strcmp(mode, "vfork") == 0) {
		run_children(mode[0] == 'v');
	} else if (strcmp(mode, "threads") == 0) {
		run_threads();
	} else if (strcmp(mode, "library") == 0) {
		run_library(argument);
	} else if (strcmp(mode, "memory") == 0) {
		run_memory();
	} else if (strcmp(mode, "truncated") == 0 || strcmp(mode, "replaced") == 0) {
		run_file(argument, mode[0] == 'r');
	} else if (strcmp(mode, "namespace") == 0) {
		run_namespace((useconds_t)atoi(argument));
	} else {
		company();
		ready(getpid());
		(void)rest(NULL);
	}
	return 0;
}
