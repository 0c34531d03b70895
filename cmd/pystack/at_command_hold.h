/* PRIVATE to at_command*.c: holding the command until it has been looked at. */
#ifndef PYSTACK_AT_COMMAND_HOLD_H
#define PYSTACK_AT_COMMAND_HOLD_H

#include "at_command.h"

/* Trace the command, which has not begun. False: the kernel refuses; nothing is held then. */
bool command_trace(struct command *c);

/* Wait until the command, which is traced, has executed its program or has ended. */
void command_await_exec(struct command *c);

#endif
