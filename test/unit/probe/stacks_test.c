/* Stacks from records as the ring buffer has them: mixed, lost, damaged. */
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/probe_stacks.h"
#include "support/run_suite.h"

enum { SOME = 64, RECORD = 4096 };

/* What was handed on. */
static struct taken {
	uint64_t id;
	uint32_t tid;
	size_t n; /* pieces, of which the first SOME are copied */
	struct {
		uint64_t va;
		char text[16];
		size_t n;
	} pieces[SOME];
} last;
static size_t stacks, events;
static uint64_t touched; /* so that each byte of a piece is read */
static struct probe_hit last_event;
static struct probe_stacks x;

static void take_stack(void *data, const struct probe_stack *stack)
{
	(void)data;
	stacks++;
	last = (struct taken){ .id = stack->begin->head.id, .tid = stack->begin->tid, .n = stack->n_pieces };
	for (size_t i = 0; i < stack->n_pieces; i++) {
		const struct memory_piece *p = &stack->pieces[i];

		for (size_t k = 0; k < p->n; k++)
			touched += p->bytes[k];
		if (i >= SOME)
			continue;
		last.pieces[i].va = p->va;
		last.pieces[i].n = p->n;
		memcpy(last.pieces[i].text, p->bytes, p->n < 15 ? p->n : 15);
	}
}

static void take_event(void *data, const struct probe_hit *event)
{
	(void)data;
	events++;
	last_event = *event;
}

/* The record is in memory of its own size, so that a read beyond it is noticed. */
static void take(const void *record, size_t n)
{
	static const struct probe_reader reader = { NULL, take_stack, take_event };
	void *own = malloc(n);

	ck_assert_ptr_nonnull(own);
	memcpy(own, record, n);
	probe_stacks_take(&x, own, n, &reader);
	free(own);
}

static void begin(uint64_t id)
{
	const struct probe_begin b = { .head = { PROBE_RECORD_BEGIN, sizeof(b), id },
		.tid = (uint32_t)id + 1000 };

	take(&b, sizeof(b));
}

static void end(uint64_t id)
{
	const struct probe_record e = { PROBE_RECORD_END, sizeof(e), id };

	take(&e, sizeof(e));
}

/* A record of memory, which is put together piece by piece. */
static struct record {
	_Alignas(8) uint8_t bytes[RECORD];
	uint32_t n;
} r;

static void memory(uint64_t id)
{
	const struct probe_record head = { PROBE_RECORD_MEMORY, 0, id };

	memset(&r, 0, sizeof(r));
	memcpy(r.bytes, &head, sizeof(head));
	r.n = sizeof(head);
}

static void piece(uint64_t va, uint32_t kind, uint64_t code, const char *text)
{
	const struct probe_memory m = { va, (uint32_t)strlen(text), kind, code };

	memcpy(r.bytes + r.n, &m, sizeof(m));
	memcpy(r.bytes + r.n + sizeof(m), text, m.n);
	r.n += (uint32_t)sizeof(m) + ((m.n + 7) & ~7U);
	ck_assert_uint_lt(r.n, RECORD);
}

static void send_memory(void)
{
	memcpy(r.bytes + offsetof(struct probe_record, size), &r.n, sizeof(r.n));
	take(r.bytes, r.n);
}

static void send_piece(uint64_t id, uint64_t va, const char *text)
{
	memory(id);
	piece(va, PROBE_MEMORY_PLAIN, 0, text);
	send_memory();
}

static void expect(size_t i, uint64_t va, const char *text)
{
	ck_assert_uint_lt(i, last.n);
	ck_assert_uint_eq(last.pieces[i].va, va);
	ck_assert_uint_eq(last.pieces[i].n, strlen(text));
	ck_assert_str_eq(last.pieces[i].text, text);
}

/* True if a piece of the last stack has this text at va. */
static bool has(uint64_t va, const char *text)
{
	for (size_t i = 0; i < last.n && i < SOME; i++) {
		if (last.pieces[i].va == va)
			return strcmp(last.pieces[i].text, text) == 0;
	}
	return false;
}

