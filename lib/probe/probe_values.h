/* The places of a probe's arguments as the BPF program takes them. */
#ifndef PROBE_PROBE_VALUES_H
#define PROBE_PROBE_VALUES_H

#include "base/strbuf.h"
#include "probe/probe_abi.h"
#include "probe/probe_args.h"
#include "probe/probe_arguments.h"

/* Fill in the list of a tracepoint or static probe. arch: of the file of a static probe. Arguments
 * from PROBE_VALUES on are left out. */
void probe_values_list(
    const struct arch *arch, const struct probe_arguments *arguments, struct probe_value_list *out);

/* The strings of an event, by argument: they refer to *hit. Those that were not copied have no
 * bytes. */
void probe_values_strings(const struct probe_hit *hit, struct probe_string out[PROBE_VALUES]);

/* Append the arguments of an event that came with a list, in parentheses: `(8, "W", 0x7f…)`; those
 * of a tracepoint with their names, `(sector=8, rwbs="W")`. tracepoint NULL: it is a static probe.
 * `?` stands for what could not be read, `...` for what is left out. */
void probe_values_render(
    struct strbuf *b, const struct probe_hit *hit, const struct probe_tracepoint *tracepoint);

#endif
