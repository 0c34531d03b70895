/* Records of the ring buffer. A u32 before each is its size. */
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "parsers.h"
#include "probe/probe_stacks.h"

static uint64_t read_bytes; /* so that each byte of a piece is read */

static void take_stack(void *data, const struct probe_stack *stack)
{
	(void)data;
	for (size_t i = 0; i < stack->n_pieces; i++)
		for (size_t k = 0; k < stack->pieces[i].n; k++)
			read_bytes += stack->pieces[i].bytes[k];
	read_bytes += stack->begin->tid;
}

static void take_event(void *data, const struct probe_hit *event)
{
	(void)data;
	read_bytes += event->head.id;
}

void fuzz_records(const uint8_t *data, size_t n)
{
	static const struct probe_reader reader = { NULL, take_stack, take_event };
	struct probe_stacks stacks;
	struct span rest = span_of(data, n), record;
	uint32_t size;

	memset(&stacks, 0, sizeof(stacks));
	while (span_u32(&rest, &size) && span_cut(&rest, size, &record)) {
		void *copy = fuzz_copy(record.at, size);

		probe_stacks_take(&stacks, copy, size, &reader);
		free(copy);
	}
	probe_stacks_free(&stacks);
}
