/* The truth that a fixture wrote (format: test/programs/truth.py), pystack's output in parts, and
 * their comparison. */
#ifndef SUPPORT_TRUTH_H
#define SUPPORT_TRUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "base/vec.h"

struct truth_frame {
	char sign;         /* '+' entered from C, '=' from Python, '.' unknown */
	char *text, *qual; /* "[ file:line (name) ]", with co_qualname */
};

struct truth_thread {
	long tid;
	char *name;    /* kernel's */
	char *called;  /* Python's; NULL: unknown */
	char *interps; /* "1,0"; NULL: the process has one interpreter, or the thread runs none */
	VEC(struct truth_frame) frames;
};

struct truth {
	VEC(struct truth_thread) threads;
};

/* The text of dir/truth, which the caller frees. Ends the test when it cannot be read. */
char *truth_text(const char *dir);

/* The same in parts. */
struct truth truth_read(const char *dir);
void truth_free(struct truth *t);

enum line_kind { LINE_NATIVE, LINE_PYTHON, LINE_OWN };

struct output_line {
	enum line_kind kind;
	bool unsure;      /* ended in " ?" */
	const char *text; /* without indent and mark */
};

struct output_thread {
	long tid;
	const char *name;   /* NULL: header without one */
	const char *called; /* the name in quotes; NULL: none */
	bool headed;        /* it has a header */
	char interps[64];   /* "" none */
	const char *state;  /* what it does: "(in poll; daemon)"; NULL: nothing is said */
	VEC(struct output_line) lines;
};

/* One process. Strings lie in `copy`. */
struct output {
	char *copy;
	const char *head;   /* first line */
	const char *killed; /* "killed by ..." or NULL */
	bool headers;       /* threads had header lines */
	VEC(struct output_thread) threads;
	struct strbuf wrong; /* lines that are not of the format, "" when all is well */
};

/* Parse the output of one operand. A stack without a header counts as that of thread pid. */
struct output output_parse(const char *text, long pid);
void output_free(struct output *o);
const struct output_thread *output_thread(const struct output *o, long tid);

/* Parse events of --at as if they were one process: the first of each thread. */
struct output output_parse_events(const char *text);

/* COMPARE_MARKED: frames may be marked as uncertain. COMPARE_EVENTS: the output has events, which do
 * not name interpreters. COMPARE_UNNAMED: it does not name threads as Python does. */
enum {
	COMPARE_QUALNAME = 1,
	COMPARE_PYTHON_ONLY = 2,
	COMPARE_CORE = 4,
	COMPARE_MARKED = 8,
	COMPARE_EVENTS = 16,
	COMPARE_UNNAMED = 32
};

/* Compare every thread's annotations, their positions and marks with the truth. Appends differences
 * to wrong. */
void truth_compare(const struct truth *t, const struct output *o, int flags, struct strbuf *wrong);

#endif
