/* Objects of Python. Byte 0: version and size of words; then the type of each object; then words of
 * 3 bytes, which fill the objects: see enum word. */
#include <stdlib.h>
#include <string.h>

#include "parsers.h"
#include "python/values/py_value.h"
#include "support/fake_process.h"

enum { BASE = 0x10000000, OBJECTS = 48, OBJECT = 256, TYPE = 512, WORD = 3, HEAP = 1 << 9 };
enum word { SMALL, OBJECT_AT, TYPE_AT, ADDRESS, NEGATIVE, HIGH, SKIP, TEXT, WORDS };

static const char *const type_names[] = { "type", "object", "NoneType", "bool", "int", "long", "float",
	"complex", "str", "unicode", "bytes", "bytearray", "list", "tuple", "dict", "frozendict",
	"collections.defaultdict", "collections.OrderedDict", "dict_keys", "dict_values", "dict_items", "set",
	"frozenset", "collections.deque", "range", "xrange", "slice", "mappingproxy", "cell", "weakref",
	"function", "method", "instancemethod", "builtin_function_or_method", "module", "code", "generator",
	"BaseException", "exceptions.BaseException", "property", "classobj", "instance", "numpy.ndarray",
	"numpy.int64", "numpy.float32", "EnumMeta", "types.SimpleNamespace", "ellipsis", "coroutine",
	"NotImplementedType" };
/* Each type, and a class that derives from it. */
enum { NAMES = sizeof(type_names) / sizeof(type_names[0]), TYPES = 2 * NAMES, NAME = 32 };
enum { TYPES_AT = OBJECTS * OBJECT, NAMES_AT = TYPES_AT + TYPES * TYPE, SIZE = NAMES_AT + NAMES * NAME };

static const uint32_t versions[] = { PY_HEX(2, 4), PY_HEX(2, 5), PY_HEX(2, 7), PY_HEX(3, 0), PY_HEX(3, 2),
	PY_HEX(3, 3), PY_HEX(3, 5), PY_HEX(3, 6), PY_HEX(3, 8), PY_HEX(3, 10), PY_HEX(3, 11), PY_HEX(3, 12),
	PY_HEX(3, 13), PY_HEX(3, 14), PY_HEX(3, 15) };
enum { VERSIONS = sizeof(versions) / sizeof(versions[0]) };

struct world {
	struct py_runtime rt;
	uint8_t bytes[SIZE];
};

static void put(struct world *m, size_t at, uint64_t value, size_t n)
{
	fuzz_must(at + n <= SIZE);
	memcpy(m->bytes + at, &value, n);
}

static void make_type(struct world *m, unsigned i)
{
	const struct py_layout *l = &m->rt.layout;
	const size_t at = TYPES_AT + i * TYPE, name = NAMES_AT + i % NAMES * NAME;
	const bool derived = i >= NAMES;
	const size_t sizes = at + l->type.name - 1 + l->word;
	const bool packed = l->size_width < l->word;

	memcpy(m->bytes + name, type_names[i % NAMES], strlen(type_names[i % NAMES]));
	put(m, at + l->object.type - 1, BASE + TYPES_AT, l->word);
	put(m, at + l->type.name - 1, BASE + name, l->word);
	put(m, sizes, 64, packed ? 4 : l->word);
	put(m, sizes + (packed ? 4U : l->word), 4, 4);
	put(m, at + l->type.flags - 1, derived ? HEAP : 0, l->word);
	put(m, at + l->type.flags - 1 + 11U * l->word, derived ? BASE + at - NAMES * TYPE : 0, l->word);
	put(m, at + l->type.flags - 1 + 12U * l->word, BASE + OBJECT * (i % OBJECTS), l->word);
	put(m, at + l->type.flags - 1 + 15U * l->word, derived ? 3U * l->word : 0, l->word);
}

/* Made once for each layout, as only the objects change. */
static struct world *world_of(uint8_t choice)
{
	static struct world *made[2 * VERSIONS];
	const unsigned i = choice % (2 * VERSIONS);
	const uint32_t version = versions[i / 2], row = version > PY_HEX(3, 12) ? PY_HEX(3, 12) : version;
	struct world *m = made[i];

