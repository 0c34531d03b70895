/* See bounds_memory.h.
 *
 * Allocations are added up; what is freed is not subtracted. When the sum reaches what the limit
 * has left, the size of this program is looked at, and the sum begins again. Most runs allocate so
 * little that they never look.
 *
 * What the C library or the kernel allocate by other ways meets RLIMIT_DATA, which is set when the
 * size is first looked at, or in a child process. */
#include "bounds_memory.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/self.h"

enum {
	FIRST = 32 << 20, /* allocated without a look */
	AGAIN = 1 << 20,  /* likewise, between looks at least */
	SMALL = 64 << 10, /* allocations of this size use the reserve */
	OWN = 1 << 30     /* a program that has more without allocating it, as with AddressSanitizer */
};

static struct {
	uint64_t asked; /* by the user; 0: nothing */
	uint64_t limit; /* 0: not known yet */
	uint64_t base;  /* size that is not ours */
	uint64_t sum;   /* since the last look */
	uint64_t next;  /* the sum at which to look again; 0: never */
	uint64_t refused;
} used;

static uint64_t usual_limit(void)
{
	const uint64_t most = (uint64_t)1 << 30;
	const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	const uint64_t quarter = pages <= 0 || page <= 0 ? most : (uint64_t)pages / 4 * (uint64_t)page;

	return quarter < most ? quarter : most;
}

static void limit_rest(uint64_t limit)
{
#ifdef RLIMIT_DATA
	struct rlimit now;

	if (getrlimit(RLIMIT_DATA, &now) == 0 && limit < now.rlim_cur) {
		now.rlim_cur = (rlim_t)limit;
		(void)setrlimit(RLIMIT_DATA, &now);
	}
#else
	(void)limit;
#endif
}

/* The first look. size: of this program. */
static void set_first_limit(uint64_t size)
{
	const uint64_t limit = used.asked != 0 ? used.asked : usual_limit();

	if (size > used.next + OWN)
		used.base = size - used.next;
	else
		limit_rest(limit + limit / 8);
	__atomic_store_n(&used.limit, limit, __ATOMIC_RELEASE);
}

/* A child is confined soon, and then looking would kill it: RLIMIT_DATA alone limits it. */
static void begin_child(void)
{
	uint64_t size;

	if (used.next != 0 && used.limit == 0 && os_self_data(&size))
		set_first_limit(size);
	used.next = 0;
}

void bounds_memory_begin(uint64_t bytes)
{
	used.asked = bytes;
	used.next = bytes != 0 && bytes / 4 < FIRST ? bytes / 4 : FIRST;
	/* Without memory for the handler there is no memory for a child either. */
	(void)pthread_atfork(NULL, NULL, begin_child);
}

static bool check_usage(size_t n)
{
	uint64_t size, limit, left;

	__atomic_store_n(&used.sum, n, __ATOMIC_RELAXED);
	if (!os_self_data(&size))
		return true;
	if (__atomic_load_n(&used.limit, __ATOMIC_ACQUIRE) == 0)
		set_first_limit(size);
	limit = used.limit + (n <= SMALL ? used.limit / 8 : 0);
	size = size > used.base ? size - used.base : 0;
	left = size < used.limit ? used.limit - size : 0;
	__atomic_store_n(&used.next, left > AGAIN ? left : AGAIN, __ATOMIC_RELAXED);
	if (size <= limit && n <= limit - size)
		return true;
	__atomic_store_n(&used.sum, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&used.refused, used.limit, __ATOMIC_RELAXED);
	return false;
}

bool bounds_memory_allows(size_t n)
{
	const uint64_t next = __atomic_load_n(&used.next, __ATOMIC_RELAXED);

	if (next == 0)
		return true;
	return __atomic_add_fetch(&used.sum, n, __ATOMIC_RELAXED) <= next || check_usage(n);
}

uint64_t bounds_memory_refused(void)
{
	return __atomic_exchange_n(&used.refused, 0, __ATOMIC_RELAXED);
}
