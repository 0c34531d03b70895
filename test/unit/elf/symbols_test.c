/* Symbols by address, compared with a linear search; by name, with and without a hash table; and of
 * real libraries. */
#include <check.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf/symbols_impl.h"
#include "support/elf_builder.h"
#include "support/run_suite.h"

static struct elf_image *open_built(const struct elf_builder *b)
{
	struct elf_image *img = NULL;
	int fd = elf_builder_fd(b, b->n);

	ck_assert_int_eq(elf_image_open(fd, &img, NULL), RES_OK);
	(void)close(fd);
	return img;
}

struct table {
	struct elf_image *img;
	struct elf_symbols *syms;
};

/* Segments of what is built begin at [0] and at [1]; [1] 0: there are none. */
static uint64_t segments[2];

static struct table build(
    const struct elf_builder_sym *symtab, size_t n, const struct elf_builder_sym *dynsym, size_t m)
{
	struct elf_builder b;
	struct table t;

	elf_builder_start(&b, ET_DYN);
	if (n != 0)
		(void)elf_builder_symbols(&b, SHT_SYMTAB, symtab, n);
	if (m != 0)
		(void)elf_builder_symbols(&b, SHT_DYNSYM, dynsym, m);
	for (size_t i = 0; segments[1] != 0 && i < 2; i++)
		elf_builder_segment(&b, PT_LOAD, PF_R, 0, segments[i], 16, 1);
	elf_builder_finish(&b);
	t.img = open_built(&b);
	t.syms = elf_symbols_create(t.img);
	elf_builder_free(&b);
	return t;
}

static void drop(struct table *t)
{
	elf_symbols_destroy(t->syms);
	elf_image_close(t->img);
}

/* "name+offset", or "-" if there is no symbol. */
static const char *at(struct table *t, uint64_t vaddr, char buf[64])
{
	struct elf_symbol sym;

	if (elf_symbols_by_addr(t->syms, vaddr, &sym) != RES_OK)
		return "-";
	(void)snprintf(buf, 64, "%.*s+%lu", (int)sym.name_len, sym.name, vaddr - sym.sym.st_value);
	return buf;
}

#define ck_at(t, vaddr, want)                                     \
	do {                                                      \
		char at_buf[64];                                  \
		ck_assert_str_eq(at((t), (vaddr), at_buf), want); \
	} while (0)

