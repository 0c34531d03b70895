/* See bounds.h. */
#include "bounds.h"

#include <stdint.h>

#include "base/bound.h"
#include "base/clock.h"
#include "interrupts.h"
#include "warn.h"

#define SECOND ((int64_t)1000000000)

/* Fetching files takes a minute at most. */
static const int64_t usual = 10 * SECOND, with_fetching = 70 * SECOND;

static struct {
	int64_t time, until; /* until 0: there is no limit */
	bool interruptible;
	unsigned left_out; /* a bit for each enum bound_part; threads set them */
} now;

void bounds_begin(const struct options *opt, bool interruptible)
{
	now.time = opt->timeout_ns != 0 ? opt->timeout_ns : opt->debuginfod ? with_fetching : usual;
	now.until = now.time < 0 ? 0 : clock_now_ns() + now.time;
	now.interruptible = interruptible;
	__atomic_store_n(&now.left_out, 0, __ATOMIC_RELAXED);
}

bool bounds_end(void)
{
	now.until = 0;
	now.interruptible = false;
	return __atomic_exchange_n(&now.left_out, 0, __ATOMIC_RELAXED) != 0;
}

/* The linker's name for what is called in place of bound_passed. */
bool __wrap_bound_passed(enum bound_part part);
bool __wrap_bound_passed(enum bound_part part)
{
	if (!(now.interruptible && interrupts_came()) && (now.until == 0 || clock_now_ns() < now.until))
		return false;
	(void)__atomic_fetch_or(&now.left_out, 1U << part, __ATOMIC_RELAXED);
	return true;
}

bool bounds_warn(const char *operand)
{
	const unsigned left_out = __atomic_load_n(&now.left_out, __ATOMIC_RELAXED);

	if (left_out != 0)
		warn_record(&(struct record_warning){
		    .code = WARN_TIME, .operand = operand, .count = { (uint64_t)now.time, left_out } });
	return bounds_end();
}
