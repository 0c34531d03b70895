/* See at_every.h. */
#include "at_every.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "at_json.h"
#include "base/vec.h"
#include "report/text_color.h"

void at_time_text(struct strbuf *out, int64_t now, bool precise)
{
	time_t seconds = (time_t)(now / 1000000000);
	char text[32] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	strbuf_str(out, text);
	if (precise)
		strbuf_fmt(out, ".%06d", (int)(now % 1000000000 / 1000));
}

/* Print a line of n bytes, of which `columns` characters fit. */
static void put_line(const char *line, size_t n, size_t columns, bool color)
{
	size_t at = 0;

	for (size_t left = columns; at < n; at++) {
		bool begins = ((uint8_t)line[at] & 0xc0) != 0x80; /* a character, in UTF-8 */

		if (begins && left-- == 0)
			break;
	}
	text_write(line, at, color, stdout);
	(void)fputs("\033[K\n", stdout);
}

struct line {
	const char *at;
	size_t n;
};

struct lines {
	VEC(struct line) at;
};

/* False: out of memory. */
static bool cut_lines(const char *text, size_t n, struct lines *out)
{
	while (n > 0) {
		const char *newline = memchr(text, '\n', n);
		struct line line = { text, newline == NULL ? n : (size_t)(newline - text) };

		if (!vec_push(&out->at, line))
			return false;
		n -= line.n + (newline != NULL);
		text += line.n + (newline != NULL);
	}
	return true;
}

/* The last stacks, which are the most frequent, as far as they fit; of one that does not fit alone,
 * its innermost frames and the count. Each begins with an empty line. */
static void put_screen(const struct lines *lines, size_t rows, size_t columns, bool color)
{
	size_t n = lines->at.n, first = n, before = n;

	while (before > 0 && n - before <= rows) {
		first = before;
		do
			before--;
		while (before > 0 && lines->at.at[before].n != 0);
	}
	if (n - before <= rows)
		first = before;
	if (first == n && n > 0) {
		for (size_t i = before + 1; i < before + rows; i++)
			put_line(lines->at.at[i].at, lines->at.at[i].n, columns, color);
		first = n - 1;
	}
	for (size_t i = first; i < n; i++)
		put_line(lines->at.at[i].at, lines->at.at[i].n, columns, color);
}

static void print_screen(
    struct counts *c, const struct options *opt, const char *head, const struct winsize *size)
{
	bool color = opt->color == COLOR_ALWAYS;
	struct lines lines = { VEC_EMPTY };
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (out == NULL) {
		c->failed = true;
		return;
	}
	/* Colours are added to what remains of a line. */
	c->style.color = false;
	counts_print(c, (size_t)opt->top, out);
	c->style.color = color;
	c->failed |= fclose(out) != 0;
	(void)fputs("\033[H", stdout);
	put_line(head, strlen(head), size->ws_col, color);
	/* One row is the cursor's. */
	if (text != NULL && !cut_lines(text, n, &lines))
		c->failed = true;
	if (size->ws_row > 2)
		put_screen(&lines, size->ws_row - 2U, size->ws_col, color);
	(void)fputs("\033[J", stdout);
	vec_free(&lines.at);
	free(text);
}

void at_every_print(struct counts *c, const struct options *opt, int64_t now, uint64_t events)
{
	struct strbuf head = STRBUF_EMPTY;
	struct winsize size = { .ws_row = 0 };

	if (opt->output == COUNTS_JSON) {
		at_json_interval(now, events);
		counts_print(c, (size_t)opt->top, stdout);
		(void)fflush(stdout);
		return;
	}
	at_time_text(&head, now, false);
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row != 0 &&
	    size.ws_col != 0) {
		for (size_t i = 0; opt->at[i] != NULL; i++)
			strbuf_fmt(&head, "%s%s", i == 0 ? "  " : ", ", opt->at[i]);
		strbuf_fmt(&head, ": %" PRIu64 " events, %zu stacks", events, c->at.n);
		print_screen(c, opt, strbuf_text(&head), &size);
	} else {
		text_write(strbuf_text(&head), head.n, opt->color == COLOR_ALWAYS, stdout);
		(void)putchar('\n');
		counts_print(c, (size_t)opt->top, stdout);
		(void)putchar('\n');
	}
	(void)fflush(stdout);
	strbuf_free(&head);
}
