/* PRIVATE to the BPF program: memory of the target as records of the ring buffer. */
#ifndef PROBE_BPF_EMIT_H
#define PROBE_BPF_EMIT_H

#include "probe/bpf/maps.h"

static void flush_records(struct scratch *s)
{
	uint32_t n = s->used;

	s->used = 0;
	if (n == 0 || s->failed)
		return;
	if (n > PROBE_BATCH_MAX) {
		s->failed = 1;
		return;
	}
	((struct probe_record *)s->record)->size = n;
	if (bpf_ringbuf_output(&ring, s->record, n, 0) != 0)
		s->failed = 1;
}

/* Append n bytes of the target at va. Those that cannot be read are left out.
 * It is a global function, so that the verifier follows it once and not at each call. */
int emit_piece(struct scratch *s, uint64_t va, uint32_t n, uint32_t kind, uint64_t code)
{
	struct probe_memory *m;
	uint32_t at;

	if (!s || n == 0 || n > TABLE)
		return 0;
	if (s->used + n + 8 + sizeof(*m) > PROBE_BATCH_MAX)
		flush_records(s);
	if (s->used == 0) {
		struct probe_record *head = (struct probe_record *)s->record;

		head->kind = PROBE_RECORD_MEMORY;
		head->id = s->id;
		s->used = sizeof(*head);
	}
	at = s->used;
	if (at > PROBE_BATCH_MAX - sizeof(*m))
		return 0;
	m = (struct probe_memory *)(s->record + at);
	at += sizeof(*m);
	if (bpf_probe_read_user(s->record + at, n, (const void *)va) != 0) {
		uint32_t rest = PAGE - (va & (PAGE - 1));

		/* It may end with its page. */
		if (rest > n)
			return 0;
		n = rest;
		if (n > TABLE || bpf_probe_read_user(s->record + at, n, (const void *)va) != 0)
			return 0;
	}
	m->at = va;
	m->n = n;
	m->kind = kind;
	m->code = code;
	s->used = at + ((n + 7) & ~7u);
	return 0;
}

static void emit_memory(struct scratch *s, uint64_t va, uint32_t n)
{
	emit_piece(s, va, n, PROBE_MEMORY_PLAIN, 0);
}

#endif
