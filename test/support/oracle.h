/* Every process and core that the tool is shown is walked by both unwinding engines too (test/oracle/engines), once, after
 * the tool has seen it; what differs ends the test, with both stacks. fixture_end, victim_end, fixture_core and run_tool see to
 * it. A test that shows the tool a process of another kind asks oracle_process before it ends it: one that forgets to
 * fails. */
#ifndef SUPPORT_ORACLE_H
#define SUPPORT_ORACLE_H

#include <stdbool.h>
#include <sys/types.h>

struct run_options;

/* Engines of the build in folder; without libunwind there is nothing to compare with, which is said once. False: they are not
 * there, which is said too. Before it is called all of this does nothing. */
bool oracle_init(const char *folder);

/* A process that nobody traces, about to be ended: all of it is held for a moment, and its calls may come back early. What
 * differs, or NULL; to be freed. One that has ended has nothing to compare. */
char *oracle_process(pid_t pid);

/* The same of a core as it is now, by the path it has where opt (NULL: nothing) has the tool run; sysroot as the tool is
 * told (NULL: not). NULL too for what is no core, or the same as last time. */
char *oracle_core(const struct run_options *opt, const char *core, const char *sysroot);

/* End the test with an answer of these; frees it. */
void oracle_judge(char *answer);

/* The tool has printed what there is of these operands: cores are compared now, processes are to be before the test's end. */
void oracle_shown(const struct run_options *opt, const char *const args[]);

/* The process is no more: its core stands for it, or it ended by itself. */
void oracle_replaced(pid_t pid);

/* The processes of this test are not to be compared. Say why at the call. */
void oracle_leave_out(void);

#endif
