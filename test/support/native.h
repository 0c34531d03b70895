/* Native stacks by another program, eu-stack of elfutils, compared with the tool's. */
#ifndef SUPPORT_NATIVE_H
#define SUPPORT_NATIVE_H

#include "base/strbuf.h"
#include "support/spawn.h"
#include "support/truth.h"

/* eu-stack of process pid, or of the core when core is not NULL (exec its executable), against o: the
 * same number of native lines, every one the same pc: `0xPC` literally, `module`0xADDRESS` by the file's base, `module`symbol+0xoff` when the module
 * has that symbol at pc - off. Threads that eu-stack could not finish are left out. Appends what differs to
 * wrong. Returns the threads compared, or -1 with *why: eu-stack failed. */
int native_compare(const struct interpreter *in, long pid, const char *core, const char *exec,
    const struct output *o, struct strbuf *wrong, const char **why);

#endif
