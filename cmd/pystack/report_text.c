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

enum { HEADER_WIDTH = 62, HEADER_RULE_MIN = 4, NAME_MAX_BYTES = 4096, INTERPS_NAMED = 8, KEPT_MAX = 1 << 20 };

/* (a stream in memory that cannot grow sets no error) */
static void emit(struct report *r, const char *text, size_t n)
{
	if (fwrite(text, 1, n, r->out) < n)
		r->lost = true;
}

static void put(struct report *r)
{
	static const char missing[] = INDENT "(a line is missing: out of memory)";

	/* Half a line would pass for a whole one. */
	if (r->line.failed)
		emit(r, missing, sizeof(missing) - 1);
	else
		emit(r, strbuf_text(&r->line), r->line.n);
	emit(r, "\n", 1);
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

/* The line that was made for key. False: none was. */
static bool put_known(struct report *r, const struct addrmap *by, uint64_t key)
{
	uint32_t i;

	if (!addrmap_get(by, key, &i))
		return false;
	emit(r, r->lines.at[i].text, r->lines.at[i].n);
	return true;
}

/* r->line is what belongs to key: keep it, and put it. */
static void put_new(struct report *r, struct addrmap *by, uint64_t key)
{
	struct report_line line = { NULL, r->line.n + 1 };

	if (!r->line.failed && r->kept + line.n <= KEPT_MAX)
		line.text = malloc(line.n);
	if (line.text != NULL) {
		r->kept += line.n;
		memcpy(line.text, strbuf_text(&r->line), r->line.n);
		line.text[r->line.n] = '\n';
		if (vec_push(&r->lines, line))
			(void)addrmap_put(by, key, (uint32_t)(r->lines.n - 1));
		else
			free(line.text);
	}
	put(r);
}

static void native_line(struct report *r, const struct native_frame *fr)
{
	uint64_t key = fr->pc * 2 + fr->exact;

	if (put_known(r, &r->by_pc, key))
		return;
	describe_pc(r, stack_target_handle(r->target), fr->pc, fr->exact);
	put_new(r, &r->by_pc, key);
}

static void python_line(struct report *r, const struct py_frame *fr, bool unsure)
{
	uint64_t key = (uint64_t)fr->known << 32 | (uint32_t)fr->line;

	unsure |= fr->bad || fr->line == 0;
	if (!unsure && put_known(r, &r->by_place, key))
		return;
	strbuf_str(&r->line, INDENT "  ");
	/* Dropping one that cannot be decoded would make its caller look like the caller of its callee. */
	if (!py_frame_text(stack_python_process(r->target), fr, r->opt->verbose, &r->line))
		unsure = true;
	if (unsure) {
		strbuf_str(&r->line, " ?");
		put(r);
	} else {
		put_new(r, &r->by_place, key);
	}
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
	case JOIN_START:
		if (!r->opt->python_only)
			note(r, "a greenlet starts here: what follows may be left from before");
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

/* ` / interp# 1,0`: the interpreters whose frames follow, youngest first; ` / interp# 3.11:0` where their numbers
 * are not all of one Python. */
static void name_interps(struct strbuf *text, const struct report *r, const struct stack_thread *th)
{
	const struct py_process *py = stack_python_process(r->target);

	for (size_t i = 0; i < th->interps.n; i++) {
		const struct stack_interp *interp = &th->interps.at[i];
		uint32_t version = py_version(py, interp->runtime);

		strbuf_str(text, i == 0 ? " / interp# " : ",");
		if (i == INTERPS_NAMED) {
			strbuf_str(text, "...");
			break;
		}
		if (py_runtimes(py) > 1)
			strbuf_fmt(text, "%u.%u:", version >> 24, version >> 16 & 0xff);
		strbuf_fmt(text, "%lld", (long long)interp->id);
	}
}

/* Without memory for more: else its frames would be those of the thread before. */
static void bare_header(struct report *r, const struct stack_thread *th)
{
	char text[80];

	(void)snprintf(text, sizeof(text), "-------- thread# %d / lwp# %d --------\n", th->id, th->id);
	emit(r, text, strlen(text));
	strbuf_reset(&r->line);
}

static void thread_header(struct report *r, const struct stack_thread *th)
{
	struct strbuf text = STRBUF_EMPTY;
	size_t rules;

	strbuf_fmt(&text, "thread# %d / lwp# %d", th->id, th->id);
	name_interps(&text, r, th);
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
	if (text.failed || r->line.failed)
		bare_header(r, th);
	else
		put(r);
	strbuf_free(&text);
}

bool report_thread(struct report *r, const struct stack_thread *th, bool header)
{
	long left = r->opt->frames;
	bool whole = true, ended = false;
	char why[256];

	if (header)
		thread_header(r, th);
	if (th->why[0] != '\0')
		note(r, th->why);
	for (size_t i = 0; whole && i < th->join.items.n; i++)
		whole = report_item(r, th, &th->join.items.at[i], &left);
	if (!whole && !r->opt->python_only)
		emit(r, INDENT "...\n", sizeof(INDENT "...\n") - 1);
	if (whole && th->native.end != UNWIND_END_DONE && !r->opt->python_only) {
		ended = true;
		note(r, th->native.why[0] != '\0' ? th->native.why : "the stack ends early");
	}
	if (whole && th->python.broken) {
		(void)snprintf(why, sizeof(why), "older Python frames cannot be read: %s", th->python.why);
		note(r, why);
	}
	return !ended && !th->failed && !th->python.broken;
}

/* What killed the process of a core, as its first thread's status says. */
static void killed_line(struct report *r, struct ps_prochandle *P, const lwpstatus_t *lwp)
{
	struct os_signal_cause cause;
	char name[32];

	if (lwp->pr_cursig == 0)
		return;
	strbuf_fmt(&r->line, "killed by %s", os_signal_name(P, lwp->pr_cursig, name, sizeof(name)));
	cause = os_signal_cause(P, lwp);
	if (cause.sender != 0)
		strbuf_fmt(&r->line, " sent by pid %d", (int)cause.sender);
	else if (cause.has_address)
		strbuf_fmt(&r->line, " at 0x%lx", (unsigned long)cause.address);
	put(r);
}

void report_process(struct report *r, struct ps_prochandle *P, const char *core)
{
	const psinfo_t *live = Ppsinfo(P);
	psinfo_t info = { .pr_pid = Pstatus(P)->pr_pid };
	char bare[24];

	if (live != NULL)
		info = *live;
	proc_unctrl_psinfo(&info);
	if (core != NULL) {
		strbuf_str(&r->line, "core '");
		escape_text(&r->line, core, strlen(core), false);
		strbuf_str(&r->line, "' of ");
	}
	strbuf_fmt(&r->line, "%d:\t%.70s", info.pr_pid, info.pr_psargs);
	if (r->line.failed) {
		/* Else its stacks would be those of the operand before. */
		(void)snprintf(bare, sizeof(bare), "%d:", info.pr_pid);
		emit(r, bare, strlen(bare));
		strbuf_reset(&r->line);
	}
	put(r);
	if (core != NULL)
		killed_line(r, P, &Pstatus(P)->pr_lwp);
}

void report_end(struct report *r)
{
	for (size_t i = 0; i < r->lines.n; i++)
		free(r->lines.at[i].text);
	vec_free(&r->lines);
	addrmap_free(&r->by_pc);
	addrmap_free(&r->by_place);
	strbuf_free(&r->line);
}
