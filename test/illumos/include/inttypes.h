/* Stand-in for illumos <inttypes.h>, LP64: what is used of it. */
#ifndef STAND_IN_INTTYPES_H
#define STAND_IN_INTTYPES_H

#include <stdint.h>

#define PRId64 "ld"
#define PRIi64 "li"
#define PRIu64 "lu"
#define PRIx64 "lx"
#define PRIu32 "u"
#define PRIx32 "x"
#define SCNu64 "lu"
#define SCNx64 "lx"

#endif
