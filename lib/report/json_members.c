/* See json_members.h. */
#ifdef WITH_JANSSON
#include "report/json_members.h"

#include <string.h>

#include "base/escape.h"

enum { REAL_DIGITS = 16 }; /* of a time in seconds, microseconds included */

struct members members_begin(void)
{
	struct members m = { NULL, false, false };

	json_object_seed(1); /* keys are constants: jansson need not read /dev/urandom */
	m.object = json_object();
	m.failed = m.object == NULL;
	return m;
}

void members_free(struct members *m)
{
	json_decref(m->object);
	m->object = NULL;
}

void members_value(struct members *m, const char *key, json_t *value)
{
	/* Frees the value if it fails; a NULL value is a failure. */
	m->failed |= json_object_set_new_nocheck(m->object, key, value) != 0;
}

/* Printable ASCII without a backslash, as nearly all text. */
static bool is_plain_ascii(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] < ' ' || text[i] > '~' || text[i] == '\\')
			return false;
	}
	return true;
}

json_t *members_text_value(struct members *m, const char *text, size_t n)
{
	struct strbuf valid = STRBUF_EMPTY;
	json_t *value;

	if (is_plain_ascii(text, n))
		return json_stringn_nocheck(text, n);
	m->deceptive |= escape_invalid(&valid, text, n);
	value = valid.failed ? NULL : json_stringn(strbuf_text(&valid), valid.n);
	strbuf_free(&valid);
	return value;
}

void members_text(struct members *m, const char *key, const char *text, size_t n)
{
	members_value(m, key, members_text_value(m, text, n));
}

void members_clean(struct members *m, const char *key, const char *text)
{
	members_value(m, key, json_string(text));
}

void members_hex(struct members *m, const char *key, uint64_t value)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 + 16 + 1];
	size_t at = sizeof(text);

	do {
		text[--at] = digits[value & 15];
		value >>= 4;
	} while (value != 0);
	text[--at] = 'x';
	text[--at] = '0';
	members_value(m, key, json_stringn_nocheck(text + at, sizeof(text) - at));
}

void members_bytes(struct members *m, const char *key, const uint8_t *bytes, size_t n)
{
	struct strbuf text = STRBUF_EMPTY;

	for (size_t i = 0; i < n; i++)
		strbuf_fmt(&text, "%02x", bytes[i]);
	members_value(m, key, text.failed ? NULL : json_string_nocheck(strbuf_text(&text)));
	strbuf_free(&text);
}

void members_number(struct members *m, const char *key, int64_t value)
{
	members_value(m, key, json_integer(value));
}

void members_bool(struct members *m, const char *key, bool value)
{
	members_value(m, key, json_boolean(value));
}

json_t *members_take(struct members *m, struct members *to)
{
	json_t *object = m->object;

	to->deceptive |= m->deceptive;
	if (m->failed)
		members_free(m);
	m->object = NULL;
	return m->failed ? NULL : object;
}

static int append_text(const char *bytes, size_t n, void *data)
{
	struct strbuf *out = data;

	strbuf_add(out, bytes, n);
	return out->failed ? -1 : 0;
}

bool members_write(struct members *m, struct strbuf *out)
{
	size_t begin = out->n;
	bool failed = out->failed;
	size_t flags = JSON_COMPACT | JSON_EMBED | JSON_REAL_PRECISION(REAL_DIGITS) |
		       (m->deceptive ? JSON_ENSURE_ASCII : 0);
	bool ok = !m->failed && !out->failed && json_dump_callback(m->object, append_text, out, flags) == 0;

	members_free(m);
	if (!ok && out->n > begin) {
		out->n = begin;
		out->at[begin] = '\0';
	}
	if (!ok)
		out->failed = failed;
	return ok;
}
#endif
