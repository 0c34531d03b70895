/* The grammar of conditions (probe_when.h), and their comparisons. There is no tree: each part of
 * the condition is a table of its results for all results of the comparisons, and "and" and "or"
 * join two tables. A negation is carried down instead, to the comparisons (probe_when_eval.h says
 * why), and changes "and" and "or" on its way. */
#include "probe/probe_when.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "probe/probe_when_impl.h"

enum { COMM_LENGTH = 15 }; /* the kernel's TASK_COMM_LEN, without the NUL */

/* Bit i: the result where the comparisons that are true are those of the bits of i. */
struct table {
	uint64_t word[4];
};

struct when_op {
	const char *token;
	uint8_t op;
	bool negated;
};

/* A token comes before those it begins with. */
static const struct when_op when_ops[] = {
	{ "==", PROBE_WHEN_EQUAL, false },
	{ "!=", PROBE_WHEN_EQUAL, true },
	{ "!~", PROBE_WHEN_MATCH, true },
	{ "<=", PROBE_WHEN_GREATER, true },
	{ ">=", PROBE_WHEN_LESS, true },
	{ "<", PROBE_WHEN_LESS, false },
	{ ">", PROBE_WHEN_GREATER, false },
	{ "&", PROBE_WHEN_BITS, false },
	{ "~", PROBE_WHEN_MATCH, false },
};

static const struct when_op *take_operator(struct when_parse *p)
{
	when_skip_spaces(p);
	if (strncmp(p->at, "&&", 2) == 0)
		return NULL;
	for (size_t i = 0; i < sizeof(when_ops) / sizeof(when_ops[0]); i++)
		if (when_take(p, when_ops[i].token))
			return &when_ops[i];
	return NULL;
}

/* --- comparisons --- */

/* Is the number one that the subject can have? `bits`: any pattern of its bits will do. */
static bool is_in_range(const struct when_number *number, const struct when_subject *s, bool bits)
{
	uint64_t most = UINT64_MAX >> (64 - 8 * s->bytes);

	if (s->kind != PROBE_WHEN_SIGNED)
		return !number->negative && number->magnitude <= most;
	if (number->negative)
		return number->magnitude <= most / 2 + 1;
	return number->magnitude <= (bits ? most : most / 2);
}

static enum res fail_range(
    const struct when_parse *p, const struct when_number *number, const struct when_subject *s)
{
	uint64_t most = UINT64_MAX >> (64 - 8 * s->bytes);
	char what[96];

	if (s->kind == PROBE_WHEN_UNTYPED && number->negative)
		return when_fail(p, s->word.at,
		    "it is unknown how wide %.*s is: write (int32)%.*s or (int64)%.*s to compare with a "
		    "number "
		    "below 0",
		    (int)s->word.n, s->word.at, (int)s->word.n, s->word.at, (int)s->word.n, s->word.at);
	if (s->kind == PROBE_WHEN_SIGNED)
		(void)snprintf(
		    what, sizeof(what), "a number from -%" PRIu64 " to %" PRIu64, most / 2 + 1, most / 2);
	else
		(void)snprintf(what, sizeof(what), "a number from 0 to %" PRIu64, most);
	return when_expected(p, number->at, what);
}

static enum res compare_number(
    struct when_parse *p, const struct when_subject *s, struct probe_when_comparison *c)
{
	const bool is_signed = s->kind == PROBE_WHEN_SIGNED;
	struct when_number number;
	uint64_t value;

