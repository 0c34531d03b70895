/* LWPs that do not run, seen through /proc: `syscall` says where one stands (it answers "running" for one that may
 * run), `schedstat` counts what it has run and how often (Linux Documentation/scheduler/sched-stats.rst). Two equal
 * readings of the second around everything else prove that it stood still meanwhile. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "os/target_os.h"
#include "proc/live.h"

enum { TEXT_MAX = 512 };

static bool read_text(const struct live *live, lwpid_t id, const char *leaf, char *out, size_t n)
{
	char path[LIVE_PATH];

	live_lwp_path(path, id, leaf);
	return live_small(live->dir, path, out, n) > 0;
}

/* A kernel that does not count says zeros, or nothing: that proves nothing. */
static bool counted(const char *schedstat)
{
	uint64_t ran = 0, waited = 0, times = 0;

	return sscanf(schedstat, "%" SCNu64 " %" SCNu64 " %" SCNu64, &ran, &waited, &times) == 3 &&
	       ran != 0 && times != 0;
}

/* The last two of its numbers are sp and pc, in and out of a system call. */
static bool parse_place(const char *text, struct os_asleep *out)
{
	const char *pc = strrchr(text, ' '), *sp = pc;

	while (sp != NULL && sp > text && sp[-1] != ' ')
		sp--;
	return sp != NULL && sp > text && sscanf(sp, "%" SCNx64 " %" SCNx64, &out->sp, &out->pc) == 2 &&
	       out->sp != 0 && out->pc != 0;
}

enum res os_lwp_asleep(struct ps_prochandle *P, lwpid_t id, struct os_asleep *out)
{
	const struct live *live = live_of(P);
	char place[TEXT_MAX];

	if (live == NULL || !read_text(live, id, "schedstat", out->count, sizeof(out->count)) ||
	    !counted(out->count) || !read_text(live, id, "syscall", place, sizeof(place)) ||
	    !parse_place(place, out))
		return RES_NONE;
	return RES_OK;
}

bool os_lwp_still_asleep(struct ps_prochandle *P, lwpid_t id, const struct os_asleep *since)
{
	const struct live *live = live_of(P);
	char now[sizeof(since->count)];

	return live != NULL && read_text(live, id, "schedstat", now, sizeof(now)) &&
	       strcmp(now, since->count) == 0;
}
