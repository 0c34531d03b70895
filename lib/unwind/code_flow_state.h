/* PRIVATE to lib/unwind: what one instruction does to a frame (code_flow.h). */
#ifndef UNWIND_CODE_FLOW_STATE_H
#define UNWIND_CODE_FLOW_STATE_H

#include "unwind/code_flow.h"
#include "unwind/x86_decode.h"

/* As it is at the first instruction of a function. */
struct flow_state flow_state_at_start(void);
bool flow_state_is_start(const struct flow_state *s);

/* Is the return address in a register alone? */
bool flow_state_ra_popped(const struct flow_state *s);

/* The state behind x. Of a branch it is that of the branch not taken. */
void flow_state_after(const struct x86 *x, struct flow_state *s);

#endif
