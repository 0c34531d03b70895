/* See interrupts.h. */
#include "interrupts.h"

#include <stddef.h>

static volatile sig_atomic_t came;

static void interrupt(int signo)
{
	(void)signo;
	came = 1;
}

void interrupts_catch(struct interrupts *before)
{
	const struct sigaction catch = { .sa_handler = interrupt };

	came = 0;
	(void)sigaction(SIGINT, &catch, before == NULL ? NULL : &before->on_int);
	(void)sigaction(SIGTERM, &catch, before == NULL ? NULL : &before->on_term);
}

bool interrupts_came(void)
{
	return came != 0;
}

void interrupts_release(const struct interrupts *before)
{
	(void)sigaction(SIGINT, &before->on_int, NULL);
	(void)sigaction(SIGTERM, &before->on_term, NULL);
}
