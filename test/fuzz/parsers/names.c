/* Names from a target: texts that are escaped, functions of Cython, and maps of compiled code. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "parsers.h"
#include "symbol/cython_name.h"
#include "symbol/perf_map.h"

static void escape(const char *text, size_t n)
{
	struct strbuf out = STRBUF_EMPTY;

	escape_text(&out, text, n, true);
	fuzz_check_printed(strbuf_text(&out), out.n);
	fuzz_must(memchr(strbuf_text(&out), '[', out.n) == NULL);
	fuzz_must(memchr(strbuf_text(&out), '\n', out.n) == NULL);
	strbuf_reset(&out);
	escape_controls(&out, text, n);
	fuzz_check_printed(strbuf_text(&out), out.n);
	strbuf_reset(&out);
	(void)escape_invalid(&out, text, n);
	strbuf_free(&out);
}

static void read_map(const char *text, size_t n)
{
	struct perf_map map = { .tried = false };

	perf_map_parse(&map, text, n);
	for (uint64_t at = 0; at < 0x8000; at += 0x123)
		(void)perf_map_at(&map, at);
	(void)perf_map_at(&map, UINT64_MAX);
	map.text = NULL;
	perf_map_free(&map);
}

void fuzz_names(const uint8_t *data, size_t n)
{
	char *bytes = fuzz_copy(data, n);
	char *text = calloc(1, n + 1);

	fuzz_must(text != NULL);
	if (n > 0)
		memcpy(text, data, n);
	escape(bytes, n);
	read_map(bytes, n);
	(void)cython_is_function(text);
	free(cython_name(text));
	free(text);
	free(bytes);
}
