/* Notes of illumos cores for core_builder, in the process's word size (core_builder_word). They
 * follow the published layouts of <procfs.h> and siginfo_t, written here independently of
 * lib/proc. */
#ifndef TEST_ILLUMOS_CORE_BUILDER_H
#define TEST_ILLUMOS_CORE_BUILDER_H

#include <stdint.h>

#include "core_builder.h"

enum { ILLUMOS_REGS = 28 };

/* regs: in the order of <sys/regset.h> of amd64, or i386 (19 of them). field: address, or pid | uid
 * << 32. */
struct illumos_lwp {
	int id, cursig, code;
	uint64_t field;
	uint64_t regs[ILLUMOS_REGS];
};

void illumos_psinfo(struct core_builder *b, int pid, const char *fname, const char *psargs);
void illumos_pstatus(struct core_builder *b, int pid, const struct illumos_lwp *dumping);
void illumos_lwpsinfo(struct core_builder *b, int id, char sname);
void illumos_lwpstatus(struct core_builder *b, const struct illumos_lwp *lwp);
void illumos_lwpname(struct core_builder *b, int id, const char *name);
/* pairs: n times type, value; AT_NULL is added. */
void illumos_auxv(struct core_builder *b, const uint64_t (*pairs)[2], size_t n);

#endif
