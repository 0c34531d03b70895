/* The output format.
 *
 *     4711:	/usr/bin/python3 app.py
 *     -------------------- thread# 4711 / lwp# 4711 --------------------
 *                   libc.so.6`poll+0x1f                      14 blanks: native
 *                   python3.11`_PyEval_EvalFrameDefault+0x2b
 *                     [ app.py:12 (loop) ]                   16 blanks: Python
 *                   (signal handler called)                  14 blanks, parentheses: our own words
 *
 * `^ {16}\[ ` matches annotations and nothing else. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "os/signals.h"

#define INDENT "              "

enum { HEADER_WIDTH = 62, HEADER_RULE_MIN = 4, NAME_MAX_BYTES = 4096 };

static void put(struct report *r)
{
	(void)fwrite(strbuf_text(&r->line), 1, r->line.n, r->out);
	(void)fputc('\n', r->out);
	strbuf_reset(&r->line);
}

/* Words of our own, which may quote a name. */
static void note(struct report *r, const char *text)
{
	strbuf_str(&r->line, INDENT "(");
	escape_text(&r->line, text, strlen(text), true);
	strbuf_char(&r->line, ')');
	put(r);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* `module`symbol+0xoff` for a native frame, in r->line. */
static void describe_pc(struct report *r, struct ps_prochandle *P, uint64_t pc, bool exact)
{
	char path[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
	uint64_t at = exact ? pc : pc - 1;
	GElf_Sym sym;

	strbuf_str(&r->line, INDENT);
	if (Pobjname(P, at, path, sizeof(path)) == NULL) {
		strbuf_fmt(&r->line, "0x%lx", pc);
		return;
	}
	escape_text(&r->line, base_name(path), strlen(base_name(path)), true);
	strbuf_char(&r->line, '`');
	if (Plookup_by_addr(P, at, name, sizeof(name), &sym) != 0) {
		strbuf_fmt(&r->line, "0x%lx", pc);
		return;
	}
	escape_text(&r->line, name, strlen(name), true);
	if (pc != sym.st_value)
		strbuf_fmt(&r->line, "+0x%lx", pc - sym.st_value);
}

/* The same, from the cache of this report. */
static void native_line(struct report *r, const struct native_frame *fr)
{
	uint64_t key = fr->pc * 2 + fr->exact;
	uint32_t i;
	char *copy;

	if (addrmap_get(&r->known, key, &i)) {
		(void)fprintf(r->out, "%s\n", r->texts.at[i]);
		return;
	}
	describe_pc(r, stack_target_handle(r->target), fr->pc, fr->exact);
	copy = strdup(strbuf_text(&r->line));
	if (copy != NULL) {
		if (vec_push(&r->texts, copy))
			(void)addrmap_put(&r->known, key, (uint32_t)(r->texts.n - 1));
		else
			free(copy);
	}
	put(r);
}

static void python_line(struct report *r, const struct py_frame *fr, bool unsure)
{
	const struct py_process *py = stack_python_process(r->target);
	const struct py_code *code = fr->bad ? NULL : py_code_get(py, fr->code);

	strbuf_str(&r->line, INDENT "  [ ");
	if (code == NULL) {
		/* Dropping it would make its caller look like the caller of its callee. */
		strbuf_str(&r->line, "?:0 (?)");
		unsure = true;
	} else {
		bool qual = r->opt->verbose && code->qualname != NULL;

		escape_text(&r->line, code->file, code->file_len, false);
		strbuf_fmt(&r->line, ":%d (", fr->line);
		escape_text(&r->line, qual ? code->qualname : code->name,
		    qual ? code->qualname_len : code->name_len, false);
		strbuf_char(&r->line, ')');
	}
	strbuf_str(&r->line, unsure ? " ] ?" : " ]");
	put(r);
}

/* Code in memory that is no file's is a JIT's. */
static const char *gap_name(const struct report *r, const struct native_stack *native, uint32_t i)
{
	char path[NAME_MAX_BYTES];

	if (i > 0 &&
	    Pobjname(stack_target_handle(r->target), native->frames.at[i - 1].pc, path, sizeof(path)) == NULL)
		return "JIT";
	return "unwind gap";
}

/* One item. False: -n is reached. */
static bool report_item(
    struct report *r, const struct stack_thread *th, const struct join_item *item, long *left)
{
	const struct native_frame *fr;

