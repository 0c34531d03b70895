/* Files that are truncated while they are mapped. */
#ifndef PYSTACK_SIGBUS_H
#define PYSTACK_SIGBUS_H

/* From now on SIGBUS ends the program with one line on stderr that names the file. The exit
 * status is 2, or 1 after sigbus_printing: something was printed. */
void sigbus_watch(void);
void sigbus_printing(void);

#endif
