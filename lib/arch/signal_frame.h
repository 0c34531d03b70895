/* Signal frames: what the kernel puts onto the stack on which a signal handler runs. */
#ifndef ARCH_SIGNAL_FRAME_H
#define ARCH_SIGNAL_FRAME_H

#include "arch/arch.h"

/* Find the next signal frame on a stack: one that describes the alternate stack it is on, or one of
 * a handler without SA_SIGINFO (has_plain_frames). *left: the bytes to search, from address *here,
 * which is a multiple of a word; both are moved to the word after the frame's first. *sp is set to
 * the stack pointer of what was interrupted. False: there is none. */
bool arch_signal_frame_next(const struct arch *arch, struct span *left, uint64_t *here, uint64_t *sp);

#endif
