/* Comparison of pystack's native stacks with those of eu-stack of elfutils. */
#ifndef SUPPORT_NATIVE_H
#define SUPPORT_NATIVE_H

#include "base/strbuf.h"
#include "support/spawn.h"
#include "support/truth.h"

/* Compare eu-stack's stacks of process pid, or of a core if core is not NULL (exec is its
 * executable), with o: the number of native lines, and the pc of each: `0xPC` literally,
 * `module`0xADDRESS` by the file's base, `module`symbol+0xoff` if the module has that symbol at pc
 * - off. Threads that eu-stack could not finish are left out. Appends differences to wrong. Returns
 * the number of threads compared; -1 with *why: eu-stack failed. */
int native_compare(const struct interpreter *in, long pid, const char *core, const char *exec,
    const struct output *o, struct strbuf *wrong, const char **why);

#endif
