/* The Python agent of pstack and mdb: what they look up in libpythonX.Y_db.so beside a process's libpythonX.Y.so.
 *
 * The nine functions of PYDB_VERSION 1, with the types and return values that illumos's pstack and mdb's libpython
 * module expect. Works over any handle whose process holds still between the calls: a core, a grabbed process, a
 * Pgrab_ops handle. Every version of CPython that pystack knows, whatever the name of the file the agent was loaded
 * as. On Linux the handle has to come from the lib/proc that the agent was built with.
 *
 * Not for several threads at once over one agent. Texts are UTF-8, what could harm a terminal in them is escaped. */
#ifndef PYSTACK_LIBPYTHON_DB_H
#define PYSTACK_LIBPYTHON_DB_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ps_prochandle;

#define PYDB_VERSION 1

typedef struct pydb_agent pydb_agent_t;
typedef struct pydb_iter pydb_iter_t;

#pragma GCC visibility push(default)

/* An agent over P, which must outlive it. NULL with errno: ENOTSUP (vers is not PYDB_VERSION), ENOMEM. Whether there
 * is a Python in P is found out later, so it may still be starting. */
extern pydb_agent_t *pydb_agent_create(struct ps_prochandle *P, int vers);
extern void pydb_agent_destroy(pydb_agent_t *py); /* NULL ok */

/* The Python frames that the native frame at pc runs: buf gets "[ file:line (function) ]\n" for each, youngest first,
 * those after the first with three blanks in front, as the first one has when pstack prints it; as many whole lines as
 * fit, then "   ...\n" if there are more. 0; -1: pc is in no activation of an evaluation loop.
 *
 * Which activation: calls are to follow the stacks, youngest frame first, LWP after LWP in Plwp_iter_all's order or
 * a single one. arg, by pstack the function's first argument, says which thread it is if it is a thread state or a
 * frame of one, and is ignored otherwise; where that leaves a choice between threads, lines end in " ?". */
extern int pydb_pc_frameinfo(pydb_agent_t *py, uintptr_t pc, uintptr_t arg, char *buf, size_t size);

/* The frame at addr: "ADDR file:line function()\n", ADDR in at least 8 hexadecimal digits; the whole path of the file
 * if verbose, else its last part. Cut to fit. 0; -1: there is no frame. */
extern int pydb_get_frameinfo(pydb_agent_t *py, uintptr_t addr, char *buf, size_t size, int verbose);

/* Addresses of: interpreters (addr: of a pointer to the first, 0 for those of the process), thread states of the
 * interpreter at addr, frames of the thread state at addr, youngest first, without those that Python itself does not
 * show. NULL: nothing of the kind is there, or no memory. The list is taken when the iterator is made; a broken or
 * circular one ends where it breaks. pydb_iter_next: the next address, 0 at the end. */
extern pydb_iter_t *pydb_interp_iter_init(pydb_agent_t *py, uintptr_t addr);
extern pydb_iter_t *pydb_thread_iter_init(pydb_agent_t *py, uintptr_t addr);
extern pydb_iter_t *pydb_frame_iter_init(pydb_agent_t *py, uintptr_t addr);
extern uintptr_t pydb_iter_next(pydb_iter_t *iter);
extern void pydb_iter_fini(pydb_iter_t *iter); /* NULL ok */

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
