/* See interrupts.h. */
#include "interrupts.h"

#include <stddef.h>

static volatile sig_atomic_t came, by_key;

static void interrupt(int signo, siginfo_t *info, void *context)
{
	(void)context;
	by_key = signo == SIGINT && info->si_code > 0;
	came = 1;
}

void interrupts_catch(struct interrupts *before)
{
	/* An interrupted write would lose what stdio has buffered. No wait is restarted. */
	const struct sigaction catch = { .sa_sigaction = interrupt, .sa_flags = SA_SIGINFO | SA_RESTART };

	came = by_key = 0;
	(void)sigaction(SIGINT, &catch, before == NULL ? NULL : &before->on_int);
	(void)sigaction(SIGTERM, &catch, before == NULL ? NULL : &before->on_term);
}

bool interrupts_came(void)
{
	return came != 0;
}

bool interrupts_by_key(void)
{
	return by_key != 0;
}

void interrupts_release(const struct interrupts *before)
{
	(void)sigaction(SIGINT, &before->on_int, NULL);
	(void)sigaction(SIGTERM, &before->on_term, NULL);
}
