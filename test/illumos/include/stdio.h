/* Stand-in for illumos <stdio.h>: what is used of it. */
#ifndef STAND_IN_STDIO_H
#define STAND_IN_STDIO_H

#include <stdarg.h>
#include <sys/feature_tests.h>
#include <sys/types.h>

typedef struct __FILE {
	long opaque[16];
} FILE;
extern FILE __iob[20];
#define stdin (&__iob[0])
#define stdout (&__iob[1])
#define stderr (&__iob[2])

#define EOF (-1)
#define BUFSIZ 1024
#define _IOFBF 0000
#define _IOLBF 0100
#define _IONBF 0004

/* gcc on illumos defines _REENTRANT with -pthread alone. */
#if defined(__EXTENSIONS__) || defined(_REENTRANT) || (_POSIX_C_SOURCE - 0 >= 199506L)
extern void flockfile(FILE *);
extern int ftrylockfile(FILE *);
extern void funlockfile(FILE *);
extern int getc_unlocked(FILE *);
extern int getchar_unlocked(void);
extern int putc_unlocked(int, FILE *);
extern int putchar_unlocked(int);
#endif
#if defined(__EXTENSIONS__) || (!defined(_STRICT_STDC) && !defined(__XOPEN_OR_POSIX))
extern int fcloseall(void);
extern void setbuffer(FILE *, char *, size_t);
extern int setlinebuf(FILE *);
#endif
extern char *ctermid(char *);
extern char *cuserid(char *);
extern FILE *fdopen(int, const char *);
extern int fgetc(FILE *);
extern char *fgets(char *, int, FILE *);
extern size_t fread(void *, size_t, size_t, FILE *);
extern int fseek(FILE *, long, int);
extern long ftell(FILE *);
extern int getc(FILE *);
extern int getchar(void);
extern int getw(FILE *);
extern int pclose(FILE *);
extern void perror(const char *);
extern FILE *popen(const char *, const char *);
extern int putc(int, FILE *);
extern int putw(int, FILE *);
extern int remove(const char *);
extern int rename(const char *, const char *);
extern void rewind(FILE *);
extern int ungetc(int, FILE *);
extern int asprintf(char **, const char *, ...) __attribute__((format(printf, 2, 3)));
extern int fclose(FILE *);
extern int feof(FILE *);
extern int ferror(FILE *);
extern int fflush(FILE *);
extern int fileno(FILE *);
extern FILE *fopen(const char *, const char *);
extern int fprintf(FILE *, const char *, ...) __attribute__((format(printf, 2, 3)));
extern int fputc(int, FILE *);
extern int fputs(const char *, FILE *);
extern size_t fwrite(const void *, size_t, size_t, FILE *);
extern ssize_t getline(char **, size_t *, FILE *);
extern FILE *open_memstream(char **, size_t *);
extern int printf(const char *, ...) __attribute__((format(printf, 1, 2)));
extern int putchar(int);
extern int puts(const char *);
extern int setvbuf(FILE *, char *, int, size_t);
extern int snprintf(char *, size_t, const char *, ...) __attribute__((format(printf, 3, 4)));
extern int sscanf(const char *, const char *, ...) __attribute__((format(scanf, 2, 3)));
extern int vasprintf(char **, const char *, va_list) __attribute__((format(printf, 2, 0)));
extern int vfprintf(FILE *, const char *, va_list) __attribute__((format(printf, 2, 0)));
extern int vsnprintf(char *, size_t, const char *, va_list) __attribute__((format(printf, 3, 0)));

#endif
