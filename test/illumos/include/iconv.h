/* Stand-in for illumos <iconv.h>: what is used of it. */
#ifndef STAND_IN_ICONV_H
#define STAND_IN_ICONV_H
#include <stddef.h>
typedef struct _iconv_info *iconv_t;
iconv_t iconv_open(const char *, const char *);
size_t iconv(iconv_t, char **restrict, size_t *restrict, char **restrict, size_t *restrict);
int iconv_close(iconv_t);
#endif
