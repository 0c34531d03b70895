/* PRIVATE to lib/python: the pointer to the first interpreter where it is a static variable (CPython ≤ 3.6). */
#ifndef PYTHON_PY_INTERP_HEAD_H
#define PYTHON_PY_INTERP_HEAD_H

#include "base/span.h"
#include "python/py_process.h"

/* Its address in the binary `object`, by the first way of these that gives one the interpreter at which proves itself
 * (py_runtime_validate):
 *   symbol interp_head         in .symtab only
 *   PyInterpreterState_Head    exported: its code holds the address
 *   _PyThreadState_Current     exported: the thread that runs Python now has a pointer to its interpreter, whose
 *                              address is as good; the interpreters made after that one are not in reach
 * RES_NONE: there is one, and no interpreter yet. RES_FAIL: no way led to one. */
enum res py_head_find(
    struct ps_prochandle *P, const char *object, const struct py_layout *l, uint64_t *addr, struct fault *f);

/* Where a function returns the pointer it returns from, by its machine code (x86-64) at va. 0: the code is of
 * another kind. Follows one pointer of the target when the code does (position-independent code).
 *
 *   [endbr64] [push %rbp; mov %rsp,%rbp]
 *   mov X(%rip),%rax                           X
 *   mov X(%rip),%rax; mov N(%rax),%rax         *X + N
 *   lea X(%rip),%rax; mov [N](%rax),%rax       X + N
 *   [pop %rbp | leave] ret */
uint64_t py_head_of_x86_64(struct ps_prochandle *P, struct span code, uint64_t va);

/* The same for i386's, which knows where it is by the return address of a call:
 *
 *   [endbr32] [push %ebp; mov %esp,%ebp] [push %ebx]
 *   mov X,%eax                                                      X
 *   call THUNK; add $A,REG; mov B(REG),%eax                         A + B past the call
 *   call THUNK; add $A,REG; mov B(REG),%eax; mov [N](%eax),%eax     *(the same) + N
 *   call THUNK; add $A,REG; lea B(REG),%eax; mov [N](%eax),%eax     the same + N
 *   [pop %ebx] [pop %ebp | leave] ret                               THUNK: mov (%esp),REG; ret */
uint64_t py_head_of_i386(struct ps_prochandle *P, struct span code, uint64_t va);

#endif
