/* See core_progress.h. */
#include "core_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"

enum { FIRST_MS = 1000, EACH_MS = 200, MEGA = 1000000, PERCENT = 100, NAME_MAX_SHOWN = 40 };

void progress_begin(struct progress *p, const char *name)
{
	*p = (struct progress){ .name = name, .on = isatty(STDERR_FILENO) == 1 };
	if (p->on)
		p->began = clock_now_ms();
}

void progress_show(struct progress *p, uint64_t made, uint64_t taken, uint64_t all)
{
	struct strbuf name = STRBUF_EMPTY;
	int64_t now = p->on ? clock_now_ms() : 0;

	if (!p->on || now - p->began < FIRST_MS || (p->last != 0 && now - p->last < EACH_MS))
		return;
	p->last = now;
	escape_text(&name, p->name, strnlen(p->name, NAME_MAX_SHOWN), false);
	(void)fprintf(stderr, "\rpystack: %s: %" PRIu64 " MB", strbuf_text(&name), made / MEGA);
	strbuf_free(&name);
	if (all >= PERCENT)
		(void)fprintf(stderr, " (%" PRIu64 " %%)", taken / (all / PERCENT));
	(void)fputs("\033[K", stderr);
	(void)fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->last != 0) {
		(void)fputs("\r\033[K", stderr);
		(void)fflush(stderr);
	}
	p->last = 0;
}
