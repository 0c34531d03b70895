/* Stand-in for illumos <setjmp.h>: what is used of it. */
#ifndef STAND_IN_SETJMP_H
#define STAND_IN_SETJMP_H

typedef long jmp_buf[8];

extern int setjmp(jmp_buf);
extern void longjmp(jmp_buf, int) __attribute__((noreturn));

#endif
