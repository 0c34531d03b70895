/* What a run gives up before it reads anything hostile. */
#ifndef PYSTACK_RIGHTS_H
#define PYSTACK_RIGHTS_H

#include "options.h"

/* Drop capabilities and forbid system calls that the run does not take (os/restrict.h). A command
 * that is to be started must have been forked before: it keeps them. */
void rights_drop(const struct options *opt, int argc, char **argv);

#endif
