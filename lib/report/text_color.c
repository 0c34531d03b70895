/* SGR sequences (ECMA-48) of the eight colours that a user's scheme makes readable on its
 * background. */
#include "report/text_color.h"

#include <string.h>

#include "base/bytes.h"
#include "report/text.h"

#define CSI "\033["
#define BOLD CSI "1m"
#define RED CSI "31m"
#define YELLOW CSI "33m"
#define HEADER CSI "1;34m"
#define ALARM CSI "1;31m"
#define RESET CSI "0m"
#define PLAIN ""

static void print_bytes(const char *text, size_t n, FILE *to)
{
	(void)fwrite(text, 1, n, to);
}

static void put_in(const char *color, const char *text, size_t n, FILE *to)
{
	if (n == 0)
		return;
	if (color[0] == '\0') {
		print_bytes(text, n, to);
		return;
	}
	(void)fputs(color, to);
	print_bytes(text, n, to);
	(void)fputs(RESET, to);
}

static bool begins_with(const char *text, size_t n, const char *with)
{
	size_t length = strlen(with);

	return n >= length && memcmp(text, with, length) == 0;
}

/* The next mark " ?" that ends a part or the text. NULL: none. */
static const char *mark_in(const char *text, size_t n)
{
	const char *end = text + n;

	for (const char *at = text; n >= 2 && (at = memchr(at, '?', (size_t)(end - at))) != NULL; at++) {
		if (at > text && at[-1] == ' ' && (at + 1 == end || at[1] == ';'))
			return at;
	}
	return NULL;
}

/* Write text in a colour, and its marks of uncertainty in theirs. */
static void put_marked(const char *color, const char *text, size_t n, FILE *to)
{
	const char *mark;

	while ((mark = mark_in(text, n)) != NULL) {
		put_in(color, text, (size_t)(mark - text), to);
		put_in(RED, mark, 1, to);
		n -= (size_t)(mark + 1 - text);
		text = mark + 1;
	}
	put_in(color, text, n, to);
}

/* `[ file:line (function) ]`, perhaps with a mark, perhaps without its end (if the screen is
 * narrow). */
static void put_python(const char *text, size_t n, FILE *to)
{
	static const char plain[] = " ]", marked[] = " ] ?";
	bool uncertain = bytes_end_with(text, n, marked);
	size_t start = strlen("[ "), tail = 0;

	if (uncertain)
		tail = strlen(marked);
	else if (bytes_end_with(text, n, plain))
		tail = strlen(plain);
	if (n < start + tail) {
		print_bytes(text, n, to);
		return;
	}
	print_bytes(text, start, to);
	put_in(BOLD, text + start, n - start - tail, to);
	put_marked(PLAIN, text + n - tail, tail, to);
}

/* Between the rules of a header. */
static void put_header(const char *text, size_t n, FILE *to)
{
	size_t first = 0, last = n;

	while (first < n && text[first] == '-')
		first++;
	while (last > first && text[last - 1] == '-')
		last--;
	while (last > first && text[last - 1] == ' ')
		last--;
	while (first < last && text[first] == ' ')
		first++;
	print_bytes(text, first, to);
	put_marked(HEADER, text + first, last - first, to);
	print_bytes(text + last, n - last, to);
}

/* A line from column one: of a thread, process, event, deadlock or task. */
static void put_unindented(const char *text, size_t n, FILE *to)
{
	if (begins_with(text, n, "----"))
		put_header(text, n, to);
	else if (begins_with(text, n, "deadlock: "))
		put_in(ALARM, text, n, to);
	else if (n > 0 && ((text[0] >= '0' && text[0] <= '9') || begins_with(text, n, "core '")))
		put_in(HEADER, text, n, to);
	else
		put_marked(PLAIN, text, n, to);
}

static void put_line(const char *line, size_t n, FILE *to)
{
	size_t blanks = 0;
	const char *text;

	while (blanks < n && line[blanks] == ' ')
		blanks++;
	text = line + blanks;
	n -= blanks;
	print_bytes(line, blanks, to);
	if (blanks == 0) {
		put_unindented(text, n, to);
	} else if (blanks == strlen(TEXT_INDENT "  ") && begins_with(text, n, "[ ")) {
		put_python(text, n, to);
	} else if (blanks == strlen(TEXT_INDENT) && n > 2 && text[0] == '(' && text[n - 1] == ')') {
		print_bytes(text, 1, to);
		put_marked(YELLOW, text + 1, n - 2, to);
		print_bytes(text + n - 1, 1, to);
	} else {
		print_bytes(text, n, to);
	}
}

void text_write(const char *text, size_t n, bool color, FILE *to)
{
	while (color && n > 0) {
		const char *newline = memchr(text, '\n', n);
		size_t line = newline == NULL ? n : (size_t)(newline - text);

		put_line(text, line, to);
		text += line;
		n -= line;
		if (newline != NULL) {
			(void)fputc('\n', to);
			text++;
			n--;
		}
	}
	print_bytes(text, n, to);
}

/* The length of a sequence at the start of text that is left out; 0: there is none. */
static size_t sequence_length(const char *text, size_t n)
{
	size_t i = strlen(CSI);

	if (!begins_with(text, n, CSI))
		return 0;
	while (i < n && (text[i] == ';' || text[i] == ':' || (text[i] >= '0' && text[i] <= '9')))
		i++;
	return i < n && (text[i] == 'm' || text[i] == 'K') ? i + 1 : 0;
}

void text_uncolored(const char *text, size_t n, struct strbuf *out)
{
	while (n > 0) {
		const char *escape = memchr(text, CSI[0], n);
		size_t plain = escape == NULL ? n : (size_t)(escape - text);
		size_t left_out = sequence_length(text + plain, n - plain);

		if (escape != NULL && left_out == 0)
			plain++;
		strbuf_add(out, text, plain);
		text += plain + left_out;
		n -= plain + left_out;
	}
}