	switch ((enum join_kind)item->kind) {
	case JOIN_PYTHON:
		if (!th->python.frames.at[item->index].hidden)
			python_line(r, &th->python.frames.at[item->index], item->unsure);
		return true;
	case JOIN_LOOSE:
		if (!r->opt->python_only)
			note(r, "Python frames");
		return true;
	case JOIN_BARE:
		if (!r->opt->python_only)
			note(r, "its Python frame is not known");
		return true;
	case JOIN_GAP:
		if (!r->opt->python_only)
			note(r, gap_name(r, &th->native, item->index));
		return true;
	case JOIN_NATIVE:
		break;
	}
	if (r->opt->frames > 0 && (*left)-- == 0)
		return false;
	fr = &th->native.frames.at[item->index];
	if (r->opt->python_only)
		return true;
	if (fr->how == UNWIND_FP)
		note(r, "by frame pointer: frames may be missing here");
	native_line(r, fr);
	if (fr->signal_frame)
		note(r, "signal handler called");
	return true;
}

static void thread_header(struct report *r, const struct stack_thread *th)
{
	struct strbuf text = STRBUF_EMPTY;
	size_t rules;

	strbuf_fmt(&text, "thread# %d / lwp# %d", th->id, th->id);
	if (th->name[0] != '\0') {
		strbuf_str(&text, " [");
		escape_text(&text, th->name, strlen(th->name), true);
		strbuf_char(&text, ']');
	}
	rules = HEADER_WIDTH - HEADER_RULE_MIN - 2 > text.n ? HEADER_WIDTH - 2 - text.n : HEADER_RULE_MIN;
	for (size_t i = 0; i < rules / 2; i++)
		strbuf_char(&r->line, '-');
	strbuf_fmt(&r->line, " %s ", strbuf_text(&text));
	for (size_t i = 0; i < rules / 2 + rules % 2; i++)
		strbuf_char(&r->line, '-');
	put(r);
	strbuf_free(&text);
}

void report_thread(struct report *r, const struct stack_thread *th, bool header)
{
	long left = r->opt->frames;
	bool whole = true;
	char why[256];

	if (header)
		thread_header(r, th);
	if (th->why[0] != '\0')
		note(r, th->why);
	for (size_t i = 0; whole && i < th->join.items.n; i++)
		whole = report_item(r, th, &th->join.items.at[i], &left);
	if (!whole && !r->opt->python_only)
		(void)fputs(INDENT "...\n", r->out);
	if (whole && th->native.end != UNWIND_END_DONE && th->native.why[0] != '\0' && !r->opt->python_only)
		note(r, th->native.why);
	if (whole && th->python.broken) {
		(void)snprintf(why, sizeof(why), "older Python frames cannot be read: %s", th->python.why);
		note(r, why);
	}
}

/* What killed the process of a core, as its first thread's status says. */
static void killed_line(struct report *r, const lwpstatus_t *lwp)
{
	const prsiginfo_t *info = &lwp->pr_info;
	char name[32];

	if (lwp->pr_cursig == 0)
		return;
	strbuf_fmt(&r->line, "killed by %s", os_signal_name(lwp->pr_cursig, name, sizeof(name)));
	if (info->pr_signo == lwp->pr_cursig && info->pr_pid != 0)
		strbuf_fmt(&r->line, " sent by pid %d", info->pr_pid);
	else if (info->pr_signo == lwp->pr_cursig && os_signal_has_address(info->pr_signo, info->pr_code))
		strbuf_fmt(&r->line, " at 0x%lx", info->pr_addr);
	put(r);
}

void report_process(struct report *r, struct ps_prochandle *P, const char *core)
{
	const psinfo_t *live = Ppsinfo(P);
	psinfo_t info = { .pr_pid = Pstatus(P)->pr_pid };

	if (live != NULL)
		info = *live;
	proc_unctrl_psinfo(&info);
	if (core != NULL) {
		strbuf_str(&r->line, "core '");
		escape_text(&r->line, core, strlen(core), false);
		strbuf_str(&r->line, "' of ");
	}
	strbuf_fmt(&r->line, "%d:\t%.70s", info.pr_pid, info.pr_psargs);
	put(r);
	if (core != NULL)
		killed_line(r, &Pstatus(P)->pr_lwp);
}

void report_end(struct report *r)
{
	for (size_t i = 0; i < r->texts.n; i++)
		free(r->texts.at[i]);
	vec_free(&r->texts);
	addrmap_free(&r->known);
	strbuf_free(&r->line);
}