	if (s->bytes != 1 && s->bytes != 2 && s->bytes != 4 && s->bytes != 8)
		return when_fail(
		    p, s->word.at, "%.*s is neither a number nor a text", (int)s->word.n, s->word.at);
	if (when_take_number(p, &number) != RES_OK)
		return RES_FAIL;
	if (!is_in_range(
		&number, s, c->op == PROBE_WHEN_BITS || (c->op == PROBE_WHEN_EQUAL && number.is_bits)))
		return fail_range(p, &number, s);
	if (c->op == PROBE_WHEN_BITS && number.magnitude == 0)
		return when_expected(p, number.at, "a number with a bit to test");
	value = number.negative ? -number.magnitude : number.magnitude;
	c->shift = (uint8_t)(64 - 8 * s->bytes);
	c->is_signed = is_signed;
	/* A bit pattern of a short number below 0 is extended like the number itself. */
	c->number = is_signed ? (uint64_t)((int64_t)(value << c->shift) >> c->shift) : value;
	return RES_OK;
}

/* The index of the subject's text, which is added if it is new. */
static uint8_t text_index(struct probe_when *w, uint8_t subject)
{
	uint32_t i = 0;

	while (i < w->n_text && w->text[i] != subject)
		i++;
	w->text[i] = subject;
	if (i == w->n_text)
		w->n_text++;
	return (uint8_t)i;
}

static enum res compare_text(
    struct when_parse *p, const struct when_subject *s, struct probe_when_comparison *c)
{
	const bool is_pattern = c->op == PROBE_WHEN_MATCH;
	struct when_text text;
	const char *at;

	when_skip_spaces(p);
	at = p->at;
	if (when_take_text(p, is_pattern, &text) != RES_OK)
		return RES_FAIL;
	if (s->subject == PROBE_WHEN_COMM && text.n > COMM_LENGTH)
		return when_fail(p, at, "the kernel keeps %d bytes of a thread's name: %zu cannot match",
		    COMM_LENGTH, text.n);
	c->op = PROBE_WHEN_MATCH;
	c->text = text_index(p->out, s->subject);
	c->anchors =
	    (uint8_t)((text.open_start ? 0 : PROBE_WHEN_AT_START) | (text.open_end ? 0 : PROBE_WHEN_AT_END));
	c->n = (uint8_t)text.n;
	for (size_t i = 0; i < text.n; i++)
		c->places[text.byte[i]][i / 64] |= 1ULL << i % 64;
	if (text.n != 0)
		c->last[(text.n - 1) / 64] = 1ULL << (text.n - 1) % 64;
	return RES_OK;
}

static enum res take_constant(
    struct when_parse *p, const struct when_subject *s, struct probe_when_comparison *c, const char *token)
{
	const bool is_text = s->kind == PROBE_WHEN_STRING;

	if (c->op == PROBE_WHEN_MATCH) {
		if (!is_text && s->kind != PROBE_WHEN_UNTYPED)
			return when_fail(p, token, "%.*s is a number: expected ==, !=, <, <=, >, >= or &",
			    (int)s->word.n, s->word.at);
		return compare_text(p, s, c);
	}
	if (c->op != PROBE_WHEN_EQUAL && is_text)
		return when_fail(
		    p, token, "%.*s is a text: expected ==, !=, ~ or !~", (int)s->word.n, s->word.at);
	when_skip_spaces(p);
	if (is_text || (*p->at == '"' && s->kind == PROBE_WHEN_UNTYPED && c->op == PROBE_WHEN_EQUAL))
		return compare_text(p, s, c);
	return compare_number(p, s, c);
}

/* A comparison, as a new one of p->out. */
static enum res take_comparison(struct when_parse *p, bool negate, struct table *out)
{
	struct probe_when_comparison *c;
	const struct when_op *op;
	struct when_subject s;
	const char *at;

