/* Sets of LWPs, in the syntax of operands: "1,3-5,8-". */
#include <libproc.h>
#include <limits.h>
#include <stdbool.h>

/* Parse a decimal number. False: there is none, or it is too large for an LWP id. */
static bool take_lwp(const char **at, long *out)
{
	long value = 0;
	const char *p = *at;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (*p - '0');
		if (value > INT_MAX)
			return false;
	}
	*at = p;
	*out = value;
	return true;
}

/* Parse one range of a set (n, n-m in either order, n-, -n, or - for all) and advance *at past
 * it. */
static bool take_lwp_range(const char **at, long *low, long *high)
{
	bool from = take_lwp(at, low);

	if (!from && **at != '-')
		return false;
	if (!from)
		*low = 0;
	*high = *low;
	if (**at == '-') {
		++*at;
		if (!take_lwp(at, high)) {
			if (**at >= '0' && **at <= '9')
				return false;
			*high = INT_MAX;
		}
	}
	if (*high < *low) {
		long swap = *low;

		*low = *high;
		*high = swap;
	}
	return true;
}

/* Parse the whole set. -1: it is not a set; else whether it holds id. */
static int set_holds(const char *set, long id)
{
	int held = 0;
	long low, high;

	for (;;) {
		if (!take_lwp_range(&set, &low, &high))
			return -1;
		held |= low <= id && id <= high;
		if (*set == '\0')
			return held;
		if (*set++ != ',')
			return -1;
	}
}

int proc_lwp_in_set(const char *set, lwpid_t id)
{
	return set == NULL || set_holds(set, id) == 1;
}

int proc_lwp_range_valid(const char *set)
{
	return set == NULL || set_holds(set, 0) < 0 ? -1 : 0;
}