static void free_all(void)
{
	ck_assert(!x.failed);
	probe_stacks_free(&x);
}

START_TEST(one_stack)
{
	begin(1);
	memory(1);
	piece(0x1000, PROBE_MEMORY_PLAIN, 0, "seven b");
	piece(0x2000, PROBE_MEMORY_PLAIN, 0, "eight by");
	send_memory();
	send_piece(1, 0x3000, "n");
	ck_assert_uint_eq(stacks, 0);
	end(1);
	ck_assert_uint_eq(stacks, 1);
	ck_assert_uint_eq(last.id, 1);
	ck_assert_uint_eq(last.tid, 1001);
	ck_assert_uint_eq(last.n, 3);
	expect(0, 0x1000, "seven b");
	expect(1, 0x2000, "eight by");
	expect(2, 0x3000, "n");
	end(1); /* it is over */
	ck_assert_uint_eq(stacks, 1);
	free_all();
}
END_TEST

START_TEST(a_stack_without_memory)
{
	begin(1);
	end(1);
	ck_assert_uint_eq(stacks, 1);
	ck_assert_uint_eq(last.n, 0);
	free_all();
}
END_TEST

START_TEST(mixed)
{
	begin(1);
	begin(2);
	send_piece(1, 0x1000, "first");
	send_piece(2, 0x2000, "second");
	begin(3);
	send_piece(1, 0x1010, "more");
	end(2);
	ck_assert_uint_eq(last.id, 2);
	ck_assert_uint_eq(last.n, 1);
	expect(0, 0x2000, "second");
	send_piece(3, 0x3000, "third");
	end(1);
	ck_assert_uint_eq(last.id, 1);
	ck_assert_uint_eq(last.n, 2);
	expect(0, 0x1000, "first");
	expect(1, 0x1010, "more");
	end(3);
	ck_assert_uint_eq(last.n, 1);
	expect(0, 0x3000, "third");
	ck_assert_uint_eq(stacks, 3);
	free_all();
}
END_TEST

START_TEST(an_event)
{
	struct probe_hit hit = { .head = { PROBE_RECORD_HIT, sizeof(hit), 0 }, .tid = 7, .comm = "python3" };

	begin(1);
	take(&hit, sizeof(hit));
	ck_assert_uint_eq(events, 1);
	ck_assert_uint_eq(last_event.tid, 7);
	ck_assert_str_eq(last_event.comm, "python3");
	/* Without the texts that it does not have. */
	hit.head.size = offsetof(struct probe_hit, text) + PROBE_TEXT_MAX;
	hit.n_text = 1;
	(void)snprintf(hit.text[0], sizeof(hit.text[0]), "first");
	(void)snprintf(hit.text[1], sizeof(hit.text[1]), "behind");
	take(&hit, hit.head.size);
	ck_assert_uint_eq(events, 2);
	ck_assert_str_eq(last_event.text[0], "first");
	ck_assert_str_eq(last_event.text[1], "");
	hit.head.size = offsetof(struct probe_hit, text) - 1;
	take(&hit, sizeof(hit));
	ck_assert_uint_eq(events, 2);
	end(1);
	ck_assert_uint_eq(stacks, 1);
	free_all();
}
END_TEST

/* Names come with the first stack that has their code object, and belong to all that have it. */
START_TEST(names_of_later_stacks)
{
	begin(1);
	memory(1);
	piece(0x1000, PROBE_MEMORY_CODE, 7, "code");
	piece(0x2000, PROBE_MEMORY_NAME, 7, "file");
	piece(0x3000, PROBE_MEMORY_NAME, 7, "name");
	piece(0x4000, PROBE_MEMORY_CODE, 8, "other");
	piece(0x5000, PROBE_MEMORY_NAME, 8, "alien");
	send_memory();
	end(1);
	ck_assert(has(0x1000, "code") && has(0x2000, "file") && has(0x3000, "name"));
	ck_assert(has(0x4000, "other") && has(0x5000, "alien"));
	begin(2);
	memory(2);
	piece(0x1000, PROBE_MEMORY_CODE, 7, "code");
	send_memory();
	end(2);
	ck_assert_uint_eq(last.n, 3);
	ck_assert(has(0x1000, "code") && has(0x2000, "file") && has(0x3000, "name"));
	begin(3);
	memory(3);
	piece(0x1000, PROBE_MEMORY_CODE, 9, "young");
	send_memory();
	end(3);
	ck_assert_uint_eq(last.n, 1);
	expect(0, 0x1000, "young");
	free_all();
}
END_TEST

