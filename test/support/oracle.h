/* Every process and core that a test shows to pystack is afterwards walked once by two unwinding
 * engines (test/oracle/engines). A difference ends the test and prints both stacks. fixture_end,
 * victim_end, fixture_core and run_tool do this. A test that starts a process by other means must
 * call oracle_process before it ends it; otherwise the test fails. */
#ifndef SUPPORT_ORACLE_H
#define SUPPORT_ORACLE_H

#include <stdbool.h>
#include <sys/types.h>

struct run_options;

/* Use the engines of the build in directory `folder`. Without libunwind nothing is compared, which
 * is printed once. False: there are no engines, which is printed. The other functions do nothing
 * before this one is called. */
bool oracle_init(const char *folder);

/* Compare the stacks of a process that is not traced and about to be ended. All its threads are
 * stopped for a moment, so system calls may return early. Returns the differences, which the caller
 * must free; NULL: none, or the process has ended. */
char *oracle_process(pid_t pid);

/* The same for a core, by its path where pystack runs with opt (may be NULL); sysroot as given to
 * pystack (may be NULL). NULL also if it is not a core, or unchanged since the last call. */
char *oracle_core(const struct run_options *opt, const char *core, const char *sysroot);

/* End the test if `answer`, a result of these functions, is not NULL. Frees it. */
void oracle_judge(char *answer);

/* Record that pystack has printed these operands. Cores are compared now; processes must be
 * compared before the test ends. */
void oracle_shown(const struct run_options *opt, const char *const args[]);

/* Record that the process is gone: its core is compared instead, or it ended by itself. */
void oracle_replaced(pid_t pid);

/* Do not compare this test's processes. The call must have a comment with the reason. */
void oracle_leave_out(void);

#endif
