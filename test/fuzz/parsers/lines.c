/* Line tables. Byte 0: the kind; 1 to 4: the first line; 5 to 8: the place; the table follows. */
#include <stdlib.h>
#include <string.h>

#include "parsers.h"
#include "python/objects/py_lines.h"
#include "python/objects/py_positions.h"

enum { HEAD = 9 };

void fuzz_lines(const uint8_t *data, size_t n)
{
	struct span table;
	uint8_t *copy;
	int32_t first, line;
	uint32_t at;
	struct py_position p;

	if (n < HEAD)
		return;
	memcpy(&first, data + 1, sizeof(first));
	memcpy(&at, data + 1 + sizeof(first), sizeof(at));
	copy = fuzz_copy(data + HEAD, n - HEAD);
	table = span_of(copy, n - HEAD);
	if (data[0] % 4 < 2)
		line = py_line_lnotab(table, first, at, data[0] % 4 == 0);
	else if (data[0] % 4 == 2)
		line = py_line_ranges(table, first, at);
	else
		line = py_line_locations(table, first, at);
	if (data[0] % 4 == 3 && py_position_locations(table, first, at, &p))
		fuzz_must(p.line == line && p.end_column >= -1);
	fuzz_must(line >= 0); /* 0: the table does not say */
	free(copy);
}
