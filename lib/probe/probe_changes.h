/* What processes have mapped and unmapped while they were observed: a stack of one moment is not
 * named by what was mapped at another, where the two differ. */
#ifndef PROBE_PROBE_CHANGES_H
#define PROBE_PROBE_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "probe/probe_abi.h"

enum { PROBE_CHANGES_MAX = 1 << 16 }; /* that are kept; older ones are forgotten */

struct probe_change {
	uint32_t process;
	uint32_t kind; /* enum probe_change_kind */
	uint64_t lo, hi, time;
};

struct probe_changes {
	VEC(struct probe_change) at;
	uint64_t forgotten; /* changes until this time are not known; 0: all are */
};

/* Addresses [lo, hi) whose code is not what it was. */
struct probe_addresses {
	uint64_t lo, hi;
};

struct probe_ranges {
	VEC(struct probe_addresses) at;
	bool all; /* it is not known which */
};

/* Take one. Without memory it is forgotten. */
void probe_changes_take(struct probe_changes *x, const struct probe_code_record *record);

/* Changes until this time are not known. */
void probe_changes_forget(struct probe_changes *x, uint64_t time);

/* Append to *out the code of a process that changed between two moments, in any order. protected:
 * also what had been mapped before and could be executed only afterwards. */
void probe_changes_between(const struct probe_changes *x, uint32_t process, uint64_t a, uint64_t b,
    bool protected, struct probe_ranges *out);

/* True if one of the ranges contains the address. */
/* Join those that overlap or adjoin each other: a process may map and unmap the same addresses any
 * number of times. */
void probe_ranges_merge(struct probe_ranges *r);

bool probe_ranges_have(const struct probe_ranges *r, uint64_t address);

/* Free what *x has. */
void probe_changes_free(struct probe_changes *x);

#endif
