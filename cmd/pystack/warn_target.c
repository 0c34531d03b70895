/* See warn_target.h. */
#include "warn_target.h"

#include "os/hold.h"
#include "os/images.h"
#include "refusals.h"
#include "report/text_notice.h"
#include "report/unnamed.h"
#include "warn.h"

struct notices {
	const char *operand;
	bool all; /* -v */
	bool failed;
	unsigned n, left_out;
};

enum { UNNAMED_MIN = 3 }; /* fewer are the rule: stubs, _start */

enum { NOTICES = 4 }; /* printed in full without -v */

/* A core from another machine can lack a hundred files for one reason, which the first few tell.
 * Each of them is named nevertheless: it has to be found by its build-id. */
static void warn_notice(void *data, const struct notice *notice)
{
	struct notices *notices = data;

	bool brief = notices->n++ >= NOTICES && !notices->all;

	notices->failed |= notice->failed;
	if (!brief || text_notice_of_file(notice))
		warn_record(&(struct record_warning){
		    .code = WARN_NOTICE, .operand = notices->operand, .notice = notice, .brief = brief });
	else
		notices->left_out++;
}

bool warn_files(const struct stack_target *t, const char *operand, bool all)
{
	struct notices notices = { .operand = operand, .all = all };

	os_notices(stack_target_handle(t), warn_notice, &notices);
	if (notices.left_out > 0)
		warn_record(&(struct record_warning){
		    .code = WARN_MORE_NOTICES, .operand = operand, .count = { notices.left_out } });
	return !notices.failed;
}

/* Interpreters that are newer than the supported ones, or whose memory contradicts the layout of
 * their version. refused: the memory may not have been read. */
static void warn_versions(const struct py_process *py, const char *operand, bool refused)
{
	for (size_t i = 0; i < py_runtimes(py); i++) {
		struct record_warning w = {
			.operand = operand, .version = py_version(py, i), .detail = py_layout_mismatch(py, i)
		};

		if (!py_version_known(w.version)) {
			w.code = WARN_PYTHON_NEWER;
			warn_record(&w);
		}
		if (w.detail != NULL && !refused) {
			w.code = WARN_LAYOUT;
			warn_record(&w);
		}
	}
}

/* What applies to the process as a whole. truncated: it is a core that lacks its end; refused:
 * memory or files were refused. Both have been reported, so their consequences are not blamed on
 * the interpreter. (The check of layouts allows for a truncated core.) */
static bool warn_python(const struct stack_target *t, const char *operand, bool truncated, bool refused)
{
	const char *why;
	enum res found = stack_python(t, &why);
	struct record_warning w = { .code = WARN_PYTHON, .operand = operand, .detail = why };

	if (found == RES_OK && stack_states_cut(t)) {
		warn_code(WARN_STATES_UNREAD, operand);
		return false;
	}
	if (found == RES_OK) {
		if (stack_names_cut(t))
			warn_code(WARN_NAMES_UNREAD, operand);
		warn_versions(stack_python_process(t), operand, refused);
		return !stack_names_cut(t);
	}
	if (found == RES_NONE && why == NULL)
		w.code = truncated || refused ? WARN_NO_PYTHON_READ : WARN_NO_PYTHON;
	else if (found == RES_FAIL && truncated)
		w.code = WARN_PYTHON_TRUNCATED;
	else if (found == RES_FAIL && refused)
		w.code = WARN_PYTHON_REFUSED;
	warn_record(&w);
	return found == RES_NONE;
}

void warn_turn(struct ps_prochandle *P, const char *operand)
{
	const struct notice n = { .code = NOTICE_TURN, .count = { (uint64_t)os_hold_waited_ms(P) } };

	if (n.count[0] != 0)
		warn_record(
		    &(struct record_warning){ .code = WARN_NOTICE, .operand = operand, .notice = &n });
}

bool warn_target(struct ps_prochandle *P, const struct stack_target *t, const struct operand *o, bool all)
{
	const struct fault *not_held = stack_not_held(t);
	bool ok, refused;

	if (stack_threads_left_out(t) != 0)
		warn_record(&(struct record_warning){ .code = WARN_LWPS_LEFT_OUT,
		    .operand = o->typed,
		    .count = { stack_threads_left_out(t), stack_threads_all(t) } });
	if (not_held != NULL)
		warn_fault(WARN_CANNOT_STOP, o->typed, not_held);
	warn_turn(P, o->typed);
	ok = warn_files(t, o->typed, all);
	refused = refusals_warn(o->typed, true);
	return warn_python(t, o->typed, os_core_cut(P), refused) && ok && !refused;
}

bool warn_lacks(const struct symbolizer *names, const char *operand)
{
	static const enum record_warning_code codes[] = {
		[LACK_SOURCE] = WARN_SOURCE_LINES,
		[LACK_SOURCE_NAMES] = WARN_SOURCE_NAMES,
		[LACK_MADE_CODE] = WARN_MADE_CODE,
		[LACK_PERF_MAP] = WARN_PERF_MAP,
	};
	const struct symbol_lack *lack;
	bool refused = false;

	for (size_t i = 0; (lack = symbolizer_lack(names, i)) != NULL; i++) {
		refused |= lack->why.sys != 0;
		warn_record(&(struct record_warning){ .code = codes[lack->code],
		    .operand = operand,
		    .file = lack->file,
		    .detail = lack->why.text });
	}
	return !refused;
}

void warn_unnamed(const struct symbolizer *names, struct ps_prochandle *P, const char *operand)
{
	struct strbuf files = STRBUF_EMPTY;
	size_t n = unnamed_files(names, NULL, NULL);

	if (n < UNNAMED_MIN)
		return;
	(void)unnamed_files(names, os_is_core(P) ? NULL : P, &files);
	if (!files.failed)
		warn_record(&(struct record_warning){ .code = WARN_UNNAMED,
		    .operand = operand,
		    .detail = strbuf_text(&files),
		    .count = { n } });
	strbuf_free(&files);
}
