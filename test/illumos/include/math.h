/* Stand-in for illumos <math.h>: what is used of it. */
#ifndef STAND_IN_MATH_H
#define STAND_IN_MATH_H

#define isfinite(x) __builtin_isfinite(x)
#define isinf(x) __builtin_isinf(x)
#define isnan(x) __builtin_isnan(x)
#define signbit(x) __builtin_signbit(x)

#endif
