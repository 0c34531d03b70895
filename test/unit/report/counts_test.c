/* Folded lines, text read back, and counts. */
#include "report/counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/folded.h"
#include "report/parse.h"
#include "report/text_color.h"
#include "support/run_suite.h"

static struct symbol_name poll_name = {
	.pc = 0x101f, .object = "libc.so.6", .symbol = "poll", .offset = 0x1f
};
static struct symbol_name main_name = {
	.id = 1, .pc = 0x2005, .object = "py;3", .symbol = "operator+", .offset = 5
};
static struct symbol_source *inlined_source(void)
{
	static union {
		struct symbol_source source;
		char room[sizeof(struct symbol_source) + 3 * sizeof(struct symbol_line)];
	} s;

	s.source.n = 3;
	s.source.at[0] = (struct symbol_line){ "_Z", "i[](a; b)", "i.c", "/", 7, 1 };
	s.source.at[1] = (struct symbol_line){ "h", NULL, "h.c", "/", 8, 0 };
	s.source.at[2] = (struct symbol_line){ "main", NULL, "../f (x).c", "/", 12, 0 };
	return &s.source;
}

static struct symbol_name nameless = {
	.id = 2, .pc = 0x7f000060a172, .object = "python3.11", .address = 0x60a172
};

static void push(struct record_thread *t, struct record_item item)
{
	ck_assert(vec_push(&t->items, item));
}

/* poll, [f], [g] ?, nameless, (signal handler called), operator+ */
static struct record_thread some_stack(struct py_code *code)
{
	struct record_thread t = { .name = "" };

	push(&t, (struct record_item){ .kind = RECORD_NATIVE, .name = &poll_name });
	push(&t, (struct record_item){ .kind = RECORD_PYTHON, .line = 1, .code_id = 1, .code = code });
	push(&t, (struct record_item){
		     .kind = RECORD_PYTHON, .line = 2, .code_id = 1, .code = code, .uncertain = true });
	push(&t, (struct record_item){ .kind = RECORD_NATIVE, .name = &nameless });
	push(&t, (struct record_item){ .kind = RECORD_REMARK, .remark = REMARK_SIGNAL_HANDLER });
	push(&t, (struct record_item){ .kind = RECORD_NATIVE, .name = &main_name });
	return t;
}

START_TEST(folded)
{
	char file[] = "/srv/a;b.py", name[] = "f (x)";
	struct py_code code = {
		.file = file, .name = name, .file_len = strlen(file), .name_len = strlen(name)
	};
	struct record_thread t = some_stack(&code);
	struct text_style style = { false };
	struct strbuf out = STRBUF_EMPTY;

	folded_stack(&t, &style, &out);
	ck_assert_str_eq(strbuf_text(&out),
	    "py\\x3b3`operator+;(signal handler called);python3.11`0x60a172;libc.so.6`poll;"
	    "f \\x28x) (/srv/a\\x3bb.py:2) ?;f \\x28x) (/srv/a\\x3bb.py:1)");
	strbuf_free(&out);
	record_thread_free(&t);
}
END_TEST

static void count_one(void *data, const struct record_thread *stack, uint64_t count)
{
	struct counts *c = data;
	struct text_cache cache = { VEC_EMPTY, ADDRMAP_EMPTY, VEC_EMPTY, 0 };
	char *text = counts_text(c, stack, &cache);

	ck_assert_ptr_nonnull(text);
	counts_add(c, text, count);
	free(text);
	text_cache_free(&cache);
}

/* Read the text of a stack with colours, after a header and a state with colours. */
static void parse_colored(struct parse *p, const struct strbuf *text)
{
	static const char head[] = "---- thread# 2 ----\n" TEXT_INDENT "(in poll; collecting garbage ?)\n";
	char *all = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&all, &n);

	ck_assert_ptr_nonnull(out);
	text_write(head, strlen(head), true, out);
	text_write(strbuf_text(text), text->n, true, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_ptr_nonnull(strchr(all, '\033'));
	for (const char *at = all; *at != '\0'; at += strcspn(at, "\n") + 1)
		parse_line(p, at, strcspn(at, "\n"));
	free(all);
}

