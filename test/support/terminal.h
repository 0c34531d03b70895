/* The far end of a pseudo-terminal that a program writes to. */
#ifndef SUPPORT_TERMINAL_H
#define SUPPORT_TERMINAL_H

/* Make one. Ends the test if that fails. The caller closes *slave once the program has it. Returns
 * the end that terminal_read takes. */
int terminal_open(int *slave);

/* Everything that is written until nobody has the other end any more. Closes master. The caller
 * frees the text. */
char *terminal_read(int master);

#endif
