/* Where BPF programs can be used. */
#ifndef PYSTACK_AT_NAMESPACE_H
#define PYSTACK_AT_NAMESPACE_H

#include "base/fault.h"

/* Is this process in the initial pid namespace, whose ids BPF programs see? RES_FAIL: no. */
enum res at_namespace_check(struct fault *f);

#endif