START_TEST(half_open_ranges_and_gaps)
{
	static const struct elf_builder_sym symtab[] = {
		{ "b", 0x200, 0x10, STB_GLOBAL, STT_FUNC, 1 },
		{ "a", 0x100, 0x10, STB_GLOBAL, STT_FUNC, 1 },
		{ "empty", 0x150, 0, STB_GLOBAL, STT_FUNC, 1 },
		{ "label", 0x105, 0, STB_GLOBAL, STT_FUNC, 1 },
		{ "empty data", 0x160, 0, STB_GLOBAL, STT_OBJECT, 2 },
		{ "data", 0x300, 8, STB_GLOBAL, STT_OBJECT, 2 },
		{ "tls", 0x400, 8, STB_GLOBAL, STT_TLS, 2 },
		{ "notype", 0x500, 8, STB_GLOBAL, STT_NOTYPE, 2 },
		{ "plt", 0x600, 8, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
		{ "abs", 0x700, 8, STB_GLOBAL, STT_FUNC, SHN_ABS },
		{ "ifunc", 0x800, 8, STB_GLOBAL, STT_GNU_IFUNC, 1 },
		{ "", 0x900, 8, STB_GLOBAL, STT_FUNC, 1 },
	};
	struct table t = build(symtab, sizeof(symtab) / sizeof(symtab[0]), NULL, 0);

	ck_at(&t, 0xff, "-");
	ck_at(&t, 0x100, "a+0");
	ck_at(&t, 0x10f, "a+15");
	ck_at(&t, 0x110, "-");
	ck_at(&t, 0x105, "a+5");
	ck_at(&t, 0x14f, "-");
	ck_at(&t, 0x150, "empty+0");
	ck_at(&t, 0x151, "-");
	ck_at(&t, 0x160, "-");
	ck_at(&t, 0x20f, "b+15");
	ck_at(&t, 0x307, "data+7");
	ck_at(&t, 0x400, "-");
	ck_at(&t, 0x500, "-");
	ck_at(&t, 0x600, "-");
	ck_at(&t, 0x700, "-");
	ck_at(&t, 0x801, "ifunc+1");
	ck_at(&t, 0x900, "-");
	ck_at(&t, 0, "-");
	ck_at(&t, UINT64_MAX, "-");
	drop(&t);
}
END_TEST

START_TEST(nested_and_overlapping)
{
	bool is_32bit = elf_builder_class == ELFCLASS32;
	uint64_t huge = is_32bit ? 0x90000000 : 0x1ffffff00, late = is_32bit ? 0xf0000000 : 0x300000000;
	const struct elf_builder_sym symtab[] = {
		{ "outer", 0x1000, 0x1000, STB_GLOBAL, STT_FUNC, 1 },
		{ "inner", 0x1100, 0x10, STB_GLOBAL, STT_FUNC, 1 },
		{ "tail", 0x1f00, 0x200, STB_GLOBAL, STT_FUNC, 1 },
		{ "huge", huge, UINT64_MAX, STB_GLOBAL, STT_FUNC, 1 },
		{ "late", late, 1, STB_GLOBAL, STT_FUNC, 1 },
	};
	struct table t = build(symtab, sizeof(symtab) / sizeof(symtab[0]), NULL, 0);

	ck_at(&t, 0x10ff, "outer+255");
	ck_at(&t, 0x1100, "inner+0");
	ck_at(&t, 0x1110, "outer+272");
	ck_at(&t, 0x1eff, "outer+3839");
	ck_at(&t, 0x1f00, "tail+0");
	ck_at(&t, 0x20ff, "tail+511");
	ck_at(&t, 0x2100, "-");
	ck_at(&t, huge - 1, "-");
	ck_at(&t, late, "late+0");
	ck_at(&t, late + 1, is_32bit ? "huge+1610612737" : "huge+4294967553");
	drop(&t);
}
END_TEST

/* Each rule of the choice decides if all rules before it are equal. */
START_TEST(ties_at_one_address)
{
	static const struct {
		struct elf_builder_sym a, b;
		const char *want;
	} rows[] = {
		{ { "z", 16, 9, STB_LOCAL, STT_FUNC, 1 }, { "a", 16, 8, STB_GLOBAL, STT_OBJECT, 1 }, "z+1" },
		{ { "a", 16, 8, STB_LOCAL, STT_FUNC, 1 }, { "__z", 16, 9, STB_WEAK, STT_FUNC, 1 }, "__z+1" },
		{ { "$a", 16, 8, STB_LOCAL, STT_FUNC, 1 }, { "_z", 16, 9, STB_LOCAL, STT_FUNC, 1 }, "_z+1" },
		{ { "__a", 16, 8, STB_WEAK, STT_FUNC, 1 }, { "_z", 16, 9, STB_GLOBAL, STT_FUNC, 1 }, "_z+1" },
		{ { "_a", 16, 9, STB_WEAK, STT_FUNC, 1 }, { "_z", 16, 8, STB_GLOBAL, STT_FUNC, 1 }, "_z+1" },
		{ { "_b", 16, 8, STB_WEAK, STT_FUNC, 1 }, { "_a", 16, 8, STB_GLOBAL, STT_FUNC, 1 }, "_a+1" },
		{ { "a", 16, 1, STB_GLOBAL, STT_FUNC, 1 }, { "z", 16, 8, STB_LOCAL, STT_OBJECT, 1 }, "z+1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct elf_builder_sym there[] = { rows[i].a, rows[i].b };
		const struct elf_builder_sym back[] = { rows[i].b, rows[i].a };
		struct table t = build(there, 2, NULL, 0);
		struct table u = build(back, 2, NULL, 0);
		struct table v = build(back, 1, there, 1);

		ck_at(&t, 17, rows[i].want);
		ck_at(&u, 17, rows[i].want);
		ck_at(&v, 17, rows[i].want);
		drop(&t);
		drop(&u);
		drop(&v);
	}
}
END_TEST

START_TEST(versions_are_cut_and_nothing_else)
{
	static const struct elf_builder_sym symtab[] = {
		{ "read@@GLIBC_2.2.5", 0x100, 8, STB_GLOBAL, STT_FUNC, 1 },
		{ "old@GLIBC_2.0", 0x200, 8, STB_GLOBAL, STT_FUNC, 1 },
		{ "eval.cold", 0x300, 8, STB_LOCAL, STT_FUNC, 1 },
		{ "f.lto_priv.0", 0x400, 8, STB_LOCAL, STT_FUNC, 1 },
		{ "@odd", 0x500, 8, STB_LOCAL, STT_FUNC, 1 },
	};
	struct table t = build(symtab, sizeof(symtab) / sizeof(symtab[0]), NULL, 0);
	struct elf_symbol sym;

	ck_at(&t, 0x100, "read+0");
	ck_at(&t, 0x200, "old+0");
	ck_at(&t, 0x300, "eval.cold+0");
	ck_at(&t, 0x400, "f.lto_priv.0+0");
	ck_at(&t, 0x500, "@odd+0");
	ck_assert_int_eq(elf_symbols_by_name(t.syms, "read", &sym), RES_OK);
	ck_assert_uint_eq(sym.sym.st_value, 0x100);
	ck_assert_uint_eq(sym.name_len, 4);
	ck_assert_str_eq(sym.name, "read@@GLIBC_2.2.5");
	ck_assert_int_eq(elf_symbols_by_name(t.syms, "rea", &sym), RES_NONE);
	ck_assert_int_eq(elf_symbols_by_name(t.syms, "eval", &sym), RES_NONE);
	ck_assert_int_eq(elf_symbols_by_name(t.syms, "", &sym), RES_NONE);
	drop(&t);
}
END_TEST

START_TEST(by_name_prefers_defined_then_dynamic)
{
	static const struct elf_builder_sym symtab[] = {
		{ "both", 0x100, 8, STB_GLOBAL, STT_FUNC, 1 },
		{ "there", 0x200, 8, STB_GLOBAL, STT_FUNC, 1 },
		{ "file.c", 0, 0, STB_LOCAL, STT_FILE, SHN_ABS },
	};
	static const struct elf_builder_sym dynsym[] = {
		{ "there", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
		{ "both", 0x300, 8, STB_GLOBAL, STT_FUNC, 1 },
		{ "wanted", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
	};
	struct table t = build(symtab, 3, dynsym, 3);
	struct elf_symbol sym;

	ck_assert(elf_symbols_has_symtab(t.syms));
	ck_assert_int_eq(elf_symbols_by_name(t.syms, "both", &sym), RES_OK);
	ck_assert_int_eq(sym.table, ELF_DYNSYM);
	ck_assert_uint_eq(sym.id, 2);
	ck_assert_int_eq(elf_symbols_by_name(t.syms, "there", &sym), RES_OK);
	ck_assert_int_eq(sym.table, ELF_SYMTAB);
	ck_assert_uint_eq(sym.sym.st_value, 0x200);
	ck_assert_int_eq(elf_symbols_by_name(t.syms, "wanted", &sym), RES_OK);
	ck_assert_uint_eq(sym.sym.st_shndx, SHN_UNDEF);
	ck_assert_int_eq(elf_symbols_by_name(t.syms, "file.c", &sym), RES_NONE);
	drop(&t);
	t = build(NULL, 0, dynsym, 3);
	ck_assert(!elf_symbols_has_symtab(t.syms));
	drop(&t);
}
END_TEST

START_TEST(what_the_dynamic_table_says)
{
	static const struct elf_builder_sym symtab[] = {
		{ "local", 0x100, 8, STB_LOCAL, STT_FUNC, 1 },
		{ "wanted too", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
	};
	static const struct elf_builder_sym dynsym[] = {
		{ "wanted", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
		{ "given", 0x300, 8, STB_GLOBAL, STT_FUNC, 1 },
	};
	struct table t = build(symtab, 2, dynsym, 2);

	ck_assert(elf_symbols_dynamic(t.syms));
	ck_assert(elf_symbols_exports(t.syms, "given"));
	ck_assert(!elf_symbols_imports(t.syms, "given"));
	ck_assert(elf_symbols_imports(t.syms, "wanted"));
	ck_assert(!elf_symbols_exports(t.syms, "wanted"));
	ck_assert(!elf_symbols_exports(t.syms, "local"));
	ck_assert(!elf_symbols_imports(t.syms, "wanted too"));
	ck_assert(!elf_symbols_exports(t.syms, ""));
	drop(&t);
	t = build(symtab, 2, NULL, 0);
	ck_assert(!elf_symbols_dynamic(t.syms));
	ck_assert(!elf_symbols_imports(t.syms, "wanted too"));
	drop(&t);
}
END_TEST

/* A symbol that one table imports and a later table defines. */
START_TEST(by_name_in_one_table)
{
	static const struct elf_builder_sym symtab[] = {
		{ "x", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
		{ "y", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
		{ "x", 0x100, 8, STB_GLOBAL, STT_FUNC, 1 },
		{ "y", 0, 8, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
	};
	struct table t = build(symtab, 4, NULL, 0);
	struct elf_symbol sym;

	ck_assert_int_eq(elf_symbols_by_name(t.syms, "x", &sym), RES_OK);
	ck_assert_uint_eq(sym.sym.st_value, 0x100);
	ck_assert_int_eq(elf_symbols_by_name(t.syms, "y", &sym), RES_OK);
	ck_assert_uint_eq(sym.id, 2);
	drop(&t);
}
END_TEST

START_TEST(debug_file_adds_its_symtab)
{
	static const struct elf_builder_sym dynsym[] = { { "public", 0x100, 8, STB_GLOBAL, STT_FUNC, 1 } };
	static const struct elf_builder_sym symtab[] = {
		{ "public", 0x100, 8, STB_GLOBAL, STT_FUNC, 1 },
		{ "hidden", 0x200, 8, STB_LOCAL, STT_FUNC, 1 },
	};
	struct table t = build(NULL, 0, dynsym, 1);
	struct table debug = build(symtab, 2, NULL, 0);
	struct elf_symbol sym;

	elf_symbols_attach_debug(t.syms, debug.img);
	elf_symbols_destroy(debug.syms);
	ck_at(&t, 0x104, "public+4");
	ck_at(&t, 0x204, "hidden+4");
	ck_assert_int_eq(elf_symbols_by_name(t.syms, "hidden", &sym), RES_OK);
	ck_assert_int_eq(sym.table, ELF_SYMTAB);
	drop(&t);
}
END_TEST

START_TEST(names_outside_the_string_table_are_skipped)
{
	static const struct elf_builder_sym symtab[] = {
		{ "good", 0x100, 8, STB_GLOBAL, STT_FUNC, 1 },
		{ "bad", 0x200, 8, STB_GLOBAL, STT_FUNC, 1 },
		{ "unterminated", 0x300, 8, STB_GLOBAL, STT_FUNC, 1 },
	};
	struct elf_builder b;
	struct table t;
	struct elf_symbol sym;
	uint32_t wild = 0x7fffffff;
	size_t index;

	elf_builder_start(&b, ET_DYN);
	index = elf_builder_symbols(&b, SHT_SYMTAB, symtab, 3);
	memcpy(b.bytes + b.shdrs[index].sh_offset + 2 * elf_builder_sym(&b), &wild, sizeof(wild));
	b.shdrs[b.shdrs[index].sh_link].sh_size -= 1;
	elf_builder_finish(&b);
	t.img = open_built(&b);
	t.syms = elf_symbols_create(t.img);
	ck_at(&t, 0x100, "good+0");
	ck_at(&t, 0x200, "-");
	ck_at(&t, 0x300, "-");
	ck_assert_int_eq(elf_symbols_by_name(t.syms, "unterminated", &sym), RES_NONE);
	drop(&t);
	elf_builder_free(&b);
}
END_TEST

/* --- comparison with a linear search --- */

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

START_TEST(order_agrees_with_linear_search)
{
	enum { N = 400 };
	static struct elf_builder_sym symtab[N];
	static char names[N][8];
	uint64_t seed = 42, wide = _i % 2 == 0 ? 1 : elf_builder_class == ELFCLASS32 ? 0x100001 : 0x10000001;
	struct table t;

	/* Symbols are divided by segments; some lie before and behind. */
	segments[0] = _i < 2 ? 0 : 100 * wide;
	segments[1] = _i < 2 ? 0 : 2700 * wide;

	for (size_t i = 0; i < N; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "s%03zu", i);
		symtab[i] = (struct elf_builder_sym){ names[i], (next_random(&seed) % 3000) * wide,
			next_random(&seed) % (i % 37 == 0 ? 900 : 20), STB_GLOBAL, STT_FUNC, 1 };
	}
	t = build(symtab, N, NULL, 0);
	for (uint64_t i = 0; i < 3100; i++) {
		uint64_t vaddr = i * wide + (i & 1 ? i % 20 : 0);
		const struct elf_builder_sym *best = NULL, *unsized = NULL;
		struct elf_symbol sym;
		enum res res = elf_symbols_by_addr(t.syms, vaddr, &sym);

		for (size_t k = 0; k < N; k++) {
			if (vaddr == symtab[k].value && symtab[k].size == 0 && unsized == NULL)
				unsized = &symtab[k];
			if (vaddr < symtab[k].value || vaddr - symtab[k].value >= symtab[k].size)
				continue;
			if (best == NULL || symtab[k].value > best->value ||
			    (symtab[k].value == best->value && symtab[k].size < best->size))
				best = &symtab[k];
		}
		best = best == NULL ? unsized : best;
		ck_assert_int_eq(res, best == NULL ? RES_NONE : RES_OK);
		if (best != NULL)
			ck_assert_str_eq(sym.name, best->name);
	}
	segments[1] = 0;
	drop(&t);
}
END_TEST

/* A file with a hole can claim more symbols than can be searched. */
START_TEST(endless_table)
{
	const size_t size = (size_t)4 << 30;
	void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	const uint8_t ident[EI_NIDENT] = { [EI_CLASS] = elf_builder_class };
	struct symbol_table t;

	ck_assert_ptr_ne(at, MAP_FAILED);
	symbol_table_set(&t, elf_class_of(ident), ELF_SYMTAB, span_of(at, size), span_of("", 1));
	ck_assert_uint_eq(t.n, SYMBOLS_MAX);
	(void)munmap(at, size);
}
END_TEST

/* --- real files --- */

static int find_libc(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	if (strstr(info->dlpi_name, "/libc.so.6") == NULL)
		return 0;
	*(struct dl_phdr_info *)data = *info;
	return 1;
}

/* The run-time linker's answers for libc itself, because sanitizers interpose its functions. */
static void check_against_loader(struct elf_symbols *syms, uint64_t bias)
{
	static const char *const known[] = { "qsort", "setvbuf", "getenv", "poll" };
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	struct elf_symbol sym;

	ck_assert_ptr_nonnull(libc);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint64_t addr = (uint64_t)(uintptr_t)dlsym(libc, known[i]);

		ck_assert_int_eq(elf_symbols_by_name(syms, known[i], &sym), RES_OK);
		ck_assert_uint_eq(sym.sym.st_value + bias, addr);
		ck_assert_int_eq(elf_symbols_by_addr(syms, addr + 1 - bias, &sym), RES_OK);
		ck_assert_uint_eq(sym.sym.st_value + bias, addr);
	}
	ck_assert_int_eq(elf_symbols_by_name(syms, "no_such_function_at_all", &sym), RES_NONE);
	(void)dlclose(libc);
}

START_TEST(libc_by_hash_and_by_address)
{
	struct dl_phdr_info info;
	struct elf_image *img = NULL;
	struct elf_symbols *syms;
	int fd;

	if (dl_iterate_phdr(find_libc, &info) == 0) {
		puts("SKIP: no shared libc.so.6");
		return;
	}
	fd = open(info.dlpi_name, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(elf_image_open(fd, &img, NULL), RES_OK);
	(void)close(fd);
	syms = elf_symbols_create(img);
	check_against_loader(syms, info.dlpi_addr);
	elf_symbols_destroy(syms);
	elf_image_close(img);
}
END_TEST

/* The same library in memory: without section headers, so by PT_DYNAMIC, which glibc's linker has
 * relocated. */
static ssize_t read_self(void *data, void *buf, size_t n, uint64_t va)
{
	int fd = *(int *)data;

	return pread(fd, buf, n, (off_t)va);
}

START_TEST(libc_out_of_memory)
{
	struct dl_phdr_info info;
	struct elf_image *img = NULL;
	struct elf_symbols *syms;
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

	if (dl_iterate_phdr(find_libc, &info) == 0 || mem < 0) {
		puts("SKIP: no shared libc.so.6, or no /proc/self/mem");
		return;
	}
	ck_assert_int_eq(elf_image_from_memory(
			     &(struct elf_memory){ read_self, &mem, info.dlpi_addr, 64 << 20 }, &img, NULL),
	    RES_OK);
	ck_assert_uint_eq(elf_image_bias(img), info.dlpi_addr);
	ck_assert_uint_eq(elf_image_shnum(img), 0);
	syms = elf_symbols_create(img);
	check_against_loader(syms, info.dlpi_addr);
	elf_symbols_destroy(syms);
	elf_image_close(img);
	(void)close(mem);
}
END_TEST

/* Every test runs with files of either class. */
static TCase *tests(const char *name, void (*start)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, start, NULL);
	tcase_add_test(tc, half_open_ranges_and_gaps);
	tcase_add_test(tc, nested_and_overlapping);
	tcase_add_test(tc, ties_at_one_address);
	tcase_add_test(tc, versions_are_cut_and_nothing_else);
	tcase_add_test(tc, by_name_prefers_defined_then_dynamic);
	tcase_add_test(tc, what_the_dynamic_table_says);
	tcase_add_test(tc, by_name_in_one_table);
	tcase_add_test(tc, debug_file_adds_its_symtab);
	tcase_add_test(tc, names_outside_the_string_table_are_skipped);
	tcase_add_loop_test(tc, order_agrees_with_linear_search, 0, 4);
	tcase_add_test(tc, endless_table);
	tcase_add_test(tc, libc_by_hash_and_by_address);
	tcase_add_test(tc, libc_out_of_memory);
	return tc;
}

static void use_64bit(void)
{
	elf_builder_class = ELFCLASS64;
}

static void use_32bit(void)
{
	elf_builder_class = ELFCLASS32;
}

int main(void)
{
	Suite *suite = suite_create("elf/symbols");

	suite_add_tcase(suite, tests("64-bit", use_64bit));
	suite_add_tcase(suite, tests("32-bit", use_32bit));
	return run_made_suite(suite);
}
