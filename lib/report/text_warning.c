/* Warnings as text. */
#include "report/text.h"

#include <inttypes.h>
#include <string.h>

#include "base/bound.h"
#include "base/escape.h"
#include "report/text_notice.h"

#define REMEDY "allow pystack more (ulimit -v and -d, or the limit of its cgroup)"

/* What precedes the operand. */
static const char *prefix_of(enum record_warning_code code)
{
	switch (code) {
	case WARN_CANNOT_EXAMINE:
		return "cannot examine ";
	case WARN_CANNOT_STOP:
		return "cannot stop ";
	case WARN_CORE_CONTENT:
		return "core ";
	default:
		return "";
	}
}

/* The words of codes that have no arguments; NULL for others. */
static const char *fixed_words(enum record_warning_code code)
{
	switch (code) {
	case WARN_NO_SUBCOMMANDS:
		return "this pystack has no subcommands: `pystack 4711` prints a process, "
		       "`pystack ./core` a core file";
	case WARN_CORE_CONTENT:
		return "has insufficient content (no stacks or no data were saved); use -F to print it "
		       "anyway";
	case WARN_STATES_UNREAD:
		return "its list of Python threads cannot be read whole: Python frames of some threads are "
		       "missing";
	case WARN_NAMES_UNREAD:
		return "the names that Python has for its threads cannot be read whole";
	case WARN_TASKS_UNREAD:
		return "its tasks cannot be read whole: some are missing";
	case WARN_GREENLETS_BUILD:
		return "greenlets are not looked for in a free-threaded Python";
	case WARN_GREENLETS_UNREAD:
		return "its greenlets cannot be read whole: some may be missing";
	case WARN_NO_LWPS:
		return "no matching LWPs found";
	case WARN_NO_PYTHON:
		return "no Python interpreter found";
	case WARN_NO_PYTHON_READ:
		return "no Python interpreter found in what could be read";
	case WARN_PYTHON_TRUNCATED:
		return "no Python frames: the data of its interpreter are in what the core lacks";
	case WARN_PYTHON_REFUSED:
		return "no Python frames: the data of its interpreter could not be read";
	case WARN_SAMPLE_CORE:
		return "-i needs a process, not a core file";
	case WARN_SAMPLE_SELF:
		return "cannot sample itself";
	case WARN_NO_STACKS:
		return "no stacks found";
	default:
		return NULL;
	}
}

static void put_file(const struct record_warning *w, struct strbuf *out)
{
	strbuf_fmt(out, "cannot %s %s: %s", w->action, w->file, strerror(w->error));
	if (w->count[0] != 0)
		strbuf_fmt(out, " (and %" PRIu64 " more such errors)", w->count[0]);
	if (w->printed)
		strbuf_str(out, ": frames, lines or names may be missing");
}

static void put_time(const struct record_warning *w, struct strbuf *out)
{
	static const char *const parts[BOUND_PARTS] = {
		[BOUND_STACKS] = "stacks, or parts of them",
		[BOUND_LINES] = "lines",
		[BOUND_VALUES] = "values",
		[BOUND_NAMES] = "names of functions",
		[BOUND_FILES] = "debug files",
	};
	const char *before = "";

	if (w->count[0] < 1000000000)
		strbuf_fmt(out, "the time of %.6g ms was over; left out were ", (double)w->count[0] / 1e6);
	else
		strbuf_fmt(out, "the time of %.6g s was over; left out were ", (double)w->count[0] / 1e9);
	for (unsigned i = 0; i < BOUND_PARTS; i++) {
		if ((w->count[1] >> i & 1) == 0)
			continue;
		strbuf_fmt(out, "%s%s", before, parts[i]);
		before = ", ";
	}
	strbuf_str(out, " (--timeout T allows more)");
}

static void put_samples(const struct record_warning *w, struct strbuf *out)
{
	if (w->code == WARN_SAMPLES_FAILED)
		strbuf_fmt(out, "%" PRIu64 " of %" PRIu64 " samples failed, the last: %s", w->count[0],
		    w->count[1], w->detail);
	else if (w->code == WARN_STACKS_LACKING)
		strbuf_fmt(out, "%" PRIu64 " stack%s of the samples lack%s what a remark says", w->count[0],
		    w->count[0] == 1 ? "" : "s", w->count[0] == 1 ? "s" : "");
	else
		strbuf_fmt(out, "%" PRIu64 " samples taken", w->count[0]);
	if (w->code == WARN_SAMPLES_LATE)
		strbuf_fmt(out,
		    ", %" PRIu64 " late, %" PRIu64 " skipped: sampling takes longer than the interval",
		    w->count[1], w->count[2]);
}

