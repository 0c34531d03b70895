/* PRIVATE to the files report/json*.c: what a thread does, as JSON. */
#ifndef REPORT_JSON_STATE_H
#define REPORT_JSON_STATE_H

#include "capture/thread_state.h"
#include "report/json_members.h"

/* Add what is known of a thread's name in Python and of what it does. */
void json_state_add(const struct thread_state *s, struct members *m);

#endif
