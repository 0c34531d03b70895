/* What a condition can name at each kind of probe: callbacks for struct probe_when_names, and the
 * types of results. */
#ifndef PROBE_PROBE_WHEN_ARGS_H
#define PROBE_PROBE_WHEN_ARGS_H

#include "arch/arch.h"
#include "probe/probe_syscalls.h"
#include "probe/probe_tracefs.h"
#include "probe/probe_usdt.h"
#include "probe/probe_when.h"

/* Of a system call; ctx: its const struct probe_syscall. Index 0 … 5 is the argument's place. One
 * whose arguments are not known has six of unknown type. */
bool probe_when_syscall_arg(void *ctx, uint32_t index, struct probe_when_arg *out);
struct probe_when_arg probe_when_syscall_result(const struct probe_syscall *call);

/* Of a tracepoint; ctx: its const struct probe_tracepoint. The fields are counted without those
 * that every event has (common_pid …). */
bool probe_when_field_arg(void *ctx, uint32_t index, struct probe_when_arg *out);
/* The field of such an index; NULL: there is none. */
const struct probe_field *probe_when_field(const struct probe_tracepoint *event, uint32_t index);

/* Of a static probe; ctx: its const struct probe_usdt. Its arguments have no names. */
bool probe_when_usdt_arg(void *ctx, uint32_t index, struct probe_when_arg *out);

/* Of a function; ctx: its const struct arch. The words in which a call may have put integers and
 * addresses: all of unknown type. The same holds for the result. */
bool probe_when_function_arg(void *ctx, uint32_t index, struct probe_when_arg *out);
struct probe_when_arg probe_when_function_result(const struct arch *arch);

#endif
