/* Stand-in for illumos <locale.h>: what is used of it. */
#ifndef STAND_IN_LOCALE_H
#define STAND_IN_LOCALE_H
typedef struct _locale *locale_t;
#define LC_CTYPE_MASK 1
locale_t newlocale(int, const char *, locale_t);
locale_t uselocale(locale_t);
void freelocale(locale_t);
#endif
