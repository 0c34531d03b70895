/* A greenlet's stack begins in the middle of the thread's, where the function that began it stood:
 *
 *   low   … frames of the greenlet
 *         the extension module's: begin, switch      <── copied away and back with the greenlet, up to here
 *         whoever called that when the greenlet began     not copied: whatever others have left here
 *   high  … the thread's first frames
 *
 * The module is a file of its own, `_greenlet.cpython-311-….so` (before 1.0 `greenlet.cpython-…`), and the frames of it
 * that stand behind the greenlet's oldest Python frame are these. */
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
