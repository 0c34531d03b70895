/* Options that getopt_long(3) refuses. */
#ifndef PYSTACK_OPTIONS_WRONG_H
#define PYSTACK_OPTIONS_WRONG_H

/* Say what is wrong with the option for which getopt_long has just returned c, '?' or ':'. opterr
 * must be 0. shorts: the short options it was called with, which begin with ':'; the letters of
 * long options are among them. */
void options_warn_wrong(int c, char **argv, const char *shorts);

#endif