/* Two processors send the same names if neither knows that they have arrived. */
START_TEST(names_that_are_sent_again)
{
	for (uint64_t id = 1; id <= 100; id++) {
		begin(id);
		memory(id);
		piece(0x1000, PROBE_MEMORY_CODE, 7, "code");
		piece(0x2000, PROBE_MEMORY_NAME, 7, "file");
		piece(0x3000, PROBE_MEMORY_NAME, 7, "name");
		send_memory();
		end(id);
		ck_assert_uint_eq(last.n, 3);
		ck_assert(has(0x1000, "code") && has(0x2000, "file") && has(0x3000, "name"));
	}
	ck_assert_uint_eq(x.names.at.n, 2);
	free_all();
}
END_TEST

/* A program can make more code objects than names are kept for. These come with each stack. */
START_TEST(too_many_names)
{
	begin(1);
	memory(1);
	piece(0x1000, PROBE_MEMORY_CODE, 7, "code");
	piece(0x2000, PROBE_MEMORY_NAME, 7, "file");
	send_memory();
	end(1);
	x.names.bytes = PROBE_NAMES_BYTES;
	for (uint64_t id = 2; id < 4; id++) {
		begin(id);
		memory(id);
		piece(0x1000, PROBE_MEMORY_CODE, 7, "code");
		piece(0x3000, PROBE_MEMORY_NAME, 7, "name");
		piece(0x4000, PROBE_MEMORY_CODE, 8, "other");
		piece(0x5000, PROBE_MEMORY_NAME, 8, "alien");
		send_memory();
		end(id);
		ck_assert(has(0x1000, "code") && has(0x2000, "file") && has(0x3000, "name"));
		ck_assert(has(0x4000, "other") && has(0x5000, "alien"));
		ck_assert_uint_eq(last.n, 5);
	}
	ck_assert_uint_eq(x.names.at.n, 2);
	free_all();
}
END_TEST

START_TEST(a_lost_begin)
{
	send_piece(1, 0x1000, "first");
	end(1);
	ck_assert_uint_eq(stacks, 0);
	begin(2);
	send_piece(1, 0x1000, "first");
	end(2);
	ck_assert_uint_eq(stacks, 1);
	ck_assert_uint_eq(last.n, 0);
	free_all();
}
END_TEST

START_TEST(a_lost_end)
{
	begin(1);
	send_piece(1, 0x1000, "first");
	begin(2);
	send_piece(2, 0x2000, "second");
	end(2);
	ck_assert_uint_eq(stacks, 1);
	ck_assert_uint_eq(last.n, 1);
	expect(0, 0x2000, "second");
	free_all();
}
END_TEST

/* Of stacks that never end, the oldest are dropped. */
START_TEST(too_many_begun)
{
	enum { ALL = 5000 };

	for (uint64_t id = 1; id <= ALL; id++) {
		begin(id);
		send_piece(id, id, "text");
	}
	ck_assert_uint_lt(x.partial.n, ALL / 2);
	end(1);
	ck_assert_uint_eq(stacks, 0);
	for (uint64_t id = ALL - 500; id <= ALL; id++) {
		end(id);
		ck_assert_uint_eq(last.id, id);
		expect(0, id, "text");
	}
	ck_assert_uint_eq(stacks, 501);
	free_all();
}
END_TEST

