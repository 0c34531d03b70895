/* Arguments of the probes of --at, and conditions on them. */
#ifndef PYSTACK_AT_ARGUMENTS_H
#define PYSTACK_AT_ARGUMENTS_H

#include "at_probes.h"
#include "probe/probe_usdt.h"
#include "probe/probe_when.h"

/* Find the fields of tracepoint i, of which p->at[i].tracepoint is set. False: out of memory. */
bool at_arguments_fields(struct at_probes *p, size_t i, const struct probe_tracepoint *tracepoint);

/* Where the arguments of probe i are: at a tracepoint (usdt NULL) or at a place of a static probe.
 * NULL: out of memory. They are owned by p. */
const struct probe_value_list *at_arguments_list(
    struct at_probes *p, size_t i, const struct arch *arch, const struct probe_usdt *usdt);

/* Compile `text`, or nothing if that is NULL, for probe i; if `is_32bit` is set, for its events of
 * i386. usdt: a place of a static probe, whose arguments must have the types of those at its other
 * places. False: a message was printed. */
bool at_arguments_condition(
    struct at_probes *p, size_t i, bool is_32bit, const char *text, const struct probe_usdt *usdt);

/* Find the number of an event that `text` names; narrow: of one of i386. RES_FAIL: f says why
 * not. */
enum res at_arguments_value(
    const struct at_probe *one, bool narrow, const char *text, struct probe_when_value *out, struct fault *f);

/* The probe of a key; NULL: it has none. */
const struct at_probe *at_probe_of(const struct at_probes *p, const struct probe_key *key);

/* Append what an event is of: `rmdir("/tmp/x")`, `read(3, 0x7f…, 512) = 512`, `profile:97`,
 * `block:block_rq_issue(dev=8388608, …)`, `off-cpu 12.345 ms`. */
void at_probe_event(const struct at_probes *p, const struct probe_hit *e, struct strbuf *out);

#endif
