/* Members that names and states of threads are read from, in CPython 2.4 to 3.12. Later versions
 * publish them (py_layout_debug.c).
 *
 * Offsets in bytes, from DWARF of builds of each version, or from its compiled headers
 * (Include/internal/pycore_{runtime,interp,gil}.h, Python/ceval_gil.h, Include/pystate.h,
 * Include/cpython/object.h). Absent: 0 in `has`, or a version with words of 4 that is not here. */
#include "python/layout/py_layout.h"

enum { NONE = 0xffff };

struct row {
	uint32_t first, last; /* versions with patch levels, as PY_VERSION_HEX >> 8 */
	uint8_t word;
	uint16_t modules;                    /* of an interpreter */
	uint16_t gil, finalizing;            /* of the runtime; NONE */
	uint16_t collecting, collecting_own; /* of the runtime; of an interpreter; NONE */
	uint16_t gil_pointer;                /* of an interpreter; NONE */
	uint16_t cached_keys;                /* of a heap type; NONE */
};

#define VERSION(major, minor, patch) ((major) << 16 | (minor) << 8 | (patch))
#define LAST 0xff

static const struct row rows[] = {
	{ VERSION(2, 4, 0), VERSION(3, 6, LAST), 8, 16, NONE, NONE, NONE, NONE, NONE, NONE },
	{ VERSION(2, 4, 0), VERSION(3, 6, LAST), 4, 8, NONE, NONE, NONE, NONE, NONE, NONE },
	{ VERSION(3, 7, 0), VERSION(3, 7, 3), 8, 40, 1176, 8, 544, NONE, NONE, NONE },
	{ VERSION(3, 7, 4), VERSION(3, 7, LAST), 8, 40, 1264, 8, 632, NONE, NONE, NONE },
	{ VERSION(3, 8, 0), VERSION(3, 8, LAST), 8, 56, 1152, 16, 544, NONE, NONE, NONE },
	{ VERSION(3, 9, 0), VERSION(3, 10, LAST), 8, 856, 352, 16, NONE, 816, NONE, NONE },
	{ VERSION(3, 11, 0), VERSION(3, 11, LAST), 8, 888, 360, 24, NONE, 848, NONE, 872 },
	{ VERSION(3, 12, 0), VERSION(3, 12, LAST), 8, 944, NONE, 24, NONE, 312, 384, 880 },
	{ VERSION(3, 7, 4), VERSION(3, 7, LAST), 4, 28, 632, 8, 300, NONE, NONE, NONE },
	{ VERSION(3, 8, 0), VERSION(3, 8, LAST), 4, 36, 624, 16, 304, NONE, NONE, NONE },
	{ VERSION(3, 9, 0), VERSION(3, 9, LAST), 4, 472, 188, 16, NONE, 452, NONE, NONE },
	{ VERSION(3, 10, 0), VERSION(3, 10, LAST), 4, 468, 188, 16, NONE, 448, NONE, NONE },
	{ VERSION(3, 11, 0), VERSION(3, 11, LAST), 4, 492, 192, 20, NONE, 472, NONE, 436 },
	{ VERSION(3, 12, 0), VERSION(3, 12, LAST), 4, 532, NONE, 20, NONE, 200, 240, 440 },
};

static py_field field_at(uint16_t offset)
{
	return offset == NONE ? 0 : PY_AT(offset);
}

void py_layout_add_more(struct py_layout *l, uint32_t version)
{
	uint32_t patch = version >> 8;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		if (r->word != l->word || patch < r->first || patch > r->last)
			continue;
		l->more.modules = field_at(r->modules);
		l->more.gil = field_at(r->gil);
		l->more.gil_pointer = field_at(r->gil_pointer);
		l->more.finalizing = field_at(r->finalizing);
		l->more.gc = r->collecting_own == NONE ? 0 : PY_AT(0);
		l->more.collecting = field_at(r->collecting_own == NONE ? r->collecting : r->collecting_own);
		l->more.cached_keys = field_at(r->cached_keys);
	}
}
