/* What --at leaves behind: nothing in the target and nothing in the kernel, even if it is killed;
 * and two of them do not disturb each other. */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <linux/bpf.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/vec.h"
#include "support/live.h"
#include "support/observer.h"

enum { TRIES = 1000, TRY_MS = 10 };

static void start(struct fixture *f, const char *program, char pid[16])
{
	fixture_start(
	    f, live_interpreters(NULL), &(struct fixture_options){ .alone = true }, ARGS(program, "%"));
	(void)snprintf(pid, 16, "%d", (int)f->pid);
}

/* A hash of all that f has mapped of files: code, and data in which semaphores are. f sleeps. */
static uint64_t hash_of_files(const struct fixture *f)
{
	char path[64], line[4500], page[4096];
	uint64_t hash = HASH_START;
	FILE *maps;
	int mem;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)f->pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(mem, 0);
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)f->pid);
	maps = fopen(path, "re");
	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long long lo, hi;

		if (strchr(line, '/') == NULL || sscanf(line, "%llx-%llx", &lo, &hi) != 2)
			continue;
		for (; lo < hi; lo += sizeof(page)) {
			if (pread(mem, page, sizeof(page), (off_t)lo) != sizeof(page))
				continue;
			for (size_t i = 0; i < sizeof(page); i += 8) {
				uint64_t word;

				memcpy(&word, page + i, sizeof(word));
				hash = hash_word(hash, word);
			}
		}
	}
	(void)fclose(maps);
	(void)close(mem);
	return hash;
}

/* A thing of the kernel that a process has by a descriptor. */
struct thing {
	int command; /* of bpf(2), which opens it by its id */
	uint32_t id;
};

struct things {
	VEC(struct thing) at;
};

static void add_things(struct things *all, const char *fdinfo)
{
	static const struct {
		const char *name;
		int command;
	} kinds[] = {
		{ "prog_id:", BPF_PROG_GET_FD_BY_ID },
		{ "map_id:", BPF_MAP_GET_FD_BY_ID },
		{ "link_id:", BPF_LINK_GET_FD_BY_ID },
	};
	char line[256];
	FILE *in = fopen(fdinfo, "re");

	while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			size_t n = strlen(kinds[i].name);
			struct thing one = { kinds[i].command, 0 };

			if (strncmp(line, kinds[i].name, n) != 0)
				continue;
			one.id = (uint32_t)strtoul(line + n, NULL, 10);
			ck_assert(vec_push(&all->at, one));
		}
	}
	if (in != NULL)
		(void)fclose(in);
}

static void things_of(pid_t pid, struct things *all)
{
	char folder[64], path[sizeof(folder) + 256];
	struct dirent *entry;
	DIR *dir;

	(void)snprintf(folder, sizeof(folder), "/proc/%d/fdinfo", (int)pid);
	dir = opendir(folder);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.')
			add_things(all, path);
	}
	(void)closedir(dir);
}

static bool is_there(const struct thing *one)
{
	union bpf_attr attr = { .prog_id = one->id }; /* a union with the other ids */
	int fd = (int)syscall(SYS_bpf, one->command, &attr, sizeof(attr));

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/* The kernel removes them some time after the last descriptor was closed. */
static bool all_go(const struct things *all)
{
	for (int i = 0; i < TRIES; i++) {
		size_t n = 0;

		for (size_t k = 0; k < all->at.n; k++)
			n += is_there(&all->at.at[k]);
		if (n == 0)
			return true;
		(void)poll(NULL, 0, TRY_MS);
	}
	return false;
}

static bool becomes(const struct fixture *f, uint64_t hash)
{
	for (int i = 0; i < TRIES; i++) {
		if (hash_of_files(f) == hash)
			return true;
		(void)poll(NULL, 0, TRY_MS);
	}
	return false;
}

static void end_by(struct observer *o, int sig)
{
	struct run r;
	int status;

	if (sig == SIGINT) {
		r = observer_end(o);
		run_free(&r);
		return;
	}
	ck_assert_int_eq(kill(o->pid, sig), 0);
	ck_assert_int_eq(waitpid(o->pid, &status, 0), o->pid);
	(void)close(o->out);
	(void)close(o->err);
}

/* Breakpoints, semaphores, programs, maps and links are there, and then gone. */
START_TEST(leaves_nothing)
{
	static const int signals[] = { SIGINT, SIGKILL, SIGKILL };
	struct things things = { VEC_EMPTY };
	struct fixture f;
	struct observer o;
	uint64_t before;
	char pid[16];

	start(&f, "@probed_kinds.py", pid);
	before = hash_of_files(&f);
	ck_assert_uint_eq(before, hash_of_files(&f));
	/* A static probe with a semaphore, where the interpreter has one. */
	if (observer_start(&o, ARGS("pystack", "-v", "-c", "--at", "uprobe:libc.so.6:rmdir", "--at",
				   _i == 2 ? "python:gc-start" : "syscall:read", pid))) {
		things_of(o.pid, &things);
		ck_assert_uint_gt(things.at.n, 3);
		ck_assert_uint_ne(before, hash_of_files(&f));
		end_by(&o, signals[_i]);
		ck_assert_msg(becomes(&f, before), "the program's code or data are not what they were");
		ck_assert_msg(all_go(&things), "a program, map or link of %zu is left", things.at.n);
		fixture_echo(&f);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	vec_free(&things.at);
	fixture_end(&f);
}
END_TEST

static long sum_of(char *text)
{
	char *save = NULL;
	long sum = 0;

	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *end;
		long count = strtol(line, &end, 10);

		sum += *end == '\0' && end != line ? count : 0;
	}
	return sum;
}

/* The calls that probed.py has told. */
static long told_by(const struct fixture *f)
{
	char path[512];
	long n, sum = 0;
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/truth", f->dir);
	in = fopen(path, "re");
	ck_assert_ptr_nonnull(in);
	while (fscanf(in, "%ld %*s %*s", &n) == 1)
		sum += n;
	(void)fclose(in);
	return sum;
}

/* One that is killed beside them does not disturb the others either. */
START_TEST(several_at_once)
{
	static const char *const probes[] = { "syscall:rmdir", "uprobe:libc.so.6:rmdir",
		"uprobe:libc.so.6:rmdir" };
	enum { N = sizeof(probes) / sizeof(probes[0]) };
	struct observer o[N], killed;
	struct fixture f;
	char pid[16];

	start(&f, "@probed.py", pid);
	for (size_t i = 0; i < N; i++) {
		if (!observer_start(&o[i], ARGS("pystack", "-v", "-c", "--at", probes[i], pid))) {
			(void)printf("SKIP: %s\n", observer_why_not());
			fixture_end(&f);
			return;
		}
	}
	ck_assert(observer_start(&killed, ARGS("pystack", "-v", "-c", "--at", probes[1], pid)));
	end_by(&killed, SIGKILL);
	fixture_echo(&f);
	for (size_t i = 0; i < N; i++) {
		struct run r = observer_end(&o[i]);
		long sum = sum_of(r.out);

		ck_assert_msg(sum + observer_lost(r.err, "rmdir: ") == told_by(&f), "%s: %ld of %ld; %s",
		    probes[i], sum, told_by(&f), r.err);
		run_free(&r);
	}
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("harmless at a probe");
	TCase *c = tcase_create("harmless");
	size_t n;

	(void)live_interpreters(&n);
	tcase_set_timeout(c, 120);
	if (n > 0 && live_speaks(live_interpreters(NULL))) {
		tcase_add_loop_test(c, leaves_nothing, 0, 3);
		tcase_add_test(c, several_at_once);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
