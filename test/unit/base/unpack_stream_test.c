/* Compressed files: whole, cut anywhere, damaged, several in one, and more than anybody wants. */
#include <stdlib.h>
#include <string.h>

#include "base/unpack_stream.h"
#include "support/run_suite.h"

#ifdef WITH_ZLIB
#include <zlib.h>
#endif
#ifdef WITH_LIBZSTD
#include <zstd.h>
#endif
#ifdef WITH_LIBLZMA
#include <lzma.h>
#endif
#ifdef WITH_LIBLZ4
#include <lz4frame.h>
#endif

enum { PLAIN = 300000, ROOM = 1 << 20 };

static uint8_t plain[PLAIN];

struct taken {
	uint8_t bytes[2 * PLAIN];
	size_t n, most;
	bool differs; /* from plain, again and again */
};

static bool take(void *data, const void *bytes, size_t n)
{
	struct taken *t = data;

	if (t->n + n > t->most)
		return false;
	memcpy(t->bytes + t->n, bytes, n);
	for (size_t i = 0; i < n; i++)
		t->differs |= t->bytes[t->n + i] != plain[(t->n + i) % PLAIN];
	t->n += n;
	return true;
}

static void fill(void)
{
	uint32_t seed = 7;

	for (size_t i = 0; i < PLAIN; i++) {
		seed = seed * 1103515245 + 12345;
		plain[i] = (uint8_t)(i % 16 < 12 ? i >> 8 : seed >> 24);
	}
}

/* plain, compressed, in out. 0: not built in. */
static size_t pack(enum stream_format format, uint8_t *out)
{
	switch (format) {
#ifdef WITH_ZLIB
	case STREAM_GZIP: {
		z_stream z = { .next_in = plain, .avail_in = PLAIN, .next_out = out, .avail_out = ROOM };

		ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
		ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
		(void)deflateEnd(&z);
		return z.total_out;
	}
#endif
#ifdef WITH_LIBLZMA
	case STREAM_XZ: {
		size_t n = 0;

		ck_assert_int_eq(
		    lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, plain, PLAIN, out, &n, ROOM), LZMA_OK);
		return n;
	}
#endif
#ifdef WITH_LIBZSTD
	case STREAM_ZSTD:
		return ZSTD_compress(out, ROOM, plain, PLAIN, 3);
#endif
#ifdef WITH_LIBLZ4
	case STREAM_LZ4: {
		LZ4F_preferences_t whole = { .frameInfo = {
						 .contentChecksumFlag = LZ4F_contentChecksumEnabled } };

		return LZ4F_compressFrame(out, ROOM, plain, PLAIN, &whole);
	}
#endif
	default:
		(void)out;
		return 0;
	}
}

static enum stream_end unpack(
    enum stream_format format, const uint8_t *at, size_t n, struct taken *t, size_t most)
{
	volatile uint64_t used = 0;
	const struct stream_sink sink = { take, t, &used };
	uint8_t *copy = malloc(n + 1); /* so that a read beyond its end is seen */
	enum stream_end end;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, at, n);
	t->n = 0;
	t->most = most;
	t->differs = false;
	end = stream_unpack(format, span_of(copy, n), &sink);
	ck_assert_uint_le(used, n);
	free(copy);
	return end;
}

/* Each test is run for each format. */
static struct taken taken;
static uint8_t packed[2 * ROOM];

static size_t prepare(int format)
{
	size_t n;

	fill();
	n = pack((enum stream_format)format, packed);
	ck_assert_int_eq(n != 0, stream_is_built((enum stream_format)format));
	return n;
}

START_TEST(whole)
{
	enum stream_format format = (enum stream_format)_i;
	size_t n = prepare(_i);

	if (n == 0) {
		ck_assert_int_eq(unpack(format, packed, 9, &taken, PLAIN), STREAM_REFUSED);
		return;
	}
	ck_assert_int_eq(stream_format_of(packed, n), format);
	ck_assert_int_eq(stream_format_of(packed, 1), STREAM_NONE);
	ck_assert_int_eq(unpack(format, packed, n, &taken, PLAIN), STREAM_WHOLE);
	ck_assert(taken.n == PLAIN && !taken.differs);
	/* Two of them, one behind the other. */
	memcpy(packed + n, packed, n);
	ck_assert_int_eq(unpack(format, packed, 2 * n, &taken, sizeof(taken.bytes)), STREAM_WHOLE);
	ck_assert(taken.n == sizeof(taken.bytes) && !taken.differs);
	/* More than is wanted. */
	ck_assert_int_eq(unpack(format, packed, 2 * n, &taken, PLAIN), STREAM_REFUSED);
}
END_TEST

START_TEST(cut)
{
	size_t n = prepare(_i);

	for (size_t i = 1; i < n; i += 1 + n / 400) {
		ck_assert_int_eq(
		    unpack((enum stream_format)_i, packed, i, &taken, sizeof(taken.bytes)), STREAM_CUT);
		ck_assert(taken.n <= PLAIN && !taken.differs);
	}
}
END_TEST

/* No more than it may make, and no crash. */
START_TEST(damaged)
{
	size_t n = prepare(_i);

	for (size_t i = 0; i < n; i += 1 + n / 400) {
		uint8_t kept = packed[i];

		packed[i] = (uint8_t)(kept ^ (1 + i * 37 % 255));
		(void)unpack((enum stream_format)_i, packed, n, &taken, sizeof(taken.bytes));
		packed[i] = kept;
	}
}
END_TEST

START_TEST(something_behind)
{
	size_t n = prepare(_i);

	if (n == 0)
		return;
	memcpy(packed + n, "something else", 14);
	ck_assert_int_eq(
	    unpack((enum stream_format)_i, packed, n + 14, &taken, sizeof(taken.bytes)), STREAM_DAMAGED);
	ck_assert(taken.n == PLAIN && !taken.differs);
}
END_TEST

START_TEST(none_of_them)
{
	ck_assert_int_eq(stream_format_of("\x7f"
					  "ELF\2\1",
			     6),
	    STREAM_NONE);
	ck_assert_int_eq(stream_format_of("BZh91A", 6), STREAM_NONE);
	ck_assert_int_eq(stream_format_of("", 0), STREAM_NONE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unpack_stream");
	TCase *tcase = tcase_create("unpack_stream");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, whole, STREAM_GZIP, STREAM_FORMATS);
	tcase_add_loop_test(tcase, cut, STREAM_GZIP, STREAM_FORMATS);
	tcase_add_loop_test(tcase, damaged, STREAM_GZIP, STREAM_FORMATS);
	tcase_add_loop_test(tcase, something_behind, STREAM_GZIP, STREAM_FORMATS);
	tcase_add_test(tcase, none_of_them);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