	when_skip_spaces(p);
	if (p->out->n == PROBE_WHEN_LIMIT)
		return when_fail(p, p->at, "a condition has at most %d comparisons", PROBE_WHEN_LIMIT);
	if (when_take_subject(p, &s) != RES_OK)
		return RES_FAIL;
	op = take_operator(p);
	at = p->at;
	if (op == NULL)
		return when_expected(
		    p, at, s.kind == PROBE_WHEN_STRING ? "==, !=, ~ or !~" : "==, !=, <, <=, >, >= or &");
	c = &p->out->comparison[p->out->n];
	c->subject = s.subject;
	c->op = op->op;
	c->negated = op->negated != negate;
	if (take_constant(p, &s, c, at - strlen(op->token)) != RES_OK)
		return RES_FAIL;
	*out = (struct table){ { 0 } };
	for (unsigned i = 0; i < 256; i++)
		if (i >> p->out->n & 1)
			out->word[i / 64] |= 1ULL << i % 64;
	p->out->subjects |= 1u << s.subject;
	if (s.subject == PROBE_WHEN_FUNC || s.subject == PROBE_WHEN_FILE)
		p->out->python |= 1u << p->out->n;
	p->out->n++;
	return RES_OK;
}

/* --- the grammar --- */

static void join_tables(struct table *left, const struct table *right, bool is_and)
{
	for (size_t i = 0; i < 4; i++) {
		if (is_and)
			left->word[i] &= right->word[i];
		else
			left->word[i] |= right->word[i];
	}
}

static enum res take_or(struct when_parse *p, bool negate, struct table *out);

/* A comparison or a condition in parentheses, with any number of "!" before it. */
static enum res take_part(struct when_parse *p, bool negate, struct table *out)
{
	bool has_not = false;
	const char *at;

	while (when_take(p, "!")) {
		negate = !negate;
		has_not = true;
	}
	at = p->at;
	if (*at != '(' || when_is_cast(p)) {
		/* C would negate the argument and not the comparison. */
		if (has_not)
			return when_expected(p, at, "( after !");
		return take_comparison(p, negate, out);
	}
	if (p->depth == PROBE_WHEN_DEPTH)
		return when_fail(p, at, "more than %d parentheses are open", PROBE_WHEN_DEPTH);
	p->depth++;
	p->at++;
	if (take_or(p, negate, out) != RES_OK)
		return RES_FAIL;
	p->depth--;
	if (!when_take(p, ")"))
		return when_expected(p, p->at, "&&, || or )");
	return RES_OK;
}

static enum res take_and(struct when_parse *p, bool negate, struct table *out)
{
	struct table right = { { 0 } };

	if (take_part(p, negate, out) != RES_OK)
		return RES_FAIL;
	while (when_take(p, "&&")) {
		if (take_part(p, negate, &right) != RES_OK)
			return RES_FAIL;
		join_tables(out, &right, !negate);
	}
	return RES_OK;
}

static enum res take_or(struct when_parse *p, bool negate, struct table *out)
{
	struct table right = { { 0 } };

	if (take_and(p, negate, out) != RES_OK)
		return RES_FAIL;
	while (when_take(p, "||")) {
		if (take_and(p, negate, &right) != RES_OK)
			return RES_FAIL;
		join_tables(out, &right, negate);
	}
	return RES_OK;
}

enum res probe_when_parse(
    const char *text, const struct probe_when_names *names, struct probe_when *out, struct fault *f)
{
	OWNED(mem_release) struct probe_when *w = calloc(1, sizeof(*w));
	struct when_parse p = { .text = text, .at = text, .names = names, .out = w, .f = f };
	struct table table = { { 0 } };

	if (w == NULL)
		return fault_memory(f);
	if (strnlen(text, PROBE_WHEN_LENGTH + 1) > PROBE_WHEN_LENGTH)
		return when_fail(
		    &p, text + PROBE_WHEN_LENGTH, "a condition has at most %d bytes", PROBE_WHEN_LENGTH);
	if (take_or(&p, false, &table) != RES_OK)
		return RES_FAIL;
	if (*p.at != '\0')
		return when_expected(&p, p.at, "&& or ||");
	for (unsigned i = 0; i < 256; i++)
		w->table[i] = table.word[i / 64] >> i % 64 & 1;
	*out = *w;
	return RES_OK;
}