	if (m != NULL)
		return m;
	m = calloc(1, sizeof(*m));
	fuzz_must(m != NULL);
	if (py_layout_of_version(row, i % 2 == 0 ? 8 : 4, &m->rt.layout) != RES_OK) {
		free(m);
		return NULL;
	}
	py_layout_add_more(&m->rt.layout, row);
	m->rt.layout.version = m->rt.version = version;
	m->rt.layout.char_width = i % 2 == 0 ? 4 : 2;
	m->rt.object = strdup("/python");
	fuzz_must(m->rt.object != NULL);
	for (unsigned k = 0; k < TYPES; k++)
		make_type(m, k);
	made[i] = m;
	return m;
}

static size_t put_word(struct world *m, size_t at, uint8_t kind, uint16_t value)
{
	const size_t word = m->rt.layout.word;
	const uint64_t words[WORDS] = { [SMALL] = value,
		[OBJECT_AT] = BASE + (uint64_t)value % OBJECTS * OBJECT,
		[TYPE_AT] = BASE + TYPES_AT + (uint64_t)value % TYPES * TYPE,
		[ADDRESS] = BASE + (uint64_t)value,
		[NEGATIVE] = ~(uint64_t)value,
		[HIGH] = (uint64_t)value << (kind / WORDS % 48),
		[TEXT] = UINT64_C(0x0101010101010101) * (value & 0xff) ^ value };

	if (kind % WORDS == SKIP)
		return at + value % 64 * word;
	put(m, at, words[kind % WORDS], word);
	return at + word;
}

static void fill(struct world *m, struct span types, struct span words)
{
	const struct py_layout *l = &m->rt.layout;
	uint8_t kind, type;
	uint16_t value;
	size_t at = 0;

	memset(m->bytes, 0, OBJECTS * OBJECT);
	while (at + l->word <= OBJECTS * OBJECT && span_u8(&words, &kind) && span_u16(&words, &value))
		at = put_word(m, at, kind, value);
	for (size_t i = 0; i < OBJECTS && span_u8(&types, &type); i++)
		put(m, i * OBJECT + l->object.type - 1, BASE + TYPES_AT + (uint64_t)type % TYPES * TYPE,
		    l->word);
}

static void check(const char *text, size_t n, size_t most)
{
	fuzz_must(strlen(text) == n && n <= most);
	for (size_t i = 0; i < n; i++)
		fuzz_must((unsigned char)text[i] >= ' ');
}

static void write_all(struct world *m)
{
	static const struct py_value_limits limits = { 200, 10, 3 };
	const struct fake_segment segments[] = { { BASE, m->bytes, SIZE }, { 0 } };
	const struct fake_map maps[] = { { BASE, (SIZE + 4095) & ~4095, MA_READ | MA_WRITE, 0, "/python" },
		{ 0 } };
	struct fake_process fake = { .is_32bit = m->rt.layout.word == 4, .segments = segments, .maps = maps };
	struct ps_prochandle *P = fake_grab(&fake);
	struct py_values v;

	fuzz_must(P != NULL);
	py_values_begin(&v, P, &m->rt, limits);
	for (unsigned i = 0; i < OBJECTS; i++) {
		char *text = NULL;
		size_t n;

		if (py_value_text(&v, BASE + i * OBJECT, &text, &n) == RES_OK)
			check(text, n, limits.bytes + 3);
		free(text);
	}
	py_values_end(&v);
	Prelease(P, 0);
}

void fuzz_values(const uint8_t *data, size_t n)
{
	struct span rest = span_of(data, n), types;
	struct world *m;
	uint8_t choice;

	if (!span_u8(&rest, &choice) || !span_cut(&rest, OBJECTS, &types))
		return;
	m = world_of(choice);
	if (m == NULL)
		return;
	fill(m, types, rest);
	write_all(m);
}
