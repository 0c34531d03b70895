/* PRIVATE to the BPF program: one event: its key, its stack if that is new, its count or record. */
#ifndef PROBE_BPF_CAPTURE_H
#define PROBE_BPF_CAPTURE_H

#include "probe/bpf/gil.h"
#include "probe/bpf/returns.h"
#include "probe/bpf/values.h"

/* Send s->begin. Returns 0: it did not fit into the ring. These are global functions, so that the
 * verifier follows them once. */
__noinline int send_begin(struct scratch *s)
{
	if (!s)
		return 0;
	s->id = bpf_ktime_get_ns() << 8 | (bpf_get_smp_processor_id() & 0xff);
	s->failed = s->used = 0;
	s->begin.head.kind = PROBE_RECORD_BEGIN;
	s->begin.head.size = sizeof(s->begin);
	s->begin.head.id = s->id;
	return bpf_ringbuf_output(&ring, &s->begin, sizeof(s->begin), 0) == 0;
}

/* Send what is left of the stack that has begun, and its end. */
__noinline int send_end(struct scratch *s)
{
	struct probe_record *end;

	if (!s)
		return 0;
	flush_records(s);
	end = (struct probe_record *)s->record;
	end->kind = PROBE_RECORD_END;
	end->size = sizeof(*end);
	end->id = s->id;
	return !s->failed && bpf_ringbuf_output(&ring, end, sizeof(*end), 0) == 0;
}

/* Send the stack that s->begin describes. False: it did not fit into the ring. */
static int send_stack(struct walk *w)
{
	if (!send_begin(w->s))
		return 0;
	w->s->emit = 1;
	take_states(w);
	emit_stacks(w);
	return send_end(w->s);
}

/* The count of a key, which is new perhaps. NULL: the map is full. It is not inlined, since its
 * stack would be added to that of the walks. */
static __noinline struct probe_count *find_count(const struct probe_key *key)
{
	struct probe_count *c = bpf_map_lookup_elem(&counts, key);
	struct probe_count none = { 0, 0, 0 };

	if (!c) {
		(void)bpf_map_update_elem(&counts, key, &none, BPF_NOEXIST);
		c = bpf_map_lookup_elem(&counts, key);
	}
	if (!c)
		count_loss(PROBE_LOST_MAP);
	return c;
}

/* Has the stack of this key been sent? Sends it if not. NULL: the map is full. */
static struct probe_count *count_of(struct walk *w, const struct probe_key *key)
{
	struct probe_count *c = find_count(key);

	if (c && !c->sent) {
		w->s->begin.key = *key;
		if (send_stack(w))
			c->sent = 1;
	}
	return c;
}

static void send_event(struct scratch *s, const struct probe_key *key, struct task_struct *task)
{
	struct probe_hit *e = &s->event;
	uint32_t n;

	e->head.kind = PROBE_RECORD_HIT;
	e->key = *key;
	e->tid = seen_tid(task);
	e->time = bpf_ktime_get_ns();
	(void)BPF_CORE_READ_STR_INTO(&e->comm, task, comm);
	n = e->n_text;
	if (n > PROBE_TEXTS)
		n = PROBE_TEXTS;
	n = (uint32_t) __builtin_offsetof(struct probe_hit, text) + n * PROBE_TEXT_MAX;
	e->head.size = n;
	if (bpf_ringbuf_output(&ring, e, n, 0) != 0)
		count_loss(PROBE_LOST_RING);
}

/* Count an event of this key so many times, or send it. */
static void finish_event(struct scratch *s, struct probe_count *c, const struct probe_key *key,
    struct task_struct *task, uint32_t times)
{
	if (!(key->spec & PROBE_KEY_UNDECIDED))
		count_loss(PROBE_EVENTS);
	take_texts(s); /* of none if events are counted */
	if (!counting) {
		send_event(s, key, task);
		return;
	}
	__sync_fetch_and_add(&c->count, times);
	if (s->event.sum)
		__sync_fetch_and_add(&c->sum, s->event.sum);
}

/* Set s->begin.regs to the program's registers. False: the event is lost, and counted as such. */
static int take_registers(struct scratch *s, struct task_struct *task)
{
	if (bpf_probe_read_kernel(
		s->begin.regs, sizeof(s->begin.regs), (const void *)bpf_task_pt_regs(task)) == 0)
		return 1;
	count_loss(PROBE_LOST_STACK);
	return 0;
}

/* Test the comparisons with names of the innermost code object, if they are known; else user space
 * decides. Returns 0: the event is not wanted, or it is lost, and counted as such. */
static __noinline int is_wanted_python(struct scratch *s, struct probe_key *key)
{
	uint32_t index = 2 * key->spec + s->event.is_32bit, all = s->undecided >> PROBE_KEY_RESULTS, *known;
	const struct probe_when *w = bpf_map_lookup_elem(&conditions, &index);
	struct probe_code_key code = { .process = key->process };
	uint32_t result;

	if (s->n_innermost > 1)
		s->begin.innermost = 0;
	code.innermost = s->begin.innermost;
	known = bpf_map_lookup_elem(&named, &code); /* of none if it is 0 */
	if (!w || !known) {
		key->spec |= s->undecided;
		return 1;
	}
	all |= *known;
	result = probe_when_decide(w, all, all >> PROBE_WHEN_LIMIT);
	if (result == PROBE_WHEN_UNKNOWN)
		count_loss(PROBE_LOST_TEST);
	return result == PROBE_WHEN_TRUE;
}

