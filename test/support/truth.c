/* Reading truth and output, and describing differences. Every byte of the format is checked here:
 * indents, centred headers, the position of every annotation. */
#include "support/truth.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fileio.h"

enum { FILE_MAX = 256 << 20, INDENT = 14 };

static char *line_cut(char **at)
{
	char *line = *at, *end;

	if (line == NULL || *line == 0)
		return NULL;
	end = strchr(line, '\n');
	if (end != NULL)
		*end = 0;
	*at = end == NULL ? NULL : end + 1;
	return line;
}

char *truth_text(const char *dir)
{
	char path[PATH_MAX], *text = NULL;
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "%s/truth", dir);
	ck_assert_msg(fileio_slurp(AT_FDCWD, path, FILE_MAX, &text, &n) == 0, "no %s", path);
	return text;
}

struct truth truth_read(const char *dir)
{
	struct truth t = { VEC_EMPTY };
	char *text = truth_text(dir), *at = text, *line;

	while ((line = line_cut(&at)) != NULL) {
		if (strncmp(line, "thread ", 7) == 0) {
			struct truth_thread one = { .tid = strtol(line + 7, &line, 10) };

			one.name = strdup(*line == ' ' ? line + 1 : line);
			ck_assert(vec_push(&t.threads, one));
		} else if (strncmp(line, "called ", 7) == 0) {
			ck_assert(t.threads.n > 0);
			t.threads.at[t.threads.n - 1].called = strdup(line + 7);
		} else if (strncmp(line, "interp ", 7) == 0) {
			ck_assert(t.threads.n > 0);
			t.threads.at[t.threads.n - 1].interps = strdup(line + 7);
		} else {
			char *tab = strchr(line, '\t');
			struct truth_frame one;

			ck_assert_msg(tab != NULL && t.threads.n > 0, "odd truth line %s", line);
			*tab = 0;
			one = (struct truth_frame){ line[0], strdup(line + 2), strdup(tab + 1) };
			ck_assert(vec_push(&t.threads.at[t.threads.n - 1].frames, one));
		}
	}
	free(text);
	return t;
}

void truth_free(struct truth *t)
{
	for (size_t i = 0; i < t->threads.n; i++) {
		struct truth_thread *one = &t->threads.at[i];

		for (size_t k = 0; k < one->frames.n; k++) {
			free(one->frames.at[k].text);
			free(one->frames.at[k].qual);
		}
		vec_free(&one->frames);
		free(one->name);
		free(one->called);
		free(one->interps);
	}
	vec_free(&t->threads);
}

/* Find Python's name, which is between quotes. */
static void parse_called(char *text, struct output_thread *out)
{
	char *name = strchr(text, '"'), *end = name == NULL ? NULL : strchr(name + 1, '"');

	if (end == NULL)
		return;
	*end = 0;
	out->called = name + 1;
}

/* "---- thread# 7 / lwp# 7 / interp# 1,0 "name" [name] ----", centred in 62 columns, with at least two
 * dashes on each side. */
static bool parse_header(char *line, struct output_thread *out)
{
	size_t front = strspn(line, "-"), length, dashes;
	char *text = line + front + 1, *end, *bracket;
	long lwp;

	if (front == 0 || line[front] != ' ' || strncmp(text, "thread# ", 8) != 0)
		return false;
	end = text + strlen(text);
	while (end > text && end[-1] == '-')
		end--;
	if (end == text || end[-1] != ' ')
		return false;
	length = (size_t)(end - 1 - text);
	dashes = length + 2 + 4 > 62 ? 4 : 62 - length - 2;
	if (front != dashes / 2 || strlen(end) != dashes / 2 + dashes % 2)
		return false;
	end[-1] = 0;
	if (sscanf(text, "thread# %ld / lwp# %ld", &out->tid, &lwp) != 2 || lwp != out->tid)
		return false;
	(void)sscanf(text, "thread# %*d / lwp# %*d / interp# %63[^ ]", out->interps);
	out->headed = true;
	bracket = strchr(text, '[');
	if (bracket != NULL && end[-2] == ']') {
		end[-2] = 0;
		out->name = bracket + 1;
	}
	parse_called(text, out);
	return true;
}

static bool parse_line(char *line, struct output_line *out)
{
	size_t n = strspn(line, " "), length = strlen(line);

	*out = (struct output_line){ .text = line + n };
	if (strncmp(line, "                [ ", INDENT + 4) == 0) {
		out->kind = LINE_PYTHON;
		out->text = line + INDENT + 2;
		out->unsure = length > 4 && strcmp(line + length - 4, " ] ?") == 0;
		if (out->unsure)
			line[length - 2] = 0;
		length = strlen(line);
		return length > 2 && strcmp(line + length - 2, " ]") == 0;
	}
	if (n != INDENT || strchr(line, '[') != NULL)
		return false;
	out->kind = line[n] == '(' || strcmp(line + n, "...") == 0 ? LINE_OWN : LINE_NATIVE;
	return out->kind == LINE_OWN || strchr(line, '`') != NULL || strncmp(line + n, "0x", 2) == 0;
}

