/* See at_python.h. */
#include "at_python.h"

#include <string.h>

/* Set *out to the innermost code object; NULL: no Python function runs. False: it is unknown. */
static bool find_innermost(const struct stack_target *target, const struct stack_thread *th,
    const struct probe_begin *b, const struct py_code **out)
{
	*out = NULL;
	for (size_t i = 0; i < th->join.items.n; i++) {
		const struct join_item *item = &th->join.items.at[i];
		const struct py_frame *frame;

		if (item->kind == JOIN_BARE)
			return false;
		if (item->kind != JOIN_PYTHON || th->python.frames.at[item->index].hidden)
			continue;
		frame = &th->python.frames.at[item->index];
		/* With one thread state only its place among the native frames can be unsure. */
		if (frame->bad || (item->unsure && b->innermost == 0))
			return false;
		*out = py_code_get(stack_python_process(target), frame);
		return *out != NULL;
	}
	return b->innermost == PROBE_NO_CODE || py_runtimes(stack_python_process(target)) == 0;
}

static void set_text(struct probe_when_text *out, const char *text, size_t n)
{
	out->known = 1;
	out->cut = n > sizeof(out->at) - 1;
	out->n = (uint16_t)(out->cut ? sizeof(out->at) - 1 : n);
	if (out->n != 0)
		memcpy(out->at, text, out->n);
}

/* The results of the comparisons with the names of `code`, NULL: with empty names. */
static uint32_t compare_code(const struct probe_when *w, const struct py_code *code)
{
	struct probe_when_values values = { .unknown = UINT32_MAX };
	uint32_t results = 0;

	for (uint32_t k = 0; k < w->n_text; k++) {
		if (w->text[k] == PROBE_WHEN_FUNC)
			set_text(&values.text[k], code == NULL ? "" : code->name,
			    code == NULL ? 0 : code->name_len);
		if (w->text[k] == PROBE_WHEN_FILE)
			set_text(&values.text[k], code == NULL ? "" : code->file,
			    code == NULL ? 0 : code->file_len);
	}
	for (uint32_t i = 0; i < w->n; i++) {
		if ((w->python >> i & 1) != 0)
			results |= (uint32_t)probe_when_compare(&w->comparison[i], &values) << i;
	}
	return results;
}

enum probe_when_result at_python_judge(const struct at_probes *p, struct probe_session *session,
    const struct stack_target *target, const struct stack_thread *th, const struct probe_begin *b)
{
	uint32_t spec = b->key.spec & PROBE_KEY_SPEC, results = b->key.spec >> PROBE_KEY_RESULTS & 0xffff;
	const struct probe_when *w;
	const struct py_code *code;
	uint32_t of_names;

	if ((b->key.spec & PROBE_KEY_UNDECIDED) == 0)
		return PROBE_WHEN_TRUE;
	if (spec >= p->n || p->conditions == NULL || !find_innermost(target, th, b, &code))
		return PROBE_WHEN_UNKNOWN;
	/* Both are of one text; a call of one architecture alone has one of them. */
	w = p->conditions[(size_t)2 * spec];
	w = w != NULL && w->python != 0 ? w : p->conditions[(size_t)2 * spec + 1];
	if (w == NULL)
		return PROBE_WHEN_UNKNOWN;
	of_names = compare_code(w, code);
	if (code == NULL ? b->innermost == PROBE_NO_CODE : code->addr == b->code)
		probe_session_decide(session, b, of_names);
	results |= of_names;
	return probe_when_decide(w, results, results >> PROBE_WHEN_LIMIT);
}
