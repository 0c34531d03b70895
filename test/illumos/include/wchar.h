/* Stand-in for illumos <wchar.h>: what is used of it. */
#ifndef STAND_IN_WCHAR_H
#define STAND_IN_WCHAR_H
#include <stddef.h>
int wcwidth(wchar_t);
#endif