/* Does a remark say what a thread does? Each such remark begins with one of these. */
static bool is_state(const char *text)
{
	static const char *const starts[] = { "(in ", "(running)", "(running; ", "(stopped", "(holds ",
		"(waits for ", "(attached", "(detached", "(suspended", "(collecting ", "(finalizing",
		"(daemon)" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (strncmp(text, starts[i], strlen(starts[i])) == 0)
			return true;
	}
	return false;
}

/* Add a line to the last thread. */
static void add_line(struct output_thread *to, struct output_line line)
{
	if (to->lines.n == 0 && to->state == NULL && line.kind == LINE_OWN && is_state(line.text))
		to->state = line.text;
	else
		ck_assert(vec_push(&to->lines, line));
}

struct output output_parse(const char *text, long pid)
{
	struct output o = { .copy = strdup(text), .wrong = STRBUF_EMPTY };
	char *at = o.copy, *line;

	o.head = line_cut(&at);
	while ((line = line_cut(&at)) != NULL) {
		struct output_thread thread = { .tid = pid };
		struct output_line one;

		if (strncmp(line, "killed by ", 10) == 0 && o.threads.n == 0) {
			o.killed = line;
		} else if (parse_header(line, &thread)) {
			o.headers = true;
			ck_assert(vec_push(&o.threads, thread));
		} else if (parse_line(line, &one)) {
			if (o.threads.n == 0)
				ck_assert(vec_push(&o.threads, thread));
			add_line(&o.threads.at[o.threads.n - 1], one);
		} else {
			strbuf_fmt(&o.wrong, "odd line: %s\n", line);
		}
	}
	if (o.head == NULL)
		strbuf_str(&o.wrong, "no output\n");
	return o;
}

/* "2026-11-28 22:09:30.905207 4711/4712 [name] read(3, 0x7f…, 1)" */
static bool parse_event(char *line, struct output_thread *out)
{
	char *name, *end;
	int at = 0;

	if (sscanf(line, "%*4d-%*2d-%*2d %*2d:%*2d:%*2d.%*6d %*d/%ld %n", &out->tid, &at) != 1 ||
	    line[at] != '[')
		return false;
	name = line + at + 1;
	end = strstr(name, "] ");
	if (end == NULL)
		return false;
	*end = 0;
	out->name = name;
	return true;
}

struct output output_parse_events(const char *text)
{
	struct output o = { .copy = strdup(text), .wrong = STRBUF_EMPTY };
	char *at = o.copy;
	bool first = false;

	for (char *line = at; line != NULL; line = at) {
		struct output_thread thread = { .name = NULL };
		struct output_line one;

		at = strchr(line, '\n');
		if (at != NULL)
			*at++ = 0;
		if (*line == 0)
			continue;
		if (parse_event(line, &thread)) {
			first = output_thread(&o, thread.tid) == NULL;
			if (first)
				ck_assert(vec_push(&o.threads, thread));
		} else if (!parse_line(line, &one)) {
			strbuf_fmt(&o.wrong, "odd line: %s\n", line);
		} else if (first) {
			ck_assert(vec_push(&o.threads.at[o.threads.n - 1].lines, one));
		}
	}
	return o;
}

void output_free(struct output *o)
{
	for (size_t i = 0; i < o->threads.n; i++)
		vec_free(&o->threads.at[i].lines);
	vec_free(&o->threads);
	strbuf_free(&o->wrong);
	free(o->copy);
}

const struct output_thread *output_thread(const struct output *o, long tid)
{
	for (size_t i = 0; i < o->threads.n; i++) {
		if (o->threads.at[i].tid == tid)
			return &o->threads.at[i];
	}
	return NULL;
}

/* Compare the positions of annotations: under which native line, and in the same group or not. */
static void compare_places(const struct truth_thread *t, const struct output_thread *o, struct strbuf *wrong)
{
	size_t frame = 0;

	for (size_t i = 0; i < o->lines.n; i++) {
		const struct output_line *line = &o->lines.at[i];
		bool joined = i > 0 && o->lines.at[i - 1].kind == LINE_PYTHON;

		if (line->kind != LINE_PYTHON)
			continue;
		if (!joined && (i == 0 || o->lines.at[i - 1].kind != LINE_NATIVE))
			strbuf_fmt(wrong, "thread %ld: not under a native line: %s\n", t->tid, line->text);
		/* The sign of a frame speaks of its caller, which is the line after it. */
		if (frame > 0 && frame <= t->frames.n) {
			char sign = t->frames.at[frame - 1].sign;

			if ((sign == '+' && joined) || (sign == '=' && !joined))
				strbuf_fmt(wrong, "thread %ld: %s the callee of %s\n", t->tid,
				    joined ? "not apart from" : "apart from", line->text);
		}
		frame++;
	}
}

