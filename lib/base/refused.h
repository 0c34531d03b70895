/* Failures that no call of this process shows: a child that works for it failed or could not be
 * created.
 *
 * A program that counts refusals defines its own function, which the linker uses instead (COUNTED
 * in the Makefile). */
#ifndef BASE_REFUSED_H
#define BASE_REFUSED_H

/* A file could not be opened or read, or a directory be listed. verb: "open", "read" or "list";
 * errno: why. path: its path; NULL: that of the descriptor fd. Keeps errno. Does nothing unless the
 * program replaces it. */
void refused_file(const char *verb, int fd, const char *path);

#endif
