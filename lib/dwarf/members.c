/* The request in a process of its own.
 *
 *      this process                    child
 *      fork ────────────────────────>  os_end_with, limits, os_confine
 *      poll(pipe, what is left)        search_members
 *      read   <──────────────────────  write: result, answers
 *      SIGKILL, waitpid                _exit */
#include "dwarf/members.h"

#ifdef WITH_LIBDWARF

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/owned.h"
#include "dwarf/search.h"
#include "os/confine.h"

enum {
	SECONDS_MAX = 2,     /* of processor time */
	WAIT_MAX_MS = 5000,  /* until there are answers, on a busy machine */
	MEMORY_MAX = 1 << 30 /* beyond what is mapped from files */
};

struct reply {
	uint32_t result; /* enum res */
	struct dwarf_answer answers[DWARF_QUESTIONS];
};

static void limit(__rlimit_resource_t what, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(what, &now) != 0 || now.rlim_cur <= most)
		return;
	now.rlim_cur = most;
	(void)setrlimit(what, &now);
}

static void write_all(int fd, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	while (n > 0) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		at += done;
		n -= (size_t)done;
	}
}

/* Answer into fd; does not return. What the parent installed must not run here. */
static void __attribute__((noreturn))
child(pid_t parent, int fd, struct elf_image *img, const uint64_t *hints, size_t hint_n,
    const struct dwarf_question *questions, size_t n, struct reply *reply)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM, SIGSEGV, SIGBUS,
		SIGABRT };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i], SIG_DFL);
	if (!os_end_with(parent))
		_exit(0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, SECONDS_MAX);
#ifndef __SANITIZE_ADDRESS__
	limit(RLIMIT_DATA, MEMORY_MAX);
#endif
	/* What libraries have to say at their end is for nobody. */
	for (int std = 0; std <= 2; std++) {
		if (std != fd)
			(void)close(std);
	}
	os_confine(fd);
	reply->result = (uint32_t)search_members(img, hints, hint_n, questions, n, reply->answers);
	write_all(fd, reply, offsetof(struct reply, answers) + n * sizeof(reply->answers[0]));
	_exit(0);
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* n bytes before WAIT_MAX_MS are over. *late: they are. */
static bool read_all(int fd, void *bytes, size_t n, bool *late)
{
	int64_t deadline = now_ms() + WAIT_MAX_MS;
	uint8_t *at = bytes;

	while (n > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - now_ms();
		ssize_t got;
		int ready = left <= 0 ? 0 : poll(&p, 1, (int)left);

		if (ready < 0 && errno == EINTR)
			continue;
		*late = ready == 0;
		if (ready <= 0)
			return false;
		got = read(fd, at, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

static void reap(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
	}
}

/* The child ran code that files lead astray: what it says is checked like the rest. */
static bool sensible(const struct reply *reply, size_t n)
{
	if (reply->result != RES_OK)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct dwarf_answer *a = &reply->answers[i];

		if ((uint32_t)a->finding > DWARF_CONTRADICTION)
			return false;
		if (a->finding == DWARF_FOUND && (a->offset > a->whole || a->size > a->whole - a->offset ||
						     a->whole > UINT32_MAX || a->bit > 7 || a->bits > 64))
			return false;
	}
	return true;
}

bool dwarf_can_read(void)
{
	return true;
}

enum res dwarf_members(struct elf_image *img, const uint64_t *hints, size_t hint_n,
    const struct dwarf_question *questions, size_t n, struct dwarf_answer *answers, struct fault *f)
{
	OWNED(fd_release) int from = -1;
	OWNED(fd_release) int to = -1;
	OWNED(mem_release) struct reply *reply = NULL;
	int ends[2];
	bool late = false, whole;
	pid_t self = getpid(), pid;

	if (n > DWARF_QUESTIONS)
		return fault_set(f, 0, 0, 0, "too many questions");
	if (elf_image_section(img, ".debug_info", NULL, NULL) != RES_OK)
		return RES_NONE;
	reply = calloc(1, sizeof(*reply));
	if (reply == NULL)
		return fault_memory(f);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return fault_set(f, 0, errno, 0, "no pipe: %s", strerror(errno));
	from = ends[0];
	to = ends[1];
	pid = fork();
	if (pid < 0)
		return fault_set(
		    f, 0, errno, 0, "no process to read debug information in: %s", strerror(errno));
	if (pid == 0)
		child(self, to, img, hints, hint_n, questions, n, reply);
	fd_release(&to);
	to = -1;
	whole = read_all(from, reply, offsetof(struct reply, answers) + n * sizeof(reply->answers[0]), &late);
	reap(pid);
	if (!whole || !sensible(reply, n))
		return fault_set(f, 0, 0, 0, "its debug information %s",
		    late ? "takes too long to read" : "is damaged, or of a kind that libdwarf cannot read");
	memcpy(answers, reply->answers, n * sizeof(*answers));
	return RES_OK;
}

#else

bool dwarf_can_read(void)
{
	return false;
}

enum res dwarf_members(struct elf_image *img, const uint64_t *hints, size_t hint_n,
    const struct dwarf_question *questions, size_t n, struct dwarf_answer *answers, struct fault *f)
{
	(void)img;
	(void)hints;
	(void)hint_n;
	(void)questions;
	(void)n;
	(void)answers;
	(void)f;
	return RES_NONE;
}

#endif
