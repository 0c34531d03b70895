/* The encoding of a source (PEP 263), and its lines.
 *
 * The text becomes UTF-8, as the parser makes it: columns count its bytes. Bytes that are invalid
 * in the encoding stay as they are, and are shown by their numbers. */
#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/owned.h"
#include "python/source/source.h"

enum { COOKIE_LINES = 2, PIECE = 4096 };

static const char mark[] = "\xef\xbb\xbf"; /* U+FEFF in UTF-8 */

/* --- the name of the encoding --- */

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* The name after "coding:" or "coding=" in the n bytes of a comment; *len 0: there is none. */
static const char *cookie_in(const char *text, size_t n, size_t *len)
{
	static const char key[] = "coding";
	const char *end = text + n, *at = text;

	for (*len = 0; *len == 0 && (at = memmem(at, (size_t)(end - at), key, sizeof(key) - 1)) != NULL;) {
		const char *name = at += sizeof(key) - 1;

		if (name == end || (*name != ':' && *name != '='))
			continue;
		do
			name++;
		while (name < end && (*name == ' ' || *name == '\t'));
		while (name + *len < end && is_name(name[*len]))
			++*len;
		at = name;
	}
	return at;
}

/* Copy the name in the first two lines, in small letters and with '-' for '_', to out; "": there is
 * none. */
static void find_cookie(const char *text, size_t n, char out[SOURCE_ENCODING])
{
	const char *end = text + n;

	out[0] = '\0';
	for (int i = 0; i < COOKIE_LINES && text < end; i++) {
		size_t line = 0, blanks, len;
		const char *name;

		while (text + line < end && text[line] != '\n' && text[line] != '\r')
			line++;
		for (blanks = 0; blanks < line && strchr(" \t\f", text[blanks]) != NULL; blanks++)
			;
		if (blanks < line && text[blanks] != '#')
			return;
		name = cookie_in(text, line, &len);
		if (len > 0) {
			len = len < SOURCE_ENCODING ? len : SOURCE_ENCODING - 1;
			for (size_t k = 0; k < len; k++)
				out[k] = name[k] == '_' ? '-' : (char)tolower((unsigned char)name[k]);
			out[len] = '\0';
			return;
		}
		text += line + (text + line + 1 < end && text[line] == '\r' && text[line + 1] == '\n');
		text++;
	}
}

