/* --at -c: what makes two stacks one, or keeps them apart. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/live.h"
#include "support/observer.h"

/* A stack that was counted. */
struct counted {
	char names[3][64]; /* of its innermost Python frames */
	bool adjacent[3];  /* names[i] is followed by another with no native frame between them */
	size_t n;
};

/* Sums of the counts. */
struct sums {
	long inner, stale;
	long inner_inline;  /* inner() was called by middle() in the same activation */
	long middle_inline; /* middle() by outer() */
};

static void add_stack(struct sums *sums, const struct counted *s, long count)
{
	if (s->n > 0 && strcmp(s->names[0], "stale") == 0)
		sums->stale += count;
	if (s->n < 3 || strcmp(s->names[0], "inner") != 0)
		return;
	ck_assert_str_eq(s->names[1], "middle");
	ck_assert_str_eq(s->names[2], "outer");
	sums->inner += count;
	sums->inner_inline += s->adjacent[0] ? count : 0;
	sums->middle_inline += s->adjacent[1] ? count : 0;
}

static struct sums read_sums(char *text)
{
	struct sums sums = { 0 };
	struct counted s = { .n = 0 };
	bool was_python = false;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *end, name[64];
		long count = strtol(line, &end, 10);

		if (*end == '\0' && end != line) {
			add_stack(&sums, &s, count);
			s.n = 0;
			was_python = false;
		} else if (observer_name(line, name)) {
			if (was_python && s.n <= 3)
				s.adjacent[s.n - 1] = true;
			if (s.n < 3) {
				memcpy(s.names[s.n], name, sizeof(name));
				s.adjacent[s.n] = false;
			}
			s.n++;
			was_python = true;
		} else {
			was_python = false;
		}
	}
	return sums;
}

/* The same Python frames on two native paths are two stacks; one path is one stack whatever earlier
 * calls have left on it. */
START_TEST(native_paths)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	struct observer o;
	struct sums sums;
	struct run r;
	char pid[16];

	if (!live_speaks(in))
		return;
	fixture_start(&f, in, &(struct fixture_options){ .alone = true }, ARGS("@probed_paths.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	if (!observer_start(&o, ARGS("pystack", "-v", "-c", "--at", "syscall:rmdir", pid))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		fixture_end(&f);
		return;
	}
	fixture_echo(&f);
	r = observer_end(&o);
	sums = read_sums(r.out);
	if (observer_lost(r.err, "syscall:rmdir: ") == 0) {
		ck_assert_msg(sums.inner == 3000 && sums.stale == 1000, "%s: %ld, %ld; %s", in->label,
		    sums.inner, sums.stale, r.err);
		/* From 3.11 on an activation runs the function that its frame calls. */
		ck_assert_msg((sums.inner_inline == 2000 && sums.middle_inline == 1000) ||
				  (sums.inner_inline == 0 && sums.middle_inline == 0),
		    "%s: %ld, %ld", in->label, sums.inner_inline, sums.middle_inline);
		ck_assert_int_eq(r.status, 0);
	}
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* The sum of the counts of the stacks with this text. */
static long count_of(const char *out, const char *text)
{
	const char *begin = out;
	long sum = 0;

	for (const char *line = out; *line != '\0';) {
		char *end;
		long count = strtol(line, &end, 10);

		if (*end == '\n' && end != line && memchr(line, '\n', (size_t)(end - line)) == NULL) {
			const char *at = strstr(begin, text);

			if (at != NULL && at < line)
				sum += count;
			begin = end;
		}
		line = strchrnul(line, '\n');
		line += *line == '\n';
	}
	return sum;
}

/* A function that differs from another, which was at its address, at the end of its long line table
 * only. */
START_TEST(long_line_tables)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	struct observer o;
	struct run r;
	char pid[16];

	if (!live_speaks(in))
		return;
	fixture_start(&f, in, &(struct fixture_options){ .alone = true }, ARGS("@probed_lines.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	if (!observer_start(&o, ARGS("pystack", "-v", "-c", "--at", "syscall:umask", pid))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		fixture_end(&f);
		return;
	}
	fixture_echo(&f);
	r = observer_end(&o);
	if (observer_lost(r.err, "syscall:umask: ") == 0) {
		ck_assert_msg(count_of(r.out, "[ <made>:97 (long) ]\n") == 200 &&
				  count_of(r.out, "[ <made>:98 (long) ]\n") == 200,
		    "%s: %s%s", in->label, r.out, r.err);
		ck_assert_int_eq(r.status, 0);
	}
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* The line table of a long function is copied whole: its process may be gone when it is read. */
START_TEST(long_functions)
{
	const struct interpreter *in = live_interpreters(NULL);
	char path[512];
	struct observer o;
	struct run r;

	if (!live_speaks(in))
		return;
	(void)snprintf(path, sizeof(path), "%s/probed_long.py", spawn_programs());
	if (!observer_start(&o, ARGS("pystack", "-v", "-c", "--at", "syscall:rmdir", "--", in->path, path))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		return;
	}
	r = observer_wait(&o);
	if (observer_lost(r.err, "syscall:rmdir: ") == 0) {
		ck_assert_msg(strstr(r.out, "[ <made>:1000 (long) ]\n") != NULL, "%s: %s", in->label, r.out);
		ck_assert_int_eq(r.status, 0);
	}
	run_free(&r);
}
END_TEST

/* The sum of the counts of stacks that have, or have not, a frame of this function. */
static long count_through(char *text, const char *function, bool with)
{
	bool has = false;
	char *save = NULL;
	long sum = 0;

	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *end;
		long count = strtol(line, &end, 10);

		if (*end == '\0' && end != line) {
			sum += has == with ? count : 0;
			has = false;
		} else {
			has |= strstr(line, function) != NULL;
		}
	}
	return sum;
}

/* What test/programs/variable_frames.c does, and the function that half of its stacks have. */
static const struct {
	const char *how, *function;
} framed[] = {
	{ "stack", "`through+0x" },
	{ "signal", "`through+0x" },
	{ "boundary", "`through+0x" },
	{ "far", "`through_far+0x" },
};

/* A frame of any size tells by a saved frame pointer alone where it ends: what is left over in it
 * may look like an older frame. */
START_TEST(frames_of_any_size)
{
	char path[PATH_MAX], *copy;
	struct run r;

	spawn_built("test/programs/variable_frames", path);
	r = TOOL("-c", "--at", "syscall:rmdir", "--", path, framed[_i].how);
	if (r.status == 2) {
		(void)printf("SKIP: %s", r.err);
		run_free(&r);
		return;
	}
	copy = strdup(r.out);
	ck_assert_ptr_nonnull(copy);
	if (observer_lost(r.err, "syscall:rmdir: ") == 0) {
		ck_assert_msg(count_through(copy, framed[_i].function, true) == 1000, "%s: %s%s",
		    framed[_i].how, r.out, r.err);
		memcpy(copy, r.out, strlen(r.out) + 1);
		ck_assert_msg(count_through(copy, framed[_i].function, false) == 1000, "%s: %s%s",
		    framed[_i].how, r.out, r.err);
	}
	free(copy);
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("keys of stacks");
	TCase *c = tcase_create("keys");
	size_t n;

	tcase_set_timeout(c, 60);
	(void)live_interpreters(&n);
	tcase_add_loop_test(c, native_paths, 0, (int)n);
	tcase_add_loop_test(c, long_line_tables, 0, (int)n);
	if (n > 0)
		tcase_add_test(c, long_functions);
	tcase_add_loop_test(c, frames_of_any_size, 0, (int)(sizeof(framed) / sizeof(framed[0])));
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
