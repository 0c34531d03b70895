/* Stand-in for illumos <ctype.h>: what is used of it. */
#ifndef STAND_IN_CTYPE_H
#define STAND_IN_CTYPE_H

extern int isalnum(int);
extern int isalpha(int);
extern int isdigit(int);
extern int isprint(int);
extern int isspace(int);
extern int isxdigit(int);
extern int tolower(int);

#endif
