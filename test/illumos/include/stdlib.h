/* Stand-in for illumos <stdlib.h>: what is used of it. */
#ifndef STAND_IN_STDLIB_H
#define STAND_IN_STDLIB_H

#include <sys/types.h>

#define EXIT_FAILURE 1
#define EXIT_SUCCESS 0

extern int abs(int);
extern void *bsearch(const void *, const void *, size_t, size_t, int (*)(const void *, const void *));
extern void *calloc(size_t, size_t);
extern void exit(int) __attribute__((noreturn));
extern void free(void *);
extern char *getenv(const char *);
extern void *malloc(size_t);
extern void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
extern void *realloc(void *, size_t);
extern char *realpath(const char *, char *);
extern double strtod(const char *, char **);
extern float strtof(const char *, char **);
extern int atoi(const char *);
extern long strtol(const char *, char **, int);
extern long long strtoll(const char *, char **, int);
extern unsigned long strtoul(const char *, char **, int);
extern unsigned long long strtoull(const char *, char **, int);

#endif
