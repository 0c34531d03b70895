/* Is a file what code came from? Where its first line has `def f`, `class C`, `type T` (3.12), a
 * decorator or `lambda` for the code's name, nothing speaks against it. */
#include <ctype.h>
#include <string.h>

#include "python/source/source.h"

enum { LOOKED_AT = 4096 }; /* bytes of a line */

/* Can c be in an identifier? Beyond ASCII: any. */
static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Is the word in the line? */
static bool has_word(const struct py_source_line *line, const char *word, size_t n)
{
	const char *at = line->text, *end = at + line->n;

	for (; (at = memmem(at, (size_t)(end - at), word, n)) != NULL; at++) {
		if ((at == line->text || !is_word(at[-1])) && (at + n == end || !is_word(at[n])))
			return true;
	}
	return false;
}

#define HAS_WORD(line, word) has_word((line), (word), sizeof(word) - 1)

static bool is_decorator(const struct py_source_line *line)
{
	size_t i = 0;

	while (i < line->n && (line->text[i] == ' ' || line->text[i] == '\t' || line->text[i] == '\f'))
		i++;
	return i < line->n && line->text[i] == '@';
}

/* The part of an identifier that is ASCII: Python normalizes the rest (NFKC). */
static bool is_ascii(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] >= 0x80)
			return false;
	}
	return true;
}

bool source_contradicts(const struct source_file *f, const struct py_code *code)
{
	static const char made_by_compiler[] = "__annotate__"; /* 3.14 */
	static const char lambda[] = "<lambda>";
	struct py_source_line line;

	if (code->first_line <= 0 || code->name_len == 0 || strcmp(code->name, made_by_compiler) == 0)
		return false;
	if (strcmp(code->name, lambda) == 0)
		return !source_line(f, code->first_line, &line) ||
		       (line.n <= LOOKED_AT && !HAS_WORD(&line, "lambda"));
	if (code->name[0] == '<')
		return false; /* modules, comprehensions and others begin anywhere */
	if (!source_line(f, code->first_line, &line))
		return true;
	line.n = line.n < LOOKED_AT ? line.n : LOOKED_AT;
	if (is_decorator(&line))
		return false;
	return !(HAS_WORD(&line, "def") || HAS_WORD(&line, "class") || HAS_WORD(&line, "type")) ||
	       (is_ascii(code->name, code->name_len) && !has_word(&line, code->name, code->name_len));
}
