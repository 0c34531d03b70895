/* Failures that no call of this process shows: a child that worked for it has failed, or there
 * could be none.
 *
 * A program that counts what the system refuses it defines its own function and has the linker
 * use that (COUNTED in the Makefile). */
#ifndef BASE_REFUSED_H
#define BASE_REFUSED_H

/* A file could not be opened or read: verb says which, errno why. path: its name, or NULL: that
 * of the descriptor fd. Keeps errno. Does nothing, unless the program replaces it. */
void refused_file(const char *verb, int fd, const char *path);

#endif
