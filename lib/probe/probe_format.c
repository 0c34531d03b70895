/* An event's `format`, line by line:
 *
 *     name: sched_switch
 *     ID: 372
 *     format:
 *     <tab>field:unsigned short common_type;<tab>offset:0;<tab>size:2;<tab>signed:0;
 *     …
 *     <empty>
 *     <tab>field:char prev_comm[16];<tab>offset:8;<tab>size:16;<tab>signed:0;
 *     …
 *     print fmt: "prev_comm=%s …
 *
 * A module writes it, so it is checked like any other input. */
#include <string.h>

#include "base/owned.h"
#include "base/span.h"
#include "probe/probe_text.h"
#include "probe/probe_tracefs.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Take a line without its newline; the last one need not have one. False: none is left. */
static bool take_line(struct span *s, struct span *line)
{
	size_t n = span_left(s);
	const uint8_t *end;

	if (n == 0)
		return false;
	end = memchr(s->at, '\n', n);
	n = end == NULL ? n : (size_t)(end - s->at);
	return span_cut(s, n, line) && (end == NULL || span_skip(s, 1));
}

static void skip_spaces(struct span *s)
{
	while (span_left(s) > 0 && is_blank((char)*s->at))
		(void)span_skip(s, 1);
}

/* Take `word` and the spaces before it. */
static bool take_word(struct span *s, const char *word)
{
	size_t n = strlen(word);

	skip_spaces(s);
	return span_left(s) >= n && memcmp(s->at, word, n) == 0 && span_skip(s, n);
}

static bool take_number(struct span *s, uint32_t max, uint32_t *out)
{
	uint64_t value = 0;
	const uint8_t *start;

	skip_spaces(s);
	start = s->at;
	while (span_left(s) > 0 && *s->at >= '0' && *s->at <= '9') {
		value = value * 10 + (uint64_t)(*s->at - '0');
		if (value > max)
			return false;
		(void)span_skip(s, 1);
	}
	*out = (uint32_t)value;
	return s->at != start;
}

/* Take `word`, a number of at most `max`, and a semicolon. */
static bool take_member(struct span *s, const char *word, uint32_t max, uint32_t *out)
{
	return take_word(s, word) && take_number(s, max, out) && take_word(s, ";");
}

/* Take a declaration and its semicolon. */
static bool take_declaration(struct span *s, struct span *out)
{
	const uint8_t *end = span_left(s) == 0 ? NULL : memchr(s->at, ';', span_left(s));

	return end != NULL && span_cut(s, (size_t)(end - s->at), out) && span_skip(s, 1);
}

/* Does the declaration begin with this word? */
static bool begins_with(struct span text, const char *word)
{
	return take_word(&text, word) && span_left(&text) > 0 && is_blank((char)*text.at);
}

/* The name is the last word, without what follows it in brackets. */
static bool parse_declaration(struct span text, struct probe_field *out)
{
	bool data_loc = begins_with(text, "__data_loc"), rel_loc = begins_with(text, "__rel_loc");
	const uint8_t *bracket = span_left(&text) == 0 ? NULL : memchr(text.at, '[', span_left(&text));
	struct span element = text, name = text;
	size_t n = 0;

	if (data_loc || rel_loc) {
		(void)(take_word(&element, "__data_loc") || take_word(&element, "__rel_loc"));
		out->form = data_loc ? PROBE_FIELD_DATA_LOC : PROBE_FIELD_REL_LOC;
	} else if (bracket != NULL) {
		name.end = bracket;
		out->form = PROBE_FIELD_BYTES;
	}
	(void)take_word(&element, "const ");
	out->is_text = out->form != PROBE_FIELD_VALUE && take_word(&element, "char") &&
		       span_left(&element) > 0 && (*element.at == '[' || is_blank((char)*element.at));
	while (name.end > name.at && is_blank((char)name.end[-1]))
		name.end--;
	while (n < span_left(&name) && probe_text_is_name((const char *)name.end - n - 1, 1, ""))
		n++;
	if (n == 0 || n == span_left(&name) || n >= sizeof(out->name))
		return false;
	memcpy(out->name, name.end - n, n);
	out->name[n] = '\0';
	return true;
}

static bool parse_field(struct span line, struct probe_field *out)
{
	struct span declaration;
	uint32_t is_signed = 0;

	*out = (struct probe_field){ .form = PROBE_FIELD_VALUE };
	if (!take_declaration(&line, &declaration) || !parse_declaration(declaration, out) ||
	    !take_member(&line, "offset:", PROBE_TRACEPOINT_MAX, &out->offset) ||
	    !take_member(&line, "size:", PROBE_TRACEPOINT_MAX - out->offset, &out->size))
		return false;
	/* Kernels before 2.6.32 do not say whether it is signed. */
	if (take_word(&line, "signed:") && (!take_number(&line, 1, &is_signed) || !take_word(&line, ";")))
		return false;
	out->is_signed = is_signed == 1;
	if (out->form == PROBE_FIELD_DATA_LOC || out->form == PROBE_FIELD_REL_LOC)
		return out->size == sizeof(uint32_t);
	if (out->form == PROBE_FIELD_VALUE && out->size != 1 && out->size != 2 && out->size != 4 &&
	    out->size != 8)
		out->form = PROBE_FIELD_BYTES;
	return true;
}

/* The text of a line that is not understood, for the message. */
static enum res refuse_line(struct span line, const char *what, struct fault *f)
{
	char text[PROBE_QUOTE_MAX + 2];
	size_t n = span_left(&line) < sizeof(text) ? span_left(&line) : sizeof(text) - 1;

	if (n > 0)
		memcpy(text, line.at, n);
	text[n] = '\0';
	return probe_text_refuse(f, text, what, "");
}

enum res probe_tracefs_parse(const char *text, size_t n, struct probe_tracepoint *out, struct fault *f)
{
	OWNED(mem_release) struct probe_tracepoint *event = calloc(1, sizeof(*event));
	struct span rest = span_of(text, n), line;
	bool identified = false;

	if (event == NULL)
		return fault_memory(f);
	while (take_line(&rest, &line)) {
		struct span whole = line;

		if (take_word(&line, "print fmt:"))
			break;
		if (take_word(&line, "ID:")) {
			identified = take_number(&line, UINT16_MAX, &event->id) && span_left(&line) == 0;
			if (!identified)
				return refuse_line(whole, "no number of an event", f);
		} else if (take_word(&line, "field:")) {
			if (event->n == PROBE_FIELDS_MAX)
				return fault_set(
				    f, 0, 0, 0, "the event has more than %d fields", PROBE_FIELDS_MAX);
			if (!parse_field(line, &event->fields[event->n]))
				return refuse_line(whole, "no field of an event", f);
			event->n++;
		}
	}
	if (!identified)
		return fault_set(f, 0, 0, 0, "the description of the event has no ID");
	*out = *event;
	return RES_OK;
}

const struct probe_field *probe_tracepoint_field(const struct probe_tracepoint *event, const char *name)
{
	for (size_t i = 0; i < event->n; i++) {
		if (strcmp(event->fields[i].name, name) == 0)
			return &event->fields[i];
	}
	return NULL;
}
