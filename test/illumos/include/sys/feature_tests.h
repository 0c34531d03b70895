/* Stand-in for illumos <sys/feature_tests.h>: what guards declarations. Its headers show more with __EXTENSIONS__, less where a
 * standard is asked for. */
#ifndef STAND_IN_SYS_FEATURE_TESTS_H
#define STAND_IN_SYS_FEATURE_TESTS_H

#if defined(_XOPEN_SOURCE) || defined(_POSIX_C_SOURCE)
#define __XOPEN_OR_POSIX
#endif
#ifdef __STRICT_ANSI__
#define _STRICT_STDC
#endif
#if (defined(_STRICT_STDC) || defined(__XOPEN_OR_POSIX)) && !defined(__EXTENSIONS__)
#define _STRICT_SYMBOLS
#endif

#endif
