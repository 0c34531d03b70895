/* The memory of a Python process. Byte 0: the version; then changes of 11 bytes: a u16 place, a u8
 * kind, a u64 value. Kinds: 0 a word, 1 an address in the image, 2 a byte, 3 bits of a word. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "parsers.h"

/* libcheck's need a test that runs, and py_image.h checks itself by them. */
#undef ck_assert
#undef ck_assert_ptr_nonnull
#undef ck_assert_uint_le
#define ck_assert(holds) fuzz_must(holds)
#define ck_assert_ptr_nonnull(p) fuzz_must((p) != NULL)
#define ck_assert_uint_le(a, b) fuzz_must((a) <= (b))

#include "unit/python/py_image_read.h"

enum { ROOM = 1 << 15, CHANGE = 11, CHANGES_MAX = 64 };

static void change(struct image *m, struct span *changes)
{
	uint16_t place;
	uint8_t kind;
	uint64_t value, word;
	uint8_t *at;

	if (!span_u16(changes, &place) || !span_u8(changes, &kind) || !span_u64(changes, &value))
		return;
	at = m->bytes + place % (m->used - sizeof(word));
	memcpy(&word, at, sizeof(word));
	switch (kind % 4) {
	case 0:
		word = value;
		break;
	case 1:
		word = IMAGE_BASE + value % m->used;
		break;
	case 2:
		word = (word & ~UINT64_C(0xff)) | (value & 0xff);
		break;
	default:
		word ^= value;
	}
	memcpy(at, &word, sizeof(word));
}

void fuzz_python(const uint8_t *data, size_t n)
{
	struct span changes;
	struct image m;

	if (n == 0)
		return;
	image_draw(&m, &specs[data[0] % SPECS], ROOM, 2);
	changes = span_of(data + 1, n - 1);
	for (int i = 0; i < CHANGES_MAX && span_left(&changes) >= CHANGE; i++)
		change(&m, &changes);
	image_grab(&m);
	image_read(&m);
	image_free(&m);
}
