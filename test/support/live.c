/* One interpreter list per test program, made before libcheck forks. */
#include "support/live.h"

#include <stdio.h>
#include <string.h>

static struct {
	struct interpreter at[32];
	size_t n;
} found;

const struct interpreter *live_interpreters(size_t *n)
{
	if (n != NULL)
		*n = found.n;
	return found.at;
}

void live_judge(const char *what, struct strbuf *wrong)
{
	char text[3500];

	(void)snprintf(text, sizeof(text), "%s", strbuf_text(wrong));
	strbuf_free(wrong);
	if (text[0] != 0)
		ck_abort_msg("%s:\n%s", what, text);
}

void live_compare(const struct fixture *f, struct run *r, const char *head, int flags, struct output *out,
    struct strbuf *wrong)
{
	struct truth truth = truth_read(f->dir);
	long pid = truth.threads.n == 0 ? 0 : truth.threads.at[0].tid;

	*out = output_parse(r->out, pid);
	if (r->status != 0 || r->err[0] != 0)
		strbuf_fmt(wrong, "exit %d, stderr %.1000s\n", r->status, r->err);
	if (out->head == NULL || strncmp(out->head, head, strlen(head)) != 0)
		strbuf_fmt(wrong, "first line %s\n", out->head == NULL ? "missing" : out->head);
	truth_compare(&truth, out, flags, wrong);
	run_free(r);
	truth_free(&truth);
}

int live_main(Suite *(*suite)(void))
{
	SRunner *sr;
	int failed;

	if (!spawn_init())
		return 2;
	found.n = roots_find(found.at, sizeof(found.at) / sizeof(found.at[0]), 1);
	if (found.n == 0)
		(void)puts("SKIP: no Python 3.8 or newer found");
	sr = srunner_create(suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	spawn_fini();
	return failed == 0 ? 0 : 1;
}
