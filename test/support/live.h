/* Functions shared by the live and core test programs: main(), the interpreters, and verdicts. */
#ifndef SUPPORT_LIVE_H
#define SUPPORT_LIVE_H

#include <check.h>

#include "base/strbuf.h"
#include "support/spawn.h"
#include "support/truth.h"

/* The interpreters of this run, and the newest and oldest of the machine's own. */
const struct interpreter *live_interpreters(size_t *n);

/* True if the test programs run under it. They need 2.7, or 3.6 and newer; every_version.py runs
 * under all versions. */
bool live_speaks(const struct interpreter *in);

/* Add the test to c for each interpreter under which the test programs run. */
void live_add(TCase *c, const TTest *test);

/* End the test with the text of wrong unless it is empty. Frees it. */
void live_judge(const char *what, struct strbuf *wrong);

/* Compare r with the truth of f: exit status 0, no messages, the first line, which must begin with
 * head, and every thread. Frees r. *out is the parsed output, which the caller must free. */
void live_compare(const struct fixture *f, struct run *r, const char *head, int flags, struct output *out,
    struct strbuf *wrong);

/* Run `pystack option pid` on f (option may be NULL). A thread may wake while it is read: as long
 * as the output contains `awake`, the message for such a thread, pystack is run again, up to twenty
 * times. */
struct run live_look(const struct fixture *f, const char *option, const char *awake);

/* Kill f by SIGABRT, and find the core. False: this system writes none here, and a SKIP was printed. */
bool live_core(struct fixture *f, char core[PATH_MAX]);

/* Run pystack with these options on a core of f, whose files may be in another root. */
struct run live_tasks_of_core(const struct fixture *f, const char *options, const char *core);

/* The reason why bpftrace cannot trace rmdir(2) here; NULL: it can. */
const char *live_no_bpftrace(void);

/* Put the pystack under test first in PATH. */
void live_tool_in_path(void);

/* The whole of main(): find the interpreters, make the suite, run it, clean up. Returns the exit
 * status. */
int live_main(Suite *(*suite)(void));

/* The same, and JSON is validated (support/json_lines.h): that of what pystack is shown, or what the
 * tests add. */
int live_json_main(Suite *(*suite)(void));
int live_added_json_main(Suite *(*suite)(void));

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

#endif
