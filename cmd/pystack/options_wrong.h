/* Options that getopt_long(3) refuses. */
#ifndef PYSTACK_OPTIONS_WRONG_H
#define PYSTACK_OPTIONS_WRONG_H

/* Say what is wrong with the option for which getopt_long has just returned c, '?' or ':'. opterr
 * must be 0, and the short options begin with ':'. */
void options_warn_wrong(int c, char **argv);

#endif
