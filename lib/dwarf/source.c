/* The request, which a worker answers, and the check of its reply.
 *
 *   reply: enum res 4 | for each address: places 4, of each: line 4, column 4, three strings |
 *          wanted files 4, of each: two strings */
#include "dwarf/source.h"

#include <stdlib.h>

void source_reply_free(struct source_reply *reply)
{
	free(reply->answers);
	free(reply->strings);
	*reply = (struct source_reply){ .answers = NULL };
}

#ifdef WITH_LIBDWARF

#include <string.h>

#include "base/owned.h"
#include "base/span.h"
#include "dwarf/reader.h"
#include "dwarf/source_find.h"
#include "dwarf/worker.h"

enum { ROOM = 1 << 20, STRING_MAX = 4096 };

struct task {
	const struct source_files *files;
	const uint64_t *addresses;
	size_t n;
};

/* --- in the child --- */

struct writer {
	uint8_t *at, *end;
};

static bool put_bytes(struct writer *w, const void *bytes, size_t n)
{
	if ((size_t)(w->end - w->at) < n)
		return false;
	memcpy(w->at, bytes, n);
	w->at += n;
	return true;
}

static bool put_number(struct writer *w, uint32_t n)
{
	return put_bytes(w, &n, sizeof(n));
}

static bool put_string(struct writer *w, const char *s)
{
	size_t n = strnlen(s, STRING_MAX);

	return n == STRING_MAX ? put_bytes(w, "", 1) : put_bytes(w, s, n + 1);
}

static bool put_answer(struct writer *w, const struct source_answer *a)
{
	bool ok = put_number(w, (uint32_t)a->n);

	for (size_t i = 0; i < a->n; i++) {
		const struct source_place *p = &a->places[i];

		ok = ok && put_number(w, p->line) && put_number(w, p->column) && put_string(w, p->function) &&
		     put_string(w, p->file) && put_string(w, p->directory);
	}
	return ok;
}

static size_t answer_request(void *arg, void *reply, size_t room)
{
	const struct task *task = arg;
	struct writer w = { reply, (uint8_t *)reply + room };
	struct source_reply found = { .answers = calloc(task->n, sizeof(struct source_answer)) };
	bool ok = found.answers != NULL;

	ok = ok && source_search(task->files, task->addresses, task->n, &found) && put_number(&w, RES_OK);
	for (size_t i = 0; ok && i < task->n; i++)
		ok = put_answer(&w, &found.answers[i]);
	ok = ok && put_number(&w, (uint32_t)found.wanted_n);
	for (size_t i = 0; ok && i < found.wanted_n; i++)
		ok = put_string(&w, found.wanted[i].name) && put_string(&w, found.wanted[i].directory);
	return ok ? (size_t)(w.at - (uint8_t *)reply) : 0;
}

/* --- in this process --- */

static bool take_answer(struct span *s, struct source_answer *a)
{
	uint32_t n;

	if (!span_u32(s, &n) || n > SOURCE_DEPTH_MAX)
		return false;
	for (a->n = 0; a->n < n; a->n++) {
		struct source_place *p = &a->places[a->n];

		if (!span_u32(s, &p->line) || !span_u32(s, &p->column) || p->line > INT32_MAX ||
		    p->column > INT32_MAX || !span_cstr(s, &p->function) || !span_cstr(s, &p->file) ||
		    !span_cstr(s, &p->directory))
			return false;
	}
	return true;
}

/* The strings of the result are in the reply itself. */
static bool take_reply(struct span s, size_t n, struct source_reply *out)
{
	uint32_t result, wanted;

	if (!span_u32(&s, &result) || result != RES_OK)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!take_answer(&s, &out->answers[i]))
			return false;
	}
	if (!span_u32(&s, &wanted) || wanted > SOURCE_SPLIT_MAX)
		return false;
	for (; out->wanted_n < wanted; out->wanted_n++) {
		struct source_wanted *w = &out->wanted[out->wanted_n];

		if (!span_cstr(&s, &w->name) || !span_cstr(&s, &w->directory))
			return false;
	}
	return true;
}

/* Unpack once what every child would unpack. */
static void unpack_files(const struct source_files *files)
{
	reader_unpack(files->main);
	if (files->common != NULL)
		reader_unpack(files->common);
	for (size_t i = 0; i < files->split_n; i++)
		reader_unpack(files->split[i]);
}

enum res source_find(const struct source_files *files, const uint64_t *addresses, size_t n,
    struct source_reply *reply, struct fault *f)
{
	struct task task = { files, addresses, n };
	struct worker_job job = { answer_request, &task };
	struct worker_reply got;
	enum res res;

	*reply = (struct source_reply){ .answers = NULL };
	if (n == 0 || n > SOURCE_ADDRESSES ||
	    elf_image_section(files->main, ".debug_info", NULL, NULL) != RES_OK)
		return RES_NONE;
	unpack_files(files);
	reply->answers = calloc(n, sizeof(*reply->answers));
	reply->strings = malloc(ROOM);
	if (reply->answers == NULL || reply->strings == NULL)
		return fault_memory(f);
	got = (struct worker_reply){ .at = reply->strings, .room = ROOM };
	res = worker_run(&job, &got, f);
	if (res == RES_FAIL)
		return res;
	if (res == RES_OK && take_reply(span_of(reply->strings, got.n), n, reply))
		return RES_OK;
	source_reply_free(reply);
	return worker_fault(res == RES_NONE ? got.end : WORKER_DIED, "its debug information", f);
}

#else

enum res source_find(const struct source_files *files, const uint64_t *addresses, size_t n,
    struct source_reply *reply, struct fault *f)
{
	(void)files;
	(void)addresses;
	(void)n;
	(void)f;
	*reply = (struct source_reply){ .answers = NULL };
	return RES_NONE;
}

#endif