static bool is_one_of(const char *name, const char *const names[])
{
	for (; *names != NULL; names++) {
		if (strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

/* Is it this name, or this name with a suffix? Emacs has utf-8-unix. */
static bool is_with_suffix(const char *name, const char *start)
{
	size_t n = strlen(start);

	return strncmp(name, start, n) == 0 && (name[n] == '\0' || name[n] == '-');
}

static bool is_utf_8(const char *name)
{
	static const char *const names[] = { "", "utf8", "u8", "utf", "cp65001", "ascii", "us-ascii", "646",
		NULL };

	return is_with_suffix(name, "utf-8") || is_one_of(name, names);
}

static bool is_latin_1(const char *name)
{
	static const char *const names[] = { "latin1", "latin", "l1", "iso8859-1", "8859", "cp819", NULL };

	return is_with_suffix(name, "latin-1") || is_with_suffix(name, "iso-8859-1") ||
	       is_with_suffix(name, "iso-latin-1") || is_one_of(name, names);
}

/* Encodings that the C library may decode: those of one state. */
static bool is_single_state(const char *name)
{
	static const char *const starts[] = { "iso8859", "iso-8859", "cp", "windows-", "koi8-", "euc",
		"shift", "sjis", "big5", "gb", "mac", "tis-620", NULL };

	for (size_t i = 0; starts[i] != NULL; i++) {
		if (strncmp(name, starts[i], strlen(starts[i])) == 0)
			return true;
	}
	return false;
}

/* --- the text --- */

static void latin_1(const char *text, size_t n, struct strbuf *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x80) {
			strbuf_char(out, (char)c);
		} else {
			strbuf_char(out, (char)(0xc0 | c >> 6));
			strbuf_char(out, (char)(0x80 | (c & 0x3f)));
		}
	}
}

/* Python's encodings leave ASCII as it is. Some of the same name do not: Shift JIS has a yen sign
 * in the place of the backslash. */
static bool keeps_ascii(iconv_t how)
{
	enum { ASCII = 0x80 };
	char all[ASCII], made[ASCII], *in = all, *out = made;
	size_t n = ASCII, room = ASCII;

	for (int i = 0; i < ASCII; i++)
		all[i] = (char)i;
	return iconv(how, &in, &n, &out, &room) == 0 && room == 0 && memcmp(all, made, ASCII) == 0;
}

/* False: the C library does not know it, or means something else. */
static bool by_library(const char *encoding, const char *text, size_t n, struct strbuf *out)
{
	iconv_t how = iconv_open("UTF-8", encoding);
	char *in, piece[PIECE];

	if (how == (iconv_t)-1)
		return false;
	if (!keeps_ascii(how)) {
		(void)iconv_close(how);
		return false;
	}
	/* It does not write to its input. */
	memcpy(&in, &text, sizeof(in));
	while (n > 0 && !out->failed) {
		char *to = piece;
		size_t room = sizeof(piece), done = iconv(how, &in, &n, &to, &room);
		int error = errno;

		strbuf_add(out, piece, sizeof(piece) - room);
		if (done == (size_t)-1 && n > 0 && (error != E2BIG || room == sizeof(piece))) {
			strbuf_char(out, *in++);
			n--;
		}
	}
	(void)iconv_close(how);
	return true;
}

static void decode_source(struct source_file *f)
{
	const char *text = strbuf_text(&f->text);
	size_t skip = strncmp(text, mark, sizeof(mark) - 1) == 0 ? sizeof(mark) - 1 : 0;
	struct strbuf decoded = STRBUF_EMPTY;
	char encoding[SOURCE_ENCODING] = "";

	find_cookie(text + skip, f->text.n - skip, encoding);
	if (skip == 0 && is_utf_8(encoding))
		return;
	if (skip != 0 || is_utf_8(encoding))
		strbuf_add(&decoded, text + skip, f->text.n - skip);
	else if (is_latin_1(encoding))
		latin_1(text, f->text.n, &decoded);
	else if (!is_single_state(encoding) || !by_library(encoding, text, f->text.n, &decoded)) {
		memcpy(f->unknown, encoding, sizeof(f->unknown));
		strbuf_free(&decoded);
		return;
	}
	strbuf_free(&f->text);
	f->text = decoded;
}

/* --- lines --- */

/* Lines end as Python's do: by \n, \r\n or \r. */
bool source_decode(struct source_file *f)
{
	const char *text;
	bool ok;

	decode_source(f);
	text = strbuf_text(&f->text);
	ok = !f->text.failed && vec_push(&f->lines, 0);
	for (size_t i = 0; ok && i < f->text.n; i++) {
		if (text[i] == '\r' && text[i + 1] == '\n')
			i++;
		if ((text[i] == '\n' || text[i] == '\r') && i + 1 < f->text.n)
			ok = vec_push(&f->lines, (uint32_t)(i + 1));
	}
	return ok && vec_push(&f->lines, (uint32_t)f->text.n);
}

bool source_line(const struct source_file *f, int32_t line, struct py_source_line *out)
{
	const char *text = strbuf_text(&f->text);

	if (line < 1 || (size_t)line >= f->lines.n || f->text.n == 0)
		return false;
	out->text = text + f->lines.at[line - 1];
	out->n = f->lines.at[line] - f->lines.at[line - 1];
	while (out->n > 0 && (out->text[out->n - 1] == '\n' || out->text[out->n - 1] == '\r'))
		out->n--;
	return true;
}
