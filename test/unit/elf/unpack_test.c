/* Compressed sections and symbol tables: valid, damaged, and made to exhaust memory. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bound.h"
#include "elf/debugfile.h"
#include "elf/symbols.h"
#include "elf/unpack.h"
#include "support/elf_builder.h"
#include "support/run_suite.h"

#ifdef WITH_LIBZSTD
#include <zstd.h>
#endif
#ifdef WITH_LIBLZMA
#include <lzma.h>
#endif

enum { PLAIN = 40000, PACKED = 1 << 20 };

static void fill(uint8_t *plain, size_t n)
{
	uint32_t seed = 7;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		plain[i] = (uint8_t)(i % 16 < 12 ? i >> 8 : seed >> 24);
	}
}

#if defined(WITH_LIBZSTD) || defined(WITH_LIBLZMA)

static struct elf_image *open_built(const struct elf_builder *b)
{
	struct elf_image *img = NULL;
	int fd = elf_builder_fd(b, b->n);

	ck_assert_int_eq(elf_image_open(fd, &img, NULL), RES_OK);
	(void)close(fd);
	return img;
}

#endif

/* Damage each byte of the input and truncate it anywhere: never more than n bytes, and no crash. */
static void damage(enum unpack_kind kind, const uint8_t *packed, size_t n, const uint8_t *plain)
{
	uint8_t *copy = malloc(n);

	ck_assert_ptr_nonnull(copy);
	for (size_t i = 0; i < n && i < 3000; i++) {
		void *out;

		memcpy(copy, packed, n);
		copy[i] ^= (uint8_t)(1 + i * 37 % 255);
		free(unpack_section(kind, span_of(copy, n), PLAIN));
		/* A truncated input cannot give all bytes, but a short missing end may be just a
		 * checksum. */
		out = unpack_section(kind, span_of(packed, n * i / 3000), PLAIN);
		ck_assert(out == NULL || memcmp(out, plain, PLAIN) == 0);
		free(out);
	}
	free(copy);
}

START_TEST(what_is_plausible)
{
	ck_assert(unpack_plausible(1, UNPACK_FREE));
	ck_assert(!unpack_plausible(1, UNPACK_FREE + UNPACK_RATIO));
	ck_assert(unpack_plausible(UNPACK_FREE, (uint64_t)UNPACK_FREE * UNPACK_RATIO));
	ck_assert(!unpack_plausible(SIZE_MAX, (uint64_t)UNPACK_MAX + 1));
	ck_assert(!unpack_plausible(SIZE_MAX, UINT64_MAX));
}
END_TEST

START_TEST(sections_by_zlib)
{
	uint8_t plain[PLAIN], *packed = malloc(PACKED);
	uLongf n = PACKED;
	void *out;

	fill(plain, PLAIN);
	ck_assert_ptr_nonnull(packed);
	ck_assert_int_eq(compress(packed, &n, plain, PLAIN), Z_OK);
	out = unpack_section(UNPACK_ZLIB, span_of(packed, n), PLAIN);
	ck_assert(out != NULL && memcmp(out, plain, PLAIN) == 0);
	free(out);
	ck_assert_ptr_null(unpack_section(UNPACK_ZLIB, span_of(packed, n), PLAIN + 1));
	ck_assert_ptr_null(unpack_section(UNPACK_ZLIB, span_of(packed, n), PLAIN - 1));
	ck_assert_ptr_null(unpack_section(UNPACK_ZLIB, span_of(packed, n), UINT64_MAX));
	ck_assert_ptr_null(unpack_section(77, span_of(packed, n), PLAIN));
	damage(UNPACK_ZLIB, packed, n, plain);
	free(packed);
}
END_TEST

#ifdef WITH_LIBZSTD

