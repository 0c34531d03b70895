/* The Python interpreters that tests run: Debian's, those of pyenv, those of the Debian sid root. */
#ifndef SUPPORT_ROOTS_H
#define SUPPORT_ROOTS_H

#include <stddef.h>

struct interpreter {
	char label[64]; /* for messages: "3.12.1", "sid 3.14" */
	char path[256]; /* as seen below root */
	char root[256]; /* folder to chroot into; "" the machine's own */
	int major, minor;
};

/* Every interpreter found, 2.4 or newer, at most max; 0 when there is none. What should be there and is not
 * is said in one line `SKIP: reason` on stdout when say is set. Versions are taken from names: nothing is run.
 *
 * Where the environment has PYTHON it is that one alone: its path, or with PYSTACK_TEST_VERSION=X.Y the path of
 * any file of that version, below the folder PYSTACK_TEST_ROOT if that is given. */
size_t roots_find(struct interpreter *out, size_t max, int say);

#endif
