/* Lengths of instructions of x86-64. */
#include <string.h>

#include "arch/x86_decode.h"
#include "support/run_suite.h"

static const struct {
	const char *bytes;
	uint8_t len;
} lengths[] = {
	{ "\x90", 1 },
	{ "\xf3\x0f\x1e\xfa", 4 },
	{ "\x48\x83\xec\x28", 4 },
	{ "\x48\x81\xec\x00\x02\x00\x00", 7 },
	{ "\xe8\x01\x02\x03\x04", 5 },
	{ "\xff\x15\x01\x02\x03\x04", 6 },
	{ "\x41\xff\xd3", 3 },
	{ "\x48\xb8\x01\x02\x03\x04\x05\x06\x07\x08", 10 },
	{ "\x66\xb8\x01\x02", 4 },
	{ "\xa1\1\2\3\4\5\6\7\x08", 9 },
	{ "\x64\x48\x8b\x04\x25\x28\0\0\0", 9 },
	{ "\xf6\x05\1\2\3\4\x01", 7 },
	{ "\xf6\x15\1\2\3\4", 6 },
	{ "\xf7\xc0\1\2\3\4", 6 },
	{ "\xc5\xf8\x77", 3 },
	{ "\xc5\xf9\x70\xc0\x01", 5 },
	{ "\xc4\xe2\x7d\x18\x05\1\2\3\4", 9 },
	{ "\xc4\xe3\x7d\x19\xc1\x01", 6 },
	{ "\x62\xf1\x7c\x48\x10\x44\x24\x01", 8 },
	{ "\x66\x0f\x3a\x0f\xc1\x08", 6 },
	{ "\x0f\x84\1\2\3\4", 6 },
	{ "\xc8\x10\x00\x00", 4 },
	{ "\xc2\x08\x00", 3 },
	{ "\x66\x2e\x0f\x1f\x84\x00\1\2\3\4", 10 },
};

START_TEST(lengths_are_right)
{
	uint8_t padded[32];
	struct x86 x;

	memset(padded, 0x90, sizeof(padded));
	memcpy(padded, lengths[_i].bytes, lengths[_i].len);
	ck_assert(x86_decode(padded, sizeof(padded), &x));
	ck_assert_uint_eq(x.len, lengths[_i].len);
	for (size_t n = 0; n < lengths[_i].len; n++)
		ck_assert(!x86_decode(padded, n, &x));
}
END_TEST

START_TEST(no_instructions)
{
	static const char *const none[] = { "\x06", "\x0f\x04", "\x82\xc0\x01", "\xc4\xe0\x7d\x18", "\xd6" };
	static const uint8_t prefixes[16] = { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
		0x66, 0x66, 0x66, 0x66, 0x66, 0x90 };
	uint8_t padded[16] = { 0 };
	struct x86 x;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		memcpy(padded, none[i], strlen(none[i]));
		ck_assert(!x86_decode(padded, sizeof(padded), &x));
	}
	ck_assert(!x86_decode(prefixes, sizeof(prefixes), &x));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("x86 decode");
	TCase *tcase = tcase_create("x86 decode");

	tcase_add_loop_test(tcase, lengths_are_right, 0, sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_test(tcase, no_instructions);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
