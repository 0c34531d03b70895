/* A greenlet's stack begins in the middle of the thread's stack, at the function that started it:
 *
 *   low   … frames of the greenlet
 *         the extension module's: start, switch   <── saved with the greenlet up to here
 *         its caller when the greenlet started        not saved: overwritten since
 *   high  … the thread's first frames
 *
 * The module is a file of its own, `_greenlet.cpython-311-….so` (before 1.0
 * `greenlet.cpython-…`). Its frames that are older than the greenlet's oldest Python
 * frame are the ones that started the greenlet. */
#include "stack/join/greenlet.h"

#include <string.h>

#include "base/path.h"

bool greenlet_switches(void *P, uint64_t pc)
{
	enum { PATH_BYTES = 4096 };
	static const char name[] = "greenlet.";
	char path[PATH_BYTES];
	const char *base;

	if (Pobjname(P, pc, path, sizeof(path)) == NULL)
		return false;
	base = path_base(path);
	return strncmp(base + (*base == '_'), name, strlen(name)) == 0;
}
