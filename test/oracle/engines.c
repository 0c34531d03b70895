/* engines [-x] [-a ENGINE] [-s SYSROOT] TIMES { PID | CORE }...
 *
 * Walks each stack of the operands with two engines, ours and ENGINE (libunwind; fp, whose stacks
 * may be marked instead), TIMES times in all, processes at random moments. -x: the other engine
 * gets too little data, so that differences must be found. Prints what was compared, and both
 * stacks if they differ. Exit status: 0: all the same, 1: something differs, 2: too little could be
 * compared, 77: libunwind does not read the target. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/engines.h"

enum { SAME, DIFFERENT, TOO_LITTLE, NOT_READ = 77 };

/* Wait up to two milliseconds. The thread is switched out in between. */
static void wait_at_random(void)
{
	struct timespec pause = { .tv_nsec = random() % 2000000 };

	(void)nanosleep(&pause, NULL);
}

static int judge(const struct engines *e, long failed)
{
	if (e->differ != 0 || e->place_wrong != 0)
		return DIFFERENT;
	return e->stacks == 0 || failed > (long)e->stops / 10 ? TOO_LITTLE : SAME;
}

int main(int argc, char **argv)
{
	struct engines e = { .against = UNWIND_ENGINE_LIBUNWIND, .told = STRBUF_EMPTY };
	const char *sysroot = NULL;
	long times, failed = 0;
	struct fault f = { 0 };
	int option, result;

	while ((option = getopt(argc, argv, "xa:s:")) != -1) {
		if (option == 'a' && strcmp(optarg, "fp") == 0)
			e.against = UNWIND_ENGINE_FP;
		else if (option == 'x')
			e.spoil = true;
		else if (option == 's')
			sysroot = optarg;
	}
	if (!unwind_engine_built(e.against)) {
		(void)puts("not compared: libunwind is not built in");
		return NOT_READ;
	}
	times = argc - optind < 2 ? 0 : atol(argv[optind++]);
	for (long i = 0; i < times; i++) {
		enum res res = engines_compare(&e, argv[optind + i % (argc - optind)], sysroot, &f);

		if (res == RES_NONE) {
			(void)printf("not compared: %s\n", f.text);
			return NOT_READ;
		}
		failed += res != RES_OK;
		if (i + 1 < times)
			wait_at_random();
	}
	result = judge(&e, failed);
	(void)printf("%8zu stops %8zu stacks %9zu frames %5zu differ %5zu excused %5zu marked %5zu registers "
		     "%6zu resumed "
		     "%3zu without "
		     "registers   "
		     "pc and sp alone: %8zu stacks %8zu whole %5zu wrong\n%s",
	    e.stops, e.stacks, e.frames, e.differ, e.excused, e.marked, e.registers, e.resumed, e.without,
	    e.place, e.place_whole, e.place_wrong, strbuf_text(&e.told));
	if (failed != 0)
		(void)printf("%ld times not: %s\n", failed, f.text);
	engines_free(&e);
	return result;
}
