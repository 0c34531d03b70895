/* The Python interpreters that tests run: Debian's, those of pyenv, those of the Debian sid
 * root. */
#ifndef SUPPORT_ROOTS_H
#define SUPPORT_ROOTS_H

#include <stddef.h>

struct interpreter {
	char label[64]; /* for messages: "3.12.1", "sid 3.14" */
	char path[256]; /* in its root */
	char root[256]; /* directory to chroot into; "": the machine's own */
	int major, minor;
};

/* Find the interpreters of version 2.4 or newer, at most max, and return their number. If say is
 * set, a missing one is printed in one line `SKIP: reason`. Versions are taken from names; nothing
 * is run.
 *
 * If the environment has PYTHON, only that one is used: its path, or with PYSTACK_TEST_VERSION=X.Y
 * the path of any file of that version, in the root PYSTACK_TEST_ROOT if that is set. */
size_t roots_find(struct interpreter *out, size_t max, int say);

#endif
