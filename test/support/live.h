/* What the live and core test programs share: main(), the interpreters, and saying what was wrong. */
#ifndef SUPPORT_LIVE_H
#define SUPPORT_LIVE_H

#include <check.h>

#include "base/strbuf.h"
#include "support/spawn.h"
#include "support/truth.h"

/* The interpreters of this run, and the newest and oldest of the machine's own. */
const struct interpreter *live_interpreters(size_t *n);

/* Do the test programs run under it? They are written in the words of 2.7 and of 3.6; every_version.py runs under all. */
bool live_speaks(const struct interpreter *in);

/* Add the test to c for the interpreters it has programs for. */
void live_add(TCase *c, const TTest *test);

/* End the test with what is in wrong, if anything; frees it. */
void live_judge(const char *what, struct strbuf *wrong);

/* r against the truth of f: exit status 0, quiet stderr, the first line, every thread. head is what the first
 * line must begin with. out receives the parsed output (the caller frees it); r is freed. */
void live_compare(const struct fixture *f, struct run *r, const char *head, int flags, struct output *out,
    struct strbuf *wrong);

/* `pystack option pid` of f (option NULL: none). A thread may wake between two looks: as long as the output holds
 * `awake`, what is said of such a one, there is another look, up to twenty. */
struct run live_look(const struct fixture *f, const char *option, const char *awake);

/* Why bpftrace cannot trace rmdir(2) here; NULL: it can. */
const char *live_no_bpftrace(void);

/* `pystack` in what is started from now on is the tool under test. */
void live_tool_in_path(void);

/* The whole of main: find things, build the suite, run it, clean up. Returns the exit status. */
int live_main(Suite *(*suite)(void));

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

#endif
