/* The Python agent of pstack and mdb, which they load as libpythonX.Y_db.so from the directory of a
 * process's libpythonX.Y.so.
 *
 * It has the nine functions of PYDB_VERSION 1, with the types and return values that illumos's
 * pstack and mdb's libpython module expect. It works over any handle whose process does not run
 * between the calls: a core, a grabbed process, a Pgrab_ops handle. It supports every CPython
 * version that pystack supports, whatever the name of the file from which it was loaded. On Linux
 * the handle must come from the lib/proc with which the agent was built.
 *
 * Only one thread at a time may use an agent. Texts are UTF-8; characters that could harm a
 * terminal are escaped. */
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

/* Create an agent over P, which must outlive it. NULL with errno: ENOTSUP (vers is not
 * PYDB_VERSION), ENOMEM. The agent searches P for a Python later, so P may still be starting. */
extern pydb_agent_t *pydb_agent_create(struct ps_prochandle *P, int vers);
extern void pydb_agent_destroy(pydb_agent_t *py); /* NULL ok */

/* Write the Python frames that the native frame at pc runs to buf, of `size` bytes: a line "[
 * file:line (function) ]\n" for each, innermost first. Lines after the first start with three
 * spaces, which pstack prints before the first one. buf gets the whole lines that fit, then
 * "   ...\n" if there are more. Returns 0; -1: pc is not in an activation of an evaluation loop.
 *
 * To identify the activation, calls must follow the stacks, innermost frame first: those of one
 * LWP, or of all in Plwp_iter_all's order. arg is, from pstack, the function's first argument. It
 * identifies the thread if it is a thread state or a frame of one, and is ignored otherwise. If
 * several threads remain possible, lines end in " ?". */
extern int pydb_pc_frameinfo(pydb_agent_t *py, uintptr_t pc, uintptr_t arg, char *buf, size_t size);

/* Write the frame at addr to buf, truncated to `size` bytes: "ADDR file:line function()\n". ADDR
 * has at least 8 hexadecimal digits; file is the whole path if verbose, else its last component.
 * Returns 0; -1: there is no frame at addr. */
extern int pydb_get_frameinfo(pydb_agent_t *py, uintptr_t addr, char *buf, size_t size, int verbose);

/* Iterators over addresses, which the caller must free by pydb_iter_fini: of interpreters (addr is
 * the address of a pointer to the first, or 0 for the process's), of the thread states of the
 * interpreter at addr, and of the frames of the thread state at addr, innermost first, without
 * those that Python itself does not show. NULL: there is no such object at addr, or no memory. The
 * list is read when the iterator is made; a broken or circular list ends at the break.
 * pydb_iter_next returns the next address, 0 at the end. */
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
