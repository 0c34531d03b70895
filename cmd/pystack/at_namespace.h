/* Where BPF programs can be used. */
#ifndef PYSTACK_AT_NAMESPACE_H
#define PYSTACK_AT_NAMESPACE_H

#include <stdint.h>

#include "base/fault.h"

/* Set *out to the inode number of the own pid namespace; 0: it is the initial one. RES_FAIL: the
 * ids in /proc are not those of this namespace. */
enum res at_namespace_find(uint32_t *out, struct fault *f);

#endif
