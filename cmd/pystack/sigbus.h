/* A file that loses its end while it is mapped. */
#ifndef PYSTACK_SIGBUS_H
#define PYSTACK_SIGBUS_H

/* From now on that ends the program with one line on stderr that names the file, in place of a signal. The exit
 * status is 2, or 1 after sigbus_printing: something was printed. */
void sigbus_watch(void);
void sigbus_printing(void);

#endif
