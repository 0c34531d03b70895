/* See interrupts.h. */
#include "interrupts.h"

#include <stddef.h>

static const int caught[INTERRUPTS] = { SIGINT, SIGTERM, SIGHUP, SIGXCPU };
static volatile sig_atomic_t came, by_key, by_limit;

static void note_interrupt(int signo, siginfo_t *info, void *context)
{
	(void)context;
	by_key = signo == SIGINT && info->si_code > 0;
	by_limit |= signo == SIGXCPU;
	came = 1;
}

void interrupts_catch(struct interrupts *before)
{
	/* An interrupted write would lose what stdio has buffered. No wait is restarted. */
	const struct sigaction catch = { .sa_sigaction = note_interrupt,
		.sa_flags = SA_SIGINFO | SA_RESTART };

	came = by_key = 0;
	for (size_t i = 0; i < INTERRUPTS; i++) {
		struct sigaction old;

		(void)sigaction(caught[i], NULL, &old);
		/* By nohup, or a shell that runs pystack in the background. */
		if ((old.sa_flags & SA_SIGINFO) != 0 || old.sa_handler != SIG_IGN)
			(void)sigaction(caught[i], &catch, NULL);
		if (before != NULL)
			before->old[i] = old;
	}
}

static void do_nothing(int signo)
{
	(void)signo;
}

void interrupts_fail_writes(void)
{
	/* A handler, unlike SIG_IGN, is not handed on to a program that is executed. */
	const struct sigaction act = { .sa_handler = do_nothing, .sa_flags = SA_RESTART };
	struct sigaction old;

	if (sigaction(SIGXFSZ, &act, &old) == 0 && old.sa_handler != SIG_DFL)
		(void)sigaction(SIGXFSZ, &old, NULL);
}

bool interrupts_came(void)
{
	return came != 0;
}

bool interrupts_by_key(void)
{
	return by_key != 0;
}

bool interrupts_by_limit(void)
{
	return by_limit != 0;
}

void interrupts_end_waits(void)
{
	for (size_t i = 0; i < INTERRUPTS; i++) {
		struct sigaction now;

		(void)sigaction(caught[i], NULL, &now);
		now.sa_flags &= ~SA_RESTART;
		(void)sigaction(caught[i], &now, NULL);
	}
}

void interrupts_release(const struct interrupts *before)
{
	for (size_t i = 0; i < INTERRUPTS; i++)
		(void)sigaction(caught[i], &before->old[i], NULL);
}
