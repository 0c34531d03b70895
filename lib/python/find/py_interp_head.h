/* PRIVATE to lib/python: the pointer to the first interpreter where it is a static variable
 * (CPython ≤ 3.6). */
#ifndef PYTHON_PY_INTERP_HEAD_H
#define PYTHON_PY_INTERP_HEAD_H

#include "base/span.h"
#include "python/py_process.h"

/* Its address in the binary `object`, by the first of these ways that leads to an interpreter that
 * proves itself (py_runtime_validate):
 *   symbol interp_head         in .symtab only
 *   PyInterpreterState_Head    exported: its code holds the address
 *   _PyThreadState_Current     exported: the state of the thread that runs Python now has a
 *                              pointer to its interpreter, which serves as well; later
 *                              interpreters cannot be reached from it
 * RES_NONE: found, but there is no interpreter yet. RES_FAIL: not found. */
enum res py_head_find(
    struct ps_prochandle *P, const char *object, const struct py_layout *l, uint64_t *addr, struct fault *f);

/* The address that a function loads its return value from, by its machine code (x86-64) at va. 0:
 * the code has another form. Follows one pointer of the target if the code does
 * (position-independent code).
 *
 *   [endbr64] [push %rbp; mov %rsp,%rbp]
 *   mov X(%rip),%rax                           X
 *   mov X(%rip),%rax; mov N(%rax),%rax         *X + N
 *   lea X(%rip),%rax; mov [N](%rax),%rax       X + N
 *   [pop %rbp | leave] ret */
uint64_t py_head_of_x86_64(struct ps_prochandle *P, struct span code, uint64_t va);

/* The same for i386, whose position-independent code gets its own address from a call:
 *
 *   [endbr32] [push %ebp; mov %esp,%ebp] [push %ebx]
 *   mov X,%eax                                                      X
 *   call THUNK; add $A,REG; mov B(REG),%eax                         A + B past the call
 *   call THUNK; add $A,REG; mov B(REG),%eax; mov [N](%eax),%eax     *(the same) + N
 *   call THUNK; add $A,REG; lea B(REG),%eax; mov [N](%eax),%eax     the same + N
 *   [pop %ebx] [pop %ebp | leave] ret                               THUNK: mov (%esp),REG; ret */
uint64_t py_head_of_i386(struct ps_prochandle *P, struct span code, uint64_t va);

#endif