/* bpftrace prints names as they are. */
START_TEST(control_characters)
{
	static const char *const lines[] = { "@[", "    f\x1b[2Jg\xff+12", "]: 3" };
	static const char want[] = "\n              f\\x1b[2Jg\\xff+12\n                3\n";
	struct counts c = { .format = COUNTS_TEXT };
	struct parse p = { .take = count_one, .data = &c };
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		parse_line(&p, lines[i], strlen(lines[i]));
	parse_finish(&p);
	counts_print(&c, 0, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(text, want);
	free(text);
	counts_free(&c);
}
END_TEST

/* A stack that was printed and read back is counted as the same; folded too. */
START_TEST(read_back)
{
	char file[] = "/srv/a:1 (b.py", name[] = "f (x)";
	struct py_code code = {
		.file = file, .name = name, .file_len = strlen(file), .name_len = strlen(name)
	};

	for (int is_folded = 0; is_folded < 2; is_folded++) {
		struct counts c = { .format = is_folded ? COUNTS_FOLDED : COUNTS_TEXT };
		struct record_thread t = some_stack(&code);
		struct text_cache cache = { VEC_EMPTY, ADDRMAP_EMPTY, VEC_EMPTY, 0 };
		struct parse p = { .take = count_one, .data = &c };
		struct strbuf text = STRBUF_EMPTY;
		const char *at;

		main_name.source = inlined_source();
		count_one(&c, &t, 2);
		(void)text_stack(&t, 0, &c.style, &cache, &text);
		parse_line(&p, "----- thread# 1 -----", 21);
		parse_line(&p, TEXT_INDENT "(in poll; daemon)", 31);
		for (at = strbuf_text(&text); *at != '\0'; at += strcspn(at, "\n") + 1)
			parse_line(&p, at, strcspn(at, "\n"));
		parse_colored(&p, &text);
		parse_finish(&p);
		ck_assert(!p.failed);
		ck_assert_uint_eq(c.at.n, 1);
		ck_assert_uint_eq(c.at.at[0].count, 4);
		strbuf_free(&text);
		text_cache_free(&cache);
		record_thread_free(&t);
		counts_free(&c);
	}
}
END_TEST

/* Lines that pystack does not write, and halves of annotations. */
START_TEST(foreign_lines)
{
	static const char *const lines[] = { "  app`f+12", "  [ x", "  [ f:1 (]", "  [ a.py:7 (g) ]", "@[",
		"  poll+79", "]: 5", "@[", "  a.so`T::operator[](int; int)+0x1f (a b.c:12)",
		"  a.so`f(int) [inlined] (a.c:3)", "  a.so`g+0x1 (../a.c:4)", "]: 6" };
	struct counts c = { .format = COUNTS_FOLDED };
	struct parse p = { .take = count_one, .data = &c };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		parse_line(&p, lines[i], strlen(lines[i]));
	parse_finish(&p);
	ck_assert_uint_eq(c.at.n, 4);
	ck_assert_str_eq(c.at.at[3].text, "a.so`g;a.so`f(int) [inlined];a.so`T::operator[](int\\x3b int)");
	ck_assert_str_eq(c.at.at[0].text, "app`f");
	ck_assert_str_eq(c.at.at[1].text, "g (a.py:7);[ f:1 (]");
	ck_assert_str_eq(c.at.at[2].text, "poll");
	ck_assert_uint_eq(c.at.at[2].count, 5);
	counts_free(&c);
}
END_TEST

START_TEST(printed)
{
	static const struct {
		const char *text;
		uint64_t count;
	} adds[] = { { "a", 2 }, { "b", 7 }, { "a", 1 }, { "c", 1 } };
	struct counts c = { .format = COUNTS_FOLDED };
	char *out = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&out, &n);

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < sizeof(adds) / sizeof(adds[0]); i++)
		counts_add(&c, adds[i].text, adds[i].count);
	counts_print(&c, 2, f);
	(void)fclose(f);
	ck_assert_str_eq(out, "a 3\nb 7\n");
	free(out);
	counts_free(&c);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { folded, read_back, control_characters, foreign_lines, printed };

	return run_suite("report/counts", tests, sizeof(tests) / sizeof(tests[0]));
}
