/* See source.h. */
#include "source.h"

#include "stack/stack.h"
#include "warn.h"

enum { REMARKS = 8 }; /* without -v */

struct py_sources *source_open(struct ps_prochandle *P, const char *core, const struct options *opt)
{
	return opt->source ? py_sources_create(P, core) : NULL;
}

void source_give(
    struct record_thread *t, struct py_sources *files, const struct stack_target *target, bool counted)
{
	if (files == NULL || t->stack == NULL)
		return;
	t->source = (struct record_source){
		.files = files, .target = target, .frames = t->stack->python.frames.at, .places = counted
	};
}

void source_warn(struct py_sources *files, const char *operand, bool all, unsigned *n)
{
	struct py_source_remark remark;
	uint64_t left_out = 0;

	while (files != NULL && py_sources_remark(files, &remark)) {
		struct strbuf words = STRBUF_EMPTY;

		if ((*n)++ >= REMARKS && !all) {
			left_out++;
			continue;
		}
		python_source_words(&remark, &words);
		warn_record(&(struct record_warning){
		    .code = WARN_SOURCE, .operand = operand, .detail = strbuf_text(&words) });
		strbuf_free(&words);
	}
	/* Told once. */
	if (left_out != 0 && *n - left_out <= REMARKS)
		warn_record(&(struct record_warning){
		    .code = WARN_MORE_NOTICES, .operand = operand, .count = { left_out } });
}