static void compare_thread(
    const struct truth_thread *t, const struct output_thread *o, int flags, struct strbuf *wrong)
{
	size_t frame = 0, native = 0, unequal = 0;

	for (size_t i = 0; i < o->lines.n; i++) {
		const struct output_line *line = &o->lines.at[i];
		const struct truth_frame *f;
		const char *want;

		native += line->kind == LINE_NATIVE;
		/* Remarks that report no problem. */
		if (line->kind == LINE_OWN && strstr(line->text, "(signal handler called)") == NULL &&
		    strstr(line->text, "(Python frame has returned)") == NULL)
			strbuf_fmt(wrong, "thread %ld: %s\n", t->tid, line->text);
		if (line->kind != LINE_PYTHON)
			continue;
		f = frame < t->frames.n ? &t->frames.at[frame] : NULL;
		want = f == NULL ? "nothing" : (flags & COMPARE_QUALNAME) != 0 ? f->qual : f->text;
		if ((f == NULL || strcmp(want, line->text) != 0) && unequal++ < 3)
			strbuf_fmt(wrong, "thread %ld frame %zu: %s, in truth %s\n", t->tid, frame,
			    line->text, want);
		/* In an unoptimized build several C functions can hold the address of a frame that
		 * one of them made. */
		if (line->unsure && (flags & COMPARE_MARKED) == 0 && strstr(line->text, ".c:") == NULL &&
		    unequal++ < 3)
			strbuf_fmt(wrong, "thread %ld frame %zu: marked ?: %s\n", t->tid, frame, line->text);
		frame++;
	}
	if ((flags & COMPARE_EVENTS) == 0 && strcmp(t->interps == NULL ? "" : t->interps, o->interps) != 0)
		strbuf_fmt(wrong, "thread %ld: interpreters %s, in truth %s\n", t->tid, o->interps,
		    t->interps == NULL ? "not said" : t->interps);
	if (frame != t->frames.n) {
		strbuf_fmt(wrong, "thread %ld (%s): %zu Python frames, in truth %zu, innermost %s\n", t->tid,
		    t->name, frame, t->frames.n, t->frames.n == 0 ? "none" : t->frames.at[0].text);
	}
	if ((flags & COMPARE_PYTHON_ONLY) != 0) {
		if (native != 0)
			strbuf_fmt(wrong, "thread %ld: native lines\n", t->tid);
		return;
	}
	if (native == 0)
		strbuf_fmt(wrong, "thread %ld: no native lines\n", t->tid);
	compare_places(t, o, wrong);
	if ((flags & COMPARE_CORE) == 0 && o->name != NULL && strcmp(o->name, t->name) != 0)
		strbuf_fmt(wrong, "thread %ld: name %s, in truth %s\n", t->tid, o->name, t->name);
	/* Equal names are printed once. */
	if ((flags & COMPARE_UNNAMED) == 0 && t->called != NULL && o->headed &&
	    (o->name == NULL || strcmp(o->name, t->called) != 0) &&
	    (o->called == NULL || strcmp(o->called, t->called) != 0))
		strbuf_fmt(wrong, "thread %ld: called %s, in truth %s\n", t->tid,
		    o->called == NULL ? "(nothing)" : o->called, t->called);
}

void truth_compare(const struct truth *t, const struct output *o, int flags, struct strbuf *wrong)
{
	bool headers = t->threads.n > 1;

	for (size_t i = 0; i < t->threads.n; i++)
		headers |= t->threads.at[i].interps != NULL;
	strbuf_str(wrong, strbuf_text(&o->wrong));
	if ((flags & COMPARE_EVENTS) == 0 && o->headers != headers)
		strbuf_fmt(wrong, "headers: %d for %zu threads\n", o->headers, t->threads.n);
	if (o->threads.n > t->threads.n)
		strbuf_fmt(wrong, "%zu threads, in truth %zu\n", o->threads.n, t->threads.n);
	for (size_t i = 0; i < t->threads.n; i++) {
		const struct output_thread *one = output_thread(o, t->threads.at[i].tid);

		/* With -p a thread without Python has a header only, or nothing. */
		if (one == NULL)
			strbuf_fmt(wrong, "thread %ld missing\n", t->threads.at[i].tid);
		else
			compare_thread(&t->threads.at[i], one, flags, wrong);
	}
}