START_TEST(sections_by_zstd)
{
	uint8_t plain[PLAIN], *packed = malloc(PACKED);
	struct elf_builder b;
	struct elf_image *img;
	struct span bytes;
	Elf64_Chdr head = { .ch_type = UNPACK_ZSTD, .ch_size = PLAIN, .ch_addralign = 1 };
	size_t n, index;
	uint64_t off;

	fill(plain, PLAIN);
	ck_assert_ptr_nonnull(packed);
	n = ZSTD_compress(packed, PACKED, plain, PLAIN, 3);
	ck_assert(!ZSTD_isError(n));
	elf_builder_start(&b, ET_DYN);
	off = elf_builder_add(&b, &head, sizeof(head), 8);
	(void)elf_builder_add(&b, packed, n, 1);
	index = elf_builder_section(&b, ".zstd", SHT_PROGBITS, 0, off, sizeof(head) + n);
	b.shdrs[index].sh_flags = SHF_COMPRESSED;
	elf_builder_finish(&b);
	img = open_built(&b);
	ck_assert_int_eq(elf_image_section(img, ".zstd", NULL, &bytes), RES_OK);
	ck_assert_uint_eq(span_left(&bytes), PLAIN);
	ck_assert_int_eq(memcmp(bytes.at, plain, PLAIN), 0);
	ck_assert_ptr_null(unpack_section(UNPACK_ZSTD, span_of(packed, n), PLAIN + 1));
	ck_assert_ptr_null(unpack_section(UNPACK_ZSTD, span_of(packed, n), PLAIN - 1));
	damage(UNPACK_ZSTD, packed, n, plain);
	elf_image_close(img);
	elf_builder_free(&b);
	free(packed);
}
END_TEST

/* zstd compresses 20 MB of zeros to some kilobytes: the size is true, but refused. */
START_TEST(a_bomb_by_zstd)
{
	enum { BOMB = 20 << 20 };
	uint8_t *zeros = calloc(1, BOMB), *packed = malloc(PACKED);
	size_t n;

	ck_assert(zeros != NULL && packed != NULL);
	n = ZSTD_compress(packed, PACKED, zeros, BOMB, 1);
	ck_assert(!ZSTD_isError(n));
	ck_assert_ptr_null(unpack_section(UNPACK_ZSTD, span_of(packed, n), BOMB));
	free(zeros);
	free(packed);
}
END_TEST

#endif

#ifdef WITH_LIBLZMA

static size_t pack_xz(uint8_t *packed, const void *plain, size_t n)
{
	size_t at = 0;

	ck_assert_int_eq(
	    lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, plain, n, packed, &at, PACKED), LZMA_OK);
	return at;
}

/* In place of base's: the time is over after so many looks at it. */
static int looks = INT_MAX;

bool bound_passed(enum bound_part part)
{
	return part == BOUND_FILES && looks-- <= 0;
}

/* A file without symbols that has these bytes as .gnu_debugdata. */
static struct elf_image *carrier(const void *packed, size_t n)
{
	struct elf_builder b;
	struct elf_image *img;

	elf_builder_start(&b, ET_DYN);
	(void)elf_builder_section(
	    &b, ".gnu_debugdata", SHT_PROGBITS, 0, elf_builder_add(&b, packed, n, 1), n);
	elf_builder_finish(&b);
	img = open_built(&b);
	elf_builder_free(&b);
	return img;
}