/* The memory of stacks that never end is bounded, too. */
START_TEST(too_large_begun)
{
	char text[2048];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	begin(1);
	send_piece(1, 1, "text");
	begin(2);
	for (size_t n = 0; n < PROBE_PARTIAL_BYTES; n += sizeof(text))
		send_piece(2, 2, text);
	begin(3);
	send_piece(3, 3, "text");
	ck_assert_uint_le(x.partial_bytes, PROBE_PARTIAL_BYTES);
	end(1);
	end(2);
	ck_assert_uint_eq(stacks, 0);
	end(3);
	ck_assert_uint_eq(stacks, 1);
	expect(0, 3, "text");
	ck_assert_uint_eq(x.partial_bytes, 0);
	free_all();
}
END_TEST

/* Sizes that do not fit the record. */
START_TEST(damaged_heads)
{
	static const uint32_t sizes[] = { 0, 1, 15, 16, 17, 64, 4096, UINT32_MAX - 7, UINT32_MAX };
	_Alignas(8) uint8_t bytes[sizeof(struct probe_hit)] = { 0 };

	for (uint32_t kind = PROBE_RECORD_HIT; kind <= PROBE_RECORD_END + 2; kind++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			const struct probe_record head = { kind, sizes[i], 1 };

			for (size_t n = 0; n < sizeof(bytes); n += n < 32 ? 1 : 100) {
				memcpy(bytes, &head, sizeof(head));
				begin(1);
				take(bytes, n);
				end(1);
				ck_assert_uint_eq(last.id, 1);
			}
		}
	}
	ck_assert_uint_eq(events, 0);
	free_all();
}
END_TEST

/* Pieces whose sizes do not fit: they and what follows are left out, what was before stays. */
START_TEST(damaged_pieces)
{
	static const uint32_t sizes[] = { 0, 5, 9, 4096, 1U << 31, UINT32_MAX - 7, UINT32_MAX };
	size_t n = 0;

	for (uint32_t kind = PROBE_MEMORY_PLAIN; kind <= PROBE_MEMORY_NAME + 1; kind++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			uint32_t at;

			begin(++n);
			memory(n);
			piece(0x1000, PROBE_MEMORY_PLAIN, 0, "before");
			at = r.n + (uint32_t)offsetof(struct probe_memory, n);
			piece(0x2000, kind, n, "bad");
			memcpy(r.bytes + at, &sizes[i], sizeof(sizes[i]));
			r.n -= 5; /* without padding */
			send_memory();
			end(n);
			ck_assert_uint_eq(stacks, n);
			expect(0, 0x1000, "before");
			ck_assert_uint_eq(last.n, 1);
		}
	}
	free_all();
}
END_TEST

/* Bytes changed at random places: every byte of what is handed on is there. */
START_TEST(damaged_anywhere)
{
	unsigned seed = 1;

	for (uint64_t round = 1; round <= 20000; round++) {
		begin(round);
		memory(round);
		piece(0x1000, PROBE_MEMORY_CODE, round % 16, "code object");
		piece(0x2000, PROBE_MEMORY_NAME, round % 16, "name");
		piece(0x3000, PROBE_MEMORY_PLAIN, 0, "stack");
		for (int i = 0; i < 3; i++) {
			uint32_t at = (uint32_t)sizeof(struct probe_record) +
				      (uint32_t)rand_r(&seed) % (r.n - (uint32_t)sizeof(struct probe_record));

			r.bytes[at] = (uint8_t)rand_r(&seed);
		}
		r.n -= (uint32_t)rand_r(&seed) % 16;
		send_memory();
		end(round);
	}
	ck_assert_uint_eq(stacks, 20000);
	free_all();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { one_stack, a_stack_without_memory, mixed, an_event,
		names_of_later_stacks, names_that_are_sent_again, a_lost_begin, a_lost_end, too_many_begun,
		too_large_begun, too_many_names, damaged_heads, damaged_pieces, damaged_anywhere };

	return run_suite("stacks", tests, sizeof(tests) / sizeof(tests[0]));
}
