#include "support/terminal.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/vec.h"

int terminal_open(int *slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	ck_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(*slave, 0);
	return master;
}

char *terminal_read(int master)
{
	enum { PIECE = 4096 };
	VEC(char) text = VEC_EMPTY;
	ssize_t n;

	do { /* EIO: the other end is closed */
		ck_assert(vec_reserve(&text, text.n + PIECE));
		n = read(master, text.at + text.n, PIECE - 1);
		text.n += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	text.at[text.n] = '\0';
	(void)close(master);
	return text.at;
}