/* Something that there are count[0] of. */
static void put_number(const struct record_warning *w, struct strbuf *out)
{
	if (w->code == WARN_MORE_NOTICES)
		strbuf_fmt(out, "%" PRIu64 " more such messages (-v prints them)", w->count[0]);
	else if (w->code == WARN_FRAMES_UNREAD)
		strbuf_fmt(out,
		    "the code or the line of %" PRIu64
		    " Python frames could not be read; they are marked '?'",
		    w->count[0]);
	else if (w->code == WARN_UNNAMED)
		strbuf_fmt(out, "%" PRIu64 " addresses of code have no names, which are in %s", w->count[0],
		    w->detail);
	else if (w->code == WARN_LWPS_LEFT_OUT)
		strbuf_fmt(out,
		    "%" PRIu64 " of %" PRIu64 " threads are missing: there was no memory for them",
		    w->count[0], w->count[1]);
	else if (w->code == WARN_GREENLETS_MORE)
		strbuf_fmt(out, "and %" PRIu64 " more greenlet%s, not printed", w->count[0],
		    w->count[0] == 1 ? "" : "s");
	else
		strbuf_fmt(out, "it has more than %" PRIu64 " tasks: the others are missing", w->count[0]);
}

/* What names of native frames lack. */
static void put_lack(const struct record_warning *w, struct strbuf *out)
{
	if (w->code == WARN_SOURCE_LINES)
		strbuf_fmt(out,
		    "%s: %s: its frames may lack source lines; install its debug information again, or "
		    "leave out -g",
		    w->file, w->detail);
	else if (w->code == WARN_SOURCE_NAMES)
		strbuf_fmt(out,
		    "%s: names of C++ and Rust may be mangled; --no-demangle leaves all as they are",
		    w->detail);
	else if (w->code == WARN_MADE_CODE)
		strbuf_fmt(out, "%s: some code in no file may lack names and callers", w->detail);
	else
		strbuf_fmt(out, "%s: code in no file has no names", w->detail);
}

/* What is unusual about a version of CPython. */
static void put_version(const struct record_warning *w, struct strbuf *out)
{
	const unsigned major = w->version >> 24, minor = w->version >> 16 & 0xff;

	if (w->code == WARN_LAYOUT)
		strbuf_fmt(out,
		    "CPython %u.%u has a non-standard layout (%s): frames may be missing or wrong; install "
		    "its debug information",
		    major, minor, w->detail);
	else
		strbuf_fmt(out,
		    "CPython %u.%u found: newer than this pystack supports, decoded like the newest "
		    "supported version",
		    major, minor);
}

static void put_memory(const struct record_warning *w, struct strbuf *out)
{
	const char *missing = w->printed ? ": frames, lines or names are missing or wrong" : "";

	if (w->code == WARN_MEMORY)
		strbuf_fmt(out,
		    "more memory than %" PRIu64 " MB would be needed%s; --memory SIZE allows more",
		    w->count[0] >> 20, missing);
	else
		strbuf_fmt(out, "out of memory%s; " REMEDY, missing);
}

static void put_words(const struct record_warning *w, struct strbuf *out)
{
	const char *fixed = fixed_words(w->code);

	switch (w->code) {
	case WARN_NOTICE:
		if (w->brief)
			text_notice_brief(w->notice, out);
		else
			text_notice(w->notice, out);
		break;
	case WARN_MORE_NOTICES:
	case WARN_FRAMES_UNREAD:
	case WARN_UNNAMED:
	case WARN_TASKS_MORE:
	case WARN_GREENLETS_MORE:
	case WARN_LWPS_LEFT_OUT:
		put_number(w, out);
		break;
	case WARN_GREENLET_UNKNOWN:
		strbuf_fmt(out, "greenlet %s is not known: greenlets are missing", w->detail);
		break;
	case WARN_SOURCE_LINES:
	case WARN_SOURCE_NAMES:
	case WARN_MADE_CODE:
	case WARN_PERF_MAP:
		put_lack(w, out);
		break;
	case WARN_LAYOUT:
	case WARN_PYTHON_NEWER:
		put_version(w, out);
		break;
	case WARN_NO_MEMORY:
	case WARN_MEMORY:
		put_memory(w, out);
		break;
	case WARN_TIME:
		put_time(w, out);
		break;
	case WARN_FILE:
		put_file(w, out);
		break;
	case WARN_SAMPLES_FAILED:
	case WARN_STACKS_LACKING:
	case WARN_SAMPLES_TAKEN:
	case WARN_SAMPLES_LATE:
		put_samples(w, out);
		break;
	case WARN_PROCESSES_LOST:
		strbuf_fmt(out, "%" PRIu64 " process%s not observed: %s", w->count[0],
		    w->count[0] == 1 ? " was" : "es were", w->detail);
		break;
	case WARN_EVENTS_LOST:
		strbuf_fmt(out, "%" PRIu64 " event%s not counted with a stack: %s", w->count[0],
		    w->count[0] == 1 ? " was" : "s were", w->detail);
		break;
	default:
		strbuf_str(out, fixed != NULL ? fixed : w->detail);
		break;
	}
}

void text_warning(const struct record_warning *w, struct strbuf *out)
{
	struct strbuf words = STRBUF_EMPTY;

	put_words(w, &words);
	strbuf_fmt(out, "pystack: %s", prefix_of(w->code));
	escape_text(out, w->operand, strlen(w->operand), false);
	strbuf_str(out, ": ");
	escape_text(out, strbuf_text(&words), words.n, false);
	strbuf_char(out, '\n');
	if (out->failed || words.failed) {
		strbuf_reset(out);
		out->failed = true;
	}
	strbuf_free(&words);
}
