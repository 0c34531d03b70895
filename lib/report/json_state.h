/* PRIVATE to the files report/json*.c: what a thread does, as JSON. */
#ifndef REPORT_JSON_STATE_H
#define REPORT_JSON_STATE_H

#include "capture/thread_state.h"
#include "report/json_members.h"

/* Add what is known of a thread's name in Python and of what it does. */
void json_state_add(const struct thread_state *s, struct members *m);

/* Add what is waited for: what it is (OBJECT_NONE: the GIL), where, and which LWP holds it; 0:
 * unknown. */
void json_wait_add(struct members *m, uint8_t object, uint64_t address, lwpid_t owner);

#endif