START_TEST(symbols_of_a_stripped_file)
{
	static const struct elf_builder_sym sym = { "hidden_one", 0x1000, 0x20, STB_LOCAL, STT_FUNC, 1 };
	uint8_t *packed = malloc(PACKED);
	struct elf_image *img, *debug = NULL;
	struct elf_symbols *syms;
	struct elf_symbol found;
	struct elf_builder b;
	struct fault fault;
	size_t n;

	ck_assert_ptr_nonnull(packed);
	elf_builder_start(&b, ET_DYN);
	(void)elf_builder_symbols(&b, SHT_SYMTAB, &sym, 1);
	elf_builder_finish(&b);
	n = pack_xz(packed, b.bytes, b.n);
	elf_builder_free(&b);
	img = carrier(packed, n);
	ck_assert_int_eq(elf_minidebug_open(img, &debug, &fault), RES_OK);
	syms = elf_symbols_create(img);
	elf_symbols_attach_debug(syms, debug);
	ck_assert_int_eq(elf_symbols_by_addr(syms, 0x1010, &found), RES_OK);
	ck_assert_str_eq(found.name, "hidden_one");
	ck_assert_int_eq(elf_symbols_by_name(syms, "hidden_one", &found), RES_OK);
	elf_symbols_destroy(syms);
	elf_image_close(img);
	/* Truncated anywhere, and damaged: no file, or one that is refused. */
	for (size_t i = 0; i < n; i++) {
		uint8_t was = packed[i];

		img = carrier(packed, i);
		ck_assert_int_eq(elf_minidebug_open(img, &debug, &fault), RES_FAIL);
		elf_image_close(img);
		packed[i] ^= 0x41;
		img = carrier(packed, n);
		if (elf_minidebug_open(img, &debug, &fault) == RES_OK)
			elf_image_close(debug);
		elf_image_close(img);
		packed[i] = was;
	}
	free(packed);
}
END_TEST

START_TEST(debugdata_that_is_none)
{
	uint8_t *packed = malloc(PACKED), *zeros = calloc(1, 20 << 20);
	struct elf_image *img, *debug = NULL;
	struct elf_builder b;
	struct fault fault = { 0 };
	size_t n, got = 0;
	uint8_t *out;

	ck_assert(packed != NULL && zeros != NULL);
	elf_builder_start(&b, ET_DYN);
	elf_builder_finish(&b);
	img = open_built(&b);
	ck_assert_int_eq(elf_minidebug_open(img, &debug, &fault), RES_NONE);
	elf_image_close(img);
	elf_builder_free(&b);

	n = pack_xz(packed, "no ELF file", 11);
	img = carrier(packed, n);
	ck_assert_int_eq(elf_minidebug_open(img, &debug, &fault), RES_FAIL);
	elf_image_close(img);

	/* 20 MB in some kB are not plausible, although the size is true. */
	memcpy(zeros, ELFMAG, SELFMAG);
	n = pack_xz(packed, zeros, 20 << 20);
	ck_assert_uint_lt(n, 64 << 10);
	ck_assert_ptr_null(unpack_xz(span_of(packed, n), &got, &fault));
	ck_assert_ptr_nonnull(strstr(fault.text, "limit of 64 times"));
	/* The largest size that is always plausible. */
	n = pack_xz(packed, zeros, UNPACK_FREE);
	out = unpack_xz(span_of(packed, n), &got, &fault);
	ck_assert(out != NULL && got == UNPACK_FREE);
	free(out);
	/* The time ends meanwhile. */
	looks = 3;
	ck_assert_ptr_null(unpack_xz(span_of(packed, n), &got, &fault));
	ck_assert_str_eq(fault.text, "it takes too long to unpack");
	looks = INT_MAX;
	ck_assert_ptr_null(unpack_xz(span_of(packed, n / 2), &got, &fault));
	ck_assert_str_eq(fault.text, "it is truncated");
	n = pack_xz(packed, "no ELF file", 11);
	img = carrier(packed, n);
	ck_assert_int_eq(elf_minidebug_open(img, &debug, &fault), RES_FAIL);
	ck_assert_str_eq(fault.text, "not an ELF file");
	elf_image_close(img);
	free(zeros);
	free(packed);
}
END_TEST

#endif

int main(void)
{
	const TTest *const tests[] = {
		what_is_plausible,
		sections_by_zlib,
#ifdef WITH_LIBZSTD
		sections_by_zstd,
		a_bomb_by_zstd,
#endif
#ifdef WITH_LIBLZMA
		symbols_of_a_stripped_file,
		debugdata_that_is_none,
#endif
	};

#ifndef WITH_LIBZSTD
	(void)puts("SKIP: built without libzstd");
#endif
#ifndef WITH_LIBLZMA
	(void)puts("SKIP: built without liblzma");
#endif
	return run_suite("elf/unpack", tests, sizeof(tests) / sizeof(tests[0]));
}
