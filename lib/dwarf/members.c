/* The request, which a worker answers, and the check of its reply. */
#include "dwarf/members.h"

#ifdef WITH_LIBDWARF

#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "dwarf/search.h"
#include "dwarf/worker.h"

struct reply {
	uint32_t result; /* enum res */
	struct dwarf_answer answers[DWARF_QUESTIONS];
};

struct task {
	struct elf_image *img;
	const struct dwarf_request *request;
};

static size_t reply_size(size_t n)
{
	return offsetof(struct reply, answers) + n * sizeof(struct dwarf_answer);
}

/* In the child. */
static size_t answer_request(void *arg, void *reply, size_t room)
{
	const struct task *task = arg;
	struct reply *out = reply;

	if (room < reply_size(task->request->n))
		return 0;
	out->result = (uint32_t)search_members(task->img, task->request, out->answers);
	return reply_size(task->request->n);
}

/* A hostile file may control the child: its reply is checked like the file itself. */
static bool is_sensible(const struct reply *reply, size_t n)
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

enum res dwarf_members(
    struct elf_image *img, const struct dwarf_request *request, struct dwarf_answer *answers, struct fault *f)
{
	struct task task = { img, request };
	struct worker_job job = { answer_request, &task };
	size_t n = request->n;
	OWNED(mem_release) struct reply *reply = NULL;
	struct worker_reply got;
	enum res res;

	if (n > DWARF_QUESTIONS)
		return fault_set(f, 0, 0, 0, "too many questions");
	if (elf_image_section(img, ".debug_info", NULL, NULL) != RES_OK)
		return RES_NONE;
	reply = calloc(1, sizeof(*reply));
	if (reply == NULL)
		return fault_memory(f);
	got = (struct worker_reply){ .at = reply, .room = sizeof(*reply) };
	res = worker_run(&job, &got, f);
	if (res == RES_FAIL)
		return res;
	if (res == RES_NONE || got.n != reply_size(n) || !is_sensible(reply, n))
		return worker_fault(res == RES_NONE ? got.end : WORKER_DIED, "its debug information", f);
	memcpy(answers, reply->answers, n * sizeof(*answers));
	return RES_OK;
}

#else

bool dwarf_can_read(void)
{
	return false;
}

enum res dwarf_members(
    struct elf_image *img, const struct dwarf_request *request, struct dwarf_answer *answers, struct fault *f)
{
	(void)img;
	(void)request;
	(void)answers;
	(void)f;
	return RES_NONE;
}

#endif
