/* Damaged cores of real interpreters: `make fuzz`. The damage is the same in every run, FUZZ_RUNS
 * times for each interpreter (300). Each run must end in time with a documented exit status, and
 * print only the tool's messages on stderr (not a sanitizer's), without control characters. Its JSON
 * must be valid, and say what the text says. */
#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "support/live.h"
#include "support/oracle.h"
#include "support/spawn_files.h"

enum { PAGE = 4096, WORD = 8, MOST = 20000, TIMEOUT = 20 };

struct change {
	uint64_t at, old;
};

struct fuzz {
	char path[PATH_MAX];
	int fd;
	uint8_t *bytes;
	uint64_t size, head; /* head: headers and notes end there */
	VEC(uint64_t) pages; /* offsets of pages that are not holes */
	VEC(struct change) changes;
	uint64_t random;
};

/* A small linear congruential generator. */
static uint64_t next_random(struct fuzz *z, uint64_t below)
{
	z->random = z->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (z->random >> 24) % below;
}

static uint64_t word_at(const struct fuzz *z, uint64_t at)
{
	uint64_t word;

	memcpy(&word, z->bytes + at, sizeof(word));
	return word;
}

static uint64_t any_word(struct fuzz *z)
{
	return z->pages.at[next_random(z, z->pages.n)] + next_random(z, PAGE / WORD) * WORD;
}

static uint64_t damaged(struct fuzz *z, uint64_t old)
{
	static const uint64_t odd[] = { 0, 1, UINT64_MAX, INT64_MAX, UINT64_C(1) << 63, UINT32_MAX, INT32_MAX,
		0x7fffffffffff, 0x800000000000 };

	switch (next_random(z, 5)) {
	case 0:
		return odd[next_random(z, sizeof(odd) / sizeof(odd[0]))];
	case 1:
		return old ^ UINT64_C(1) << next_random(z, 64);
	case 2:
		return old + WORD * next_random(z, 9) - 4 * WORD;
	case 3:
		return next_random(z, UINT64_C(1) << 40);
	default:
		return word_at(z, any_word(z));
	}
}

static void damage(struct fuzz *z, bool head)
{
	static const uint64_t counts[] = { 1, 4, 20, 500, 4000, MOST };
	uint64_t n = counts[next_random(z, head ? 3 : 6)];

	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = head ? next_random(z, z->head / 4 - 1) * 4 : any_word(z);
		struct change c = { at, word_at(z, at) };
		uint64_t word = damaged(z, c.old);

		/* Zeros are mostly not read. */
		if (c.old == 0 && !head)
			continue;
		ck_assert(vec_push(&z->changes, c));
		memcpy(z->bytes + at, &word, sizeof(word));
	}
}

static void repair(struct fuzz *z)
{
	while (z->changes.n > 0) {
		struct change c = z->changes.at[--z->changes.n];

		memcpy(z->bytes + c.at, &c.old, sizeof(c.old));
	}
}

/* Lines that are not the tool's own. */
static bool only_own_lines(const char *err)
{
	for (; *err != '\0'; err = strchr(err, '\n') + 1) {
		if (strncmp(err, "pystack: ", 9) != 0 || strchr(err, '\n') == NULL)
			return false;
	}
	return true;
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((uint8_t)*text < ' ' && *text != '\n' && *text != '\t')
			return true;
	}
	return false;
}

static void judge(const struct fuzz *z, struct run *r, int round, const char *what)
{
	const char *why = NULL;

	if (r->status < 0 || r->status > 2)
		why = "exit status";
	else if (!only_own_lines(r->err))
		why = "stderr";
	else if (has_control(r->out) || has_control(r->err))
		why = "control character";
	else if ((r->status == 2) != (r->out[0] == '\0') || (r->status == 2 && r->err[0] == '\0'))
		why = "status 2 and output";
	if (why != NULL)
		ck_abort_msg(
		    "%s, run %d, %s: %s (%d)\n%.3000s", z->path, round, what, why, r->status, r->err);
	run_free(r);
}

static void open_core(struct fuzz *z)
{
	Elf64_Ehdr eh;
	struct stat st;
	off_t end;

	z->fd = open(z->path, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(fstat(z->fd, &st), 0);
	z->size = (uint64_t)st.st_size;
	z->bytes = mmap(NULL, z->size, PROT_READ | PROT_WRITE, MAP_SHARED, z->fd, 0);
	ck_assert_ptr_ne(z->bytes, MAP_FAILED);
	memcpy(&eh, z->bytes, sizeof(eh));
	z->head = eh.e_phoff + (uint64_t)eh.e_phnum * sizeof(Elf64_Phdr) + 2 * PAGE;
	for (off_t at = 0; (at = lseek(z->fd, at, SEEK_DATA)) >= 0; at = end) {
		end = lseek(z->fd, at, SEEK_HOLE);
		for (uint64_t page = (uint64_t)at & ~(uint64_t)(PAGE - 1); page + PAGE <= (uint64_t)end;
		     page += PAGE)
			ck_assert(vec_push(&z->pages, page));
	}
	ck_assert_uint_gt(z->pages.n, 0);
}

static struct run examine(const struct fuzz *z)
{
	return run_tool(&(struct run_options){ .timeout = TIMEOUT }, ARGS(z->path));
}

static void fuzz_core(struct fuzz *z)
{
	const char *runs = getenv("FUZZ_RUNS");
	int n = runs == NULL ? 300 : atoi(runs);
	struct run r;

	open_core(z);
	for (int i = 0; i < n; i++) {
		damage(z, i % 3 == 0);
		r = examine(z);
		judge(z, &r, i, "damaged");
		repair(z);
	}
	/* Cut from its end on, by a tenth each time. */
	for (uint64_t size = z->size; size > 0; size -= size / 10 + 1) {
		ck_assert_int_eq(ftruncate(z->fd, (off_t)size), 0);
		r = examine(z);
		judge(z, &r, (int)(size >> 10), "truncated (KiB)");
	}
	(void)munmap(z->bytes, z->size);
	(void)close(z->fd);
	vec_free(&z->pages);
	vec_free(&z->changes);
}

START_TEST(damaged_cores)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fuzz z = { .random = (uint64_t)_i };
	const char *why = "";
	struct fixture f;

	oracle_leave_out(); /* the engines may differ on damaged stacks */
	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	if (in->root[0] == '\0' && fixture_core(&f, SIGABRT, z.path, &why))
		fuzz_core(&z);
	else
		(void)printf("SKIP: %s: %s\n", in->label, why[0] != '\0' ? why : "in a root of its own");
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("fuzz");
	TCase *c = tcase_create("fuzz");
	size_t n;

	(void)live_interpreters(&n);
	tcase_set_timeout(c, 0);
	tcase_add_loop_test(c, damaged_cores, 0, (int)n);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_json_main(suite);
}
