/* The JSON of what a test program shows to pystack. After json_lines_begin(true) run_tool runs
 * pystack a second time, with -o json. All lines are validated together at the end of the program,
 * because the validator starts slowly; those of cores are also written as text and compared with
 * what pystack printed (test/json). */
#ifndef SUPPORT_JSON_LINES_H
#define SUPPORT_JSON_LINES_H

#include "support/spawn.h"

/* Must be called before the tests, after spawn_init. all: not only lines of json_lines_add. Without
 * jansson in pystack nothing is done, which is printed. */
void json_lines_begin(bool all);

/* True if lines are collected: pystack is built with jansson. */
bool json_lines_collected(void);

/* pystack was run with these arguments, and the result is r. */
void json_lines_shown(const struct run_options *opt, const char *const args[], const struct run *r);

/* Append lines that a test has got by its own call of pystack -o json. */
void json_lines_add(const char *lines);

/* Validate. Prints what is wrong. Returns false if anything is. */
bool json_lines_are_right(void);

#endif
