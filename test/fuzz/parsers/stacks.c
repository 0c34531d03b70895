/* The standard input of `pystack -c`: stacks of dtrace, bpftrace or pystack. Byte 0: how they are
 * printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parsers.h"
#include "report/counts.h"
#include "report/parse.h"

struct adding {
	struct counts counts;
	struct text_cache cache;
};

static void take(void *data, const struct record_thread *stack, uint64_t count)
{
	struct adding *a = data;
	char *text = counts_text(&a->counts, stack, &a->cache);

	if (text != NULL)
		counts_add(&a->counts, text, count);
	free(text);
}

static void print(struct counts *counts, size_t top)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	fuzz_must(out != NULL);
	counts_print(counts, top, out);
	(void)fclose(out);
	fuzz_check_printed(text, n);
	free(text);
}

void fuzz_stacks(const uint8_t *data, size_t n)
{
	struct adding a = { .counts = { .format = COUNTS_TEXT } };
	struct parse parse = { .take = take, .data = &a };
	const uint8_t *end = data + n;
	uint8_t how;

	if (n == 0)
		return;
	how = *data++;
	a.counts.format = how & 1 ? COUNTS_FOLDED : COUNTS_TEXT;
	while (data < end) {
		const uint8_t *newline = memchr(data, '\n', (size_t)(end - data));
		size_t length = (size_t)((newline == NULL ? end : newline) - data);
		char *line = malloc(length + 1);

		fuzz_must(line != NULL);
		memcpy(line, data, length);
		line[length] = '\0';
		parse_line(&parse, line, length);
		free(line);
		data += length + 1;
		if (newline == NULL)
			break;
	}
	parse_finish(&parse);
	print(&a.counts, how >> 1 & 3);
	text_cache_free(&a.cache);
	counts_free(&a.counts);
}
