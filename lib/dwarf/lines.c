/* See lines.h. */
#ifdef WITH_LIBDWARF

#include "dwarf/lines.h"

void lines_read(struct lines *l, struct reader *r, Dwarf_Die unit)
{
	Dwarf_Error error = NULL;
	Dwarf_Unsigned version = 0;
	Dwarf_Small tables = 0;

	(void)r;
	*l = (struct lines){ .context = NULL };
	if (dwarf_srclines_b(unit, &version, &tables, &l->context, &error) != DW_DLV_OK) {
		l->context = NULL;
		return;
	}
	l->version = (unsigned)version;
	if (dwarf_srclines_from_linecontext(l->context, &l->rows, &l->n, &error) != DW_DLV_OK)
		l->n = 0;
}

static bool row_address(Dwarf_Line row, uint64_t *out)
{
	Dwarf_Error error = NULL;
	Dwarf_Addr address = 0;

	if (dwarf_lineaddr(row, &address, &error) != DW_DLV_OK)
		return false;
	*out = address;
	return true;
}

static bool row_ends(Dwarf_Line row)
{
	Dwarf_Error error = NULL;
	Dwarf_Bool ends = 1;

	return dwarf_lineendsequence(row, &ends, &error) != DW_DLV_OK || ends;
}

bool lines_at(const struct lines *l, uint64_t address, uint64_t *file, uint64_t *line, uint64_t *column)
{
	Dwarf_Error error = NULL;
	bool begins = true, left_out = false;
	uint64_t from, to;

	/* A row describes the code up to the next row of its sequence. */
	for (Dwarf_Signed i = 0; i + 1 < l->n; i++) {
		Dwarf_Unsigned number = 0, index = 0, at = 0;
		bool known = row_address(l->rows[i], &from), ends = row_ends(l->rows[i]);

		/* The linker has left out the code of a sequence from 0 on. */
		if (begins)
			left_out = known && from == 0;
		begins = ends;
		if (!known || left_out || ends || from > address || !row_address(l->rows[i + 1], &to) ||
		    to <= address)
			continue;
		if (dwarf_lineno(l->rows[i], &number, &error) != DW_DLV_OK || number == 0 ||
		    dwarf_line_srcfileno(l->rows[i], &index, &error) != DW_DLV_OK)
			return false;
		(void)dwarf_lineoff_b(l->rows[i], &at, &error);
		*file = index;
		*line = number;
		*column = at;
		return true;
	}
	return false;
}

const char *lines_file(const struct lines *l, uint64_t file, const char **directory)
{
	Dwarf_Error error = NULL;
	Dwarf_Unsigned index = 0, time = 0, length = 0;
	Dwarf_Form_Data16 *sum = NULL;
	const char *name = NULL;
	Dwarf_Signed known = 0;

	*directory = NULL;
	if (l->context == NULL || file > INT32_MAX ||
	    dwarf_srclines_files_data_b(
		l->context, (Dwarf_Signed)file, &name, &index, &time, &length, &sum, &error) != DW_DLV_OK)
		return NULL;
	/* Directory 0 is that of the compilation; up to DWARF 4 the table does not have it. */
	if (name[0] != '/' && index != 0 &&
	    dwarf_srclines_include_dir_count(l->context, &known, &error) == DW_DLV_OK) {
		Dwarf_Signed last = l->version >= 5 ? known - 1 : known;

		if (index > INT32_MAX || (Dwarf_Signed)index > last ||
		    dwarf_srclines_include_dir_data(l->context, (Dwarf_Signed)index, directory, &error) !=
			DW_DLV_OK)
			return NULL;
	}
	return name;
}

#endif
