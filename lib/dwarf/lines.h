/* PRIVATE to lib/dwarf: the line table of a unit. What a result names is valid until the end of the
 * process: nothing is freed in the child. */
#ifndef DWARF_LINES_H
#define DWARF_LINES_H

#include "dwarf/reader.h"

struct lines {
	Dwarf_Line_Context context; /* NULL: there is no table */
	Dwarf_Line *rows;
	Dwarf_Signed n;
	unsigned version;
};

/* Read the table of the unit with this die. */
void lines_read(struct lines *l, struct reader *r, Dwarf_Die unit);

/* The file, line and column of an instruction. False: unknown. */
bool lines_at(const struct lines *l, uint64_t address, uint64_t *file, uint64_t *line, uint64_t *column);

/* The name of a file by its number in the table, as the table has it, and the directory it lies in
 * (NULL: that of the compilation, or the name is absolute). NULL: there is none. */
const char *lines_file(const struct lines *l, uint64_t file, const char **directory);

#endif
