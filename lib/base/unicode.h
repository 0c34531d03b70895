/* Properties of code points, by the tables of unicode_table.h, which has the version of Unicode. */
#ifndef BASE_UNICODE_H
#define BASE_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

/* True if the code point is not seen, or changes how others are seen: a format character, a control
 * of direction, a separator of lines, a noncharacter, or what programs ignore that do not know it
 * (Default_Ignorable_Code_Point: tags, variation selectors, fillers). C0, C1 and surrogates are not
 * of these. */
bool unicode_is_invisible(uint32_t c);

/* Python's str.isprintable, of an interpreter with the same version of Unicode. */
bool unicode_is_printable(uint32_t c);

#endif