/* The same as `capture_stack` of a thread that exits and has given up its memory: all of them of a
 * process have one key. */
static __noinline struct probe_count *capture_gone(
    struct scratch *s, struct task_struct *task, const struct probe_process *p, struct probe_key *key)
{
	struct probe_count *c;

	s->begin.flags = PROBE_STACK_GONE;
	s->begin.tid = seen_tid(task);
	s->begin.time = bpf_ktime_get_ns();
	s->begin.thread_pointer = s->begin.code = 0;
	s->begin.n_states = s->begin.n_returns = s->n_innermost = 0;
	s->begin.innermost = PROBE_NO_CODE;
	key->process = p->number;
	if (s->undecided && !is_wanted_python(s, key))
		return 0;
	key->hash = mix_word(1, PROBE_STACK_GONE);
	c = find_count(key);
	if (c && !c->sent) {
		s->begin.key = *key;
		if (send_begin(s) && send_end(s))
			c->sent = 1;
	}
	return c;
}

/* Does the thread run 32-bit code in a 64-bit program, or the other way round? Nothing is known of
 * the stack of such code. */
static __always_inline int is_other_width(const struct scratch *s, uint32_t word)
{
	return (uint32_t)s->begin.regs[REG_CS] == (word == 8 ? CS_32 : CS_64);
}

/* How often addresses of the process have come to mean other code; sets s->restart. */
static __always_inline uint64_t epoch_of(struct scratch *s, uint32_t number)
{
	const struct probe_epoch *e = bpf_map_lookup_elem(&epochs, &number);

	s->restart = e ? e->restart : 0;
	return e ? e->epoch : 0;
}

/* Set w->thread to what is kept of thread tid. Returns 0: there is no room. */
static __always_inline int find_thread(struct walk *w, uint32_t tid)
{
	struct scratch *s = w->s;

	w->thread = bpf_map_lookup_elem(&threads, &tid);
	if (!w->thread) {
		s->fresh.thread_pointer = s->thread_pointer;
		(void)bpf_map_update_elem(&threads, &tid, &s->fresh, BPF_ANY);
		w->thread = bpf_map_lookup_elem(&threads, &tid);
		if (!w->thread)
			return 0;
	}
	if (w->thread->thread_pointer != s->thread_pointer) {
		w->thread->thread_pointer = s->thread_pointer;
		w->thread->list = w->thread->stack_hi = 0;
	}
	return 1;
}

/* Find the key of the stack of a thread whose registers were taken; it is sent if it is new.
 * NULL: the event is not wanted, or it is lost, and counted as such. */
static struct probe_count *capture_stack(
    struct scratch *s, struct task_struct *task, const struct probe_process *p, struct probe_key *key)
{
	uint32_t tid = (uint32_t)task->pid, index = p->target;
	const struct probe_target *t = bpf_map_lookup_elem(&targets, &index);
	struct walk w = { .s = s, .t = t };
	uint64_t *changed = bpf_map_lookup_elem(&changes, &index);

	if (!t)
		return 0;
	if (is_other_width(s, t->word)) {
		count_loss(PROBE_LOST_WIDTH);
		return 0;
	}
	s->emit = 0;
	s->events++;
	s->tstate_at = 0;
	s->process = p->number;
	s->target = index;
	s->changes = *(const volatile uint64_t *)&t->changes;
	s->unsure = changed && *changed != s->changes;
	s->thread_pointer = thread_pointer_of(task, t);
	if (!find_thread(&w, tid)) {
		count_loss(PROBE_LOST_MAP);
		return 0;
	}
	s->lost = 0;
	s->begin.flags = t->n_pythons == 0 ? PROBE_STACK_UNKNOWN : 0;
	s->begin.tid = seen_tid(task);
	s->begin.time = bpf_ktime_get_ns();
	s->begin.thread_pointer = s->thread_pointer;
	leave_page(s, t->word);
	find_stack(&w, task);
	if (!s->lost)
		find_states(&w);
	if (!s->lost) {
		s->hash = mix_word(epoch_of(s, p->number), s->begin.regs[REG_IP]);
		if (s->begin.regs[REG_BP] - s->stack_lo < s->stack_hi - s->stack_lo)
			s->hash = mix_word(s->hash, s->begin.regs[REG_BP] - s->stack_lo);
		take_returns(&w, task);
		if (holders)
			take_gil(s, index, key->spec);
		s->begin.code = s->n_innermost = 0;
		s->begin.innermost = t->n_pythons == 0 ? 0 : PROBE_NO_CODE; /* 0: it may have one */
		take_states(&w);
		key->process = p->number;
		if (s->undecided && !s->lost && !is_wanted_python(s, key))
			return 0;
		hash_stacks(&w);
	}
	if (s->lost) {
		count_loss(s->lost - 1);
		return 0;
	}
	key->hash = s->hash;
	return count_of(&w, key);
}

#endif
