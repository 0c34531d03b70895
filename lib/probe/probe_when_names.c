/* Names in a condition (probe_when.h): arguments of the probe, and what every event has. */
#include <string.h>

#include "base/escape.h"
#include "base/strbuf.h"
#include "probe/probe_near.h"
#include "probe/probe_when_impl.h"

static const struct {
	const char *name, *full; /* `full` cannot be an argument's name */
	uint8_t subject;
	bool is_text;
} everywhere[] = {
	{ "pid", "task.pid", PROBE_WHEN_PID, false },
	{ "tid", "task.tid", PROBE_WHEN_TID, false },
	{ "comm", "task.comm", PROBE_WHEN_COMM, true },
	{ "func", "python.func", PROBE_WHEN_FUNC, true },
	{ "file", "python.file", PROBE_WHEN_FILE, true },
};

static const struct {
	const char *name;
	enum probe_when_kind kind;
	uint8_t bytes;
} casts[] = {
	{ "int8", PROBE_WHEN_SIGNED, 1 },
	{ "int16", PROBE_WHEN_SIGNED, 2 },
	{ "int32", PROBE_WHEN_SIGNED, 4 },
	{ "int64", PROBE_WHEN_SIGNED, 8 },
	{ "uint8", PROBE_WHEN_UNSIGNED, 1 },
	{ "uint16", PROBE_WHEN_UNSIGNED, 2 },
	{ "uint32", PROBE_WHEN_UNSIGNED, 4 },
	{ "uint64", PROBE_WHEN_UNSIGNED, 8 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Argument `index`; false: the probe has none of this index. */
static bool arg_at(const struct when_parse *p, uint32_t index, struct probe_when_arg *out)
{
	return index < PROBE_WHEN_ARGS && p->names->arg != NULL && p->names->arg(p->names->ctx, index, out);
}

/* The index of the argument called so; -1: there is none. */
static int arg_named(const struct when_parse *p, const struct when_word *word, struct probe_when_arg *out)
{
	struct probe_when_arg arg;

	for (uint32_t i = 0; arg_at(p, i, &arg); i++) {
		if (arg.name != NULL && when_word_is(word, arg.name)) {
			*out = arg;
			return (int)i;
		}
	}
	return -1;
}

/* The number N of "argN"; -1: the word is not of this form. */
static int arg_number(const struct when_word *word)
{
	int number = 0;

	if (word->n < 4 || word->n > 5 || memcmp(word->at, "arg", 3) != 0 ||
	    (word->at[3] == '0' && word->n > 4))
		return -1;
	for (size_t i = 3; i < word->n; i++) {
		if (word->at[i] < '0' || word->at[i] > '9')
			return -1;
		number = number * 10 + (word->at[i] - '0');
	}
	return number;
}

/* --- a name that is not known --- */

/* The names of all arguments; argN for those without a name. */
static void list_args(const struct when_parse *p, struct strbuf *b)
{
	struct probe_when_arg arg;

	for (uint32_t i = 0; arg_at(p, i, &arg); i++) {
		strbuf_str(b, i == 0 ? "; it has " : ", ");
		if (arg.name != NULL)
			escape_text(b, arg.name, strlen(arg.name), false);
		else
			strbuf_fmt(b, "arg%u", i);
	}
	if (b->n == 0)
		strbuf_str(b, "; it has none");
}

static enum res fail_unknown(const struct when_parse *p, const struct when_word *word)
{
	struct strbuf tail = STRBUF_EMPTY;
	char wrong[PROBE_NEAR_MAX + 1] = "";
	struct probe_near near;
	struct probe_when_arg arg;
	size_t from = word->n > 5 && memcmp(word->at, "args.", 5) == 0 ? 5 : 0;

	memcpy(wrong, word->at + from, word->n - from < PROBE_NEAR_MAX ? word->n - from : PROBE_NEAR_MAX);
	probe_near_start(&near, wrong);
	for (uint32_t i = 0; arg_at(p, i, &arg); i++)
		if (arg.name != NULL)
			probe_near_add(&near, arg.name);
	for (size_t i = 0; i < COUNT(everywhere); i++)
		probe_near_add(&near, everywhere[i].name);
	if (p->names->retval != NULL)
		probe_near_add(&near, "retval");
	probe_near_ask(&near, &tail);
	if (near.n == 0)
		list_args(p, &tail);
	/* A word has letters, digits, _ and dots only. */
	(void)when_fail(p, word->at, "expected an argument of the probe, found %.*s%s",
	    word->n < PROBE_NEAR_MAX ? (int)word->n : PROBE_NEAR_MAX, word->at, strbuf_text(&tail));
	strbuf_free(&tail);
	return RES_FAIL;
}

/* --- a name that is known --- */

static void set_arg(struct when_subject *s, int index, const struct probe_when_arg *arg)
{
	s->subject = (uint8_t)index;
	s->kind = arg->kind;
	s->bytes = arg->kind == PROBE_WHEN_STRING ? 8 : arg->bytes;
}

/* A word that every event has, or argN, or retval. RES_NONE: it is none of these. */
static enum res find_everywhere(const struct when_parse *p, struct when_subject *s)
{
	const struct when_word *word = &s->word;
	int number = arg_number(word);
	struct probe_when_arg arg;

	for (size_t i = 0; i < COUNT(everywhere); i++) {
		if (!when_word_is(word, everywhere[i].name) && !when_word_is(word, everywhere[i].full))
			continue;
		s->subject = everywhere[i].subject;
		s->kind = everywhere[i].is_text ? PROBE_WHEN_STRING : PROBE_WHEN_UNSIGNED;
		s->bytes = 4;
		return RES_OK;
	}
	if (when_word_is(word, "retval")) {
		if (p->names->retval == NULL)
			return when_fail(
			    p, word->at, "retval is known at a return only (…:return, uretprobe:)");
		set_arg(s, PROBE_WHEN_RETVAL, p->names->retval);
		return RES_OK;
	}
	if (number < 0 || !arg_at(p, (uint32_t)number, &arg))
		return RES_NONE;
	set_arg(s, number, &arg);
	return RES_OK;
}

/* Both an argument and a word that is known everywhere, *s, are called so. */
static enum res fail_ambiguous(const struct when_parse *p, const struct when_subject *s)
{
	const char *full = NULL;

	for (size_t i = 0; i < COUNT(everywhere); i++)
		if (everywhere[i].subject == s->subject)
			full = everywhere[i].full;
	return when_fail(p, s->word.at, "%.*s is also the name of an argument: write args.%.*s for it%s%s",
	    (int)s->word.n, s->word.at, (int)s->word.n, s->word.at, full != NULL ? ", or " : "",
	    full != NULL ? full : "");
}

static enum res find_name(const struct when_parse *p, struct when_subject *s)
{
	const struct when_word *word = &s->word;
	const bool explicit = word->n > 5 && memcmp(word->at, "args.", 5) == 0;
	const struct when_word name = explicit ? (struct when_word){ word->at + 5, word->n - 5 } : *word;
	struct probe_when_arg arg;
	int index = arg_named(p, &name, &arg);
	enum res res = explicit ? RES_NONE : find_everywhere(p, s);

	if (res == RES_FAIL && index < 0)
		return RES_FAIL;
	if (index < 0)
		return res == RES_OK ? RES_OK : fail_unknown(p, word);
	if (res == RES_OK && s->subject != index)
		return fail_ambiguous(p, s);
	set_arg(s, index, &arg);
	return RES_OK;
}

/* A cast whose word is at `at`, or its index's end. */
static size_t find_cast(const struct when_word *word)
{
	size_t i = 0;

	while (i < COUNT(casts) && !when_word_is(word, casts[i].name))
		i++;
	return i;
}

bool when_is_cast(const struct when_parse *p)
{
	struct when_parse ahead = *p;
	struct when_word word;

	return when_take(&ahead, "(") && when_take_word(&ahead, &word) && find_cast(&word) < COUNT(casts) &&
	       when_take(&ahead, ")");
}

/* What follows "str(". */
static enum res take_str(struct when_parse *p, struct when_subject *s)
{
	if (!when_take_word(p, &s->word))
		return when_expected(p, p->at, "the name of an argument");
	if (find_name(p, s) != RES_OK)
		return RES_FAIL;
	if (s->kind == PROBE_WHEN_SIGNED || s->subject > PROBE_WHEN_RETVAL)
		return when_fail(
		    p, s->word.at, "%.*s is not the address of a text", (int)s->word.n, s->word.at);
	if (!when_take(p, ")"))
		return when_expected(p, p->at, ")");
	s->kind = PROBE_WHEN_STRING;
	return RES_OK;
}

enum res when_take_subject(struct when_parse *p, struct when_subject *out)
{
	struct when_subject s = { .kind = PROBE_WHEN_UNTYPED };
	struct when_word word;
	size_t cast = COUNT(casts);

	if (when_is_cast(p)) {
		(void)when_take(p, "(");
		(void)when_take_word(p, &word);
		(void)when_take(p, ")");
		cast = find_cast(&word);
	}
	if (!when_take_word(p, &s.word))
		return when_expected(p, p->at, "the name of an argument");
	if (cast == COUNT(casts) && when_word_is(&s.word, "str") && when_take(p, "(")) {
		if (take_str(p, &s) != RES_OK)
			return RES_FAIL;
	} else if (find_name(p, &s) != RES_OK) {
		return RES_FAIL;
	}
	if (cast < COUNT(casts)) {
		if (s.kind == PROBE_WHEN_STRING && s.subject > PROBE_WHEN_RETVAL)
			return when_fail(
			    p, s.word.at, "%.*s is a text, not a number", (int)s.word.n, s.word.at);
		s.kind = casts[cast].kind;
		s.bytes = casts[cast].bytes;
	}
	*out = s;
	return RES_OK;
}
