/* The hash equals published values of FNV-1a. */
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#include "support/run_suite.h"

static uint64_t of_text(const char *text)
{
	return hash_bytes(HASH_START, text, strlen(text));
}

START_TEST(published_values)
{
	ck_assert_uint_eq(of_text(""), 0xcbf29ce484222325);
	ck_assert_uint_eq(of_text("a"), 0xaf63dc4c8601ec8c);
	ck_assert_uint_eq(of_text("foobar"), 0x85944171f73967e8);
}
END_TEST

START_TEST(goes_on)
{
	ck_assert_uint_eq(hash_bytes(of_text("foo"), "bar", 3), of_text("foobar"));
}
END_TEST

START_TEST(word_is_its_bytes)
{
	static const uint8_t bytes[] = { 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };

	ck_assert_uint_eq(
	    hash_word(HASH_START, 0x1122334455667788), hash_bytes(HASH_START, bytes, sizeof(bytes)));
	ck_assert_uint_ne(hash_word(HASH_START, 0), HASH_START);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { published_values, goes_on, word_is_its_bytes };

	return run_suite("hash", tests, sizeof(tests) / sizeof(tests[0]));
}
