/* The table of activations, and the search for the activation that a call means.
 *
 * A call gives a pc, and threads of a pool share pcs. The argument identifies the thread if it is a
 * thread state (3.9+: the loop's first argument) or a frame (up to 3.8). Within a thread, and
 * without such an argument, the order of the calls decides: they follow the stacks.
 *
 * The process may have run since the table was made (under a debugger). So before the first
 * activation of a thread is returned, the thread's frames are read again and compared; and a pc in
 * the loop that is not in the table causes the table to be made again. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/strbuf.h"
#include "os/regs.h"
#include "pydb/agent.h"
#include "report/text.h"
#include "stack/stack.h"

struct registers {
	struct ps_prochandle *P;
	struct pydb_activations *a; /* NULL: only the hash is wanted */
	uint64_t hash;
	bool failed;
};

static int add_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	struct registers *r = data;
	struct pydb_lwp lwp;

	(void)info;
	if (status == NULL)
		return 0;
	lwp = (struct pydb_lwp){ .id = (lwpid_t)status->pr_lwpid,
		.thread = os_thread_pointer(r->P, (lwpid_t)status->pr_lwpid, status->pr_reg) };
	r->hash = hash_word(r->hash, (uint64_t)status->pr_lwpid);
	for (size_t i = 0; i < sizeof(status->pr_reg) / sizeof(status->pr_reg[0]); i++)
		r->hash = hash_word(r->hash, (uint64_t)status->pr_reg[i]);
	r->failed = r->a != NULL && !vec_push(&r->a->lwps, lwp);
	return r->failed;
}

static uint64_t registers_hash(struct pydb_agent *agent)
{
	struct registers r = { agent->P, NULL, HASH_START, false };

	(void)Plwp_iter_all(agent->P, add_lwp, &r);
	return r.hash;
}

/* The length is hashed too, so that two texts in a row differ from two others with the same
 * bytes. */
static uint64_t hash_text(uint64_t hash, const char *text, size_t n)
{
	return hash_bytes(hash_word(hash, n), text, n);
}

/* The names are hashed too: another code object may have taken a freed one's address. */
static uint64_t hash_code(uint64_t hash, const struct py_process *py, const struct py_frame *frame)
{
	const struct py_code *code = frame->bad ? NULL : py_code_get(py, frame);

	hash = hash_word(hash, frame->code);
	if (code == NULL)
		return hash;
	return hash_text(hash_text(hash, code->file, code->file_len), code->name, code->name_len);
}

/* A hash of the current Python frames of all thread states of one thread. */
static uint64_t chain_hash(struct py_process *py, const py_threads *threads, uint64_t thread)
{
	uint64_t hash = HASH_START;

	for (size_t i = 0; i < threads->n; i++) {
		struct py_stack s = { .broken = false };

		if (threads->at[i].thread_id != thread ||
		    py_stack_read(py, &threads->at[i], &s, NULL) != RES_OK)
			continue;
		for (size_t k = 0; k < s.frames.n; k++) {
			hash = hash_word(hash, s.frames.at[k].addr);
			hash = hash_code(hash, py, &s.frames.at[k]);
			hash = hash_word(hash, s.frames.at[k].instr);
		}
		py_stack_free(&s);
	}
	return hash;
}

void activations_free(struct pydb_activations *a)
{
	for (size_t i = 0; i < a->at.n; i++)
		free(a->at.at[i].text);
	vec_free(&a->at);
	vec_free(&a->lwps);
	vec_free(&a->frames);
	vec_free(&a->threads);
	addrmap_free(&a->pcs);
	memset(a, 0, sizeof(*a));
}

/* A thread whose activations are added. */
struct taken {
	struct pydb_activations *to;
	const struct py_process *py;
	const struct stack_thread *th;
	bool failed; /* out of memory */
};

/* Add the activation whose Python frames start at item k of the thread's join, after their native
 * frame. An activation without frames is kept too: a call for it must not be answered with the
 * frames of the next one that has its pc. Returns the index of the item after the frames. */
static size_t take_activation(struct taken *from, size_t k, struct pydb_activation new)
{
	struct pydb_activations *a = from->to;
	const struct stack_thread *th = from->th;
	const struct py_code *code;
	struct strbuf text = STRBUF_EMPTY;
	bool ok = true;

	new.first = (uint32_t)a->frames.n;
	for (; ok && k < th->join.items.n && th->join.items.at[k].kind == JOIN_PYTHON; k++) {
		const struct join_item *item = &th->join.items.at[k];
		const struct py_frame *frame = &th->python.frames.at[item->index];

		ok = vec_push(&a->frames, frame->addr);
		if (frame->hidden)
			continue;
		if (text.n > 0)
			strbuf_str(&text, "   ");
		code = frame->bad ? NULL : py_code_get(from->py, frame);
		text_python(code, frame->line, false, &text);
		if (code == NULL || item->unsure)
			strbuf_str(&text, " ?");
		strbuf_char(&text, '\n');
	}
	new.count = (uint32_t)a->frames.n - new.first;
	new.text = strdup(strbuf_text(&text));
	ok =
	    ok && !text.failed && new.text != NULL &&addrmap_put(&a->pcs, new.pc, 1) && vec_push(&a->at, new);
	if (!ok)
		free(new.text);
	from->failed |= !ok;
	strbuf_free(&text);
	return k;
}

static bool take_thread(
    struct pydb_activations *a, const struct py_process *py, const struct stack_thread *th, uint32_t lwp)
{
	const struct join_item *items = th->join.items.at;
	struct pydb_activation new = { .lwp = lwp };
	struct taken from = { .to = a, .py = py, .th = th };

	for (size_t k = 0; !from.failed && k < th->join.items.n;) {
		if (new.pc != 0 && (items[k].kind == JOIN_BARE || items[k].kind == JOIN_ENDED))
			(void)take_activation(&from, k, new);
		if (items[k].kind == JOIN_PYTHON && new.pc != 0) {
			k = take_activation(&from, k, new);
			continue;
		}
		/* Frames outside any activation cannot be asked for: they have no pc. */
		if (items[k].kind == JOIN_NATIVE)
			new.pc = th->native.frames.at[items[k].index].pc;
		else if (items[k].kind != JOIN_PYTHON)
			new.pc = 0;
		k++;
	}
	return !from.failed;
}

static bool lwp_index(const struct pydb_activations *a, lwpid_t id, uint32_t *out)
{
	for (size_t i = 0; i < a->lwps.n; i++) {
		*out = (uint32_t)i;
		if (a->lwps.at[i].id == id)
			return true;
	}
	return false;
}

static bool take_stacks(struct pydb_agent *agent, struct pydb_activations *a)
{
	const struct stack_options opt = { .holds_still = true };
	struct stack_target *t;
	bool ok = true;

	if (stack_target_open(agent->P, &opt, &t, NULL) != RES_OK)
		return false;
	for (size_t i = 0; ok && i < stack_threads(t); i++) {
		struct stack_thread th;
		uint32_t lwp;

		ok = stack_thread_read(t, i, &th, NULL) == RES_OK;
		if (ok && lwp_index(a, th.id, &lwp))
			ok = take_thread(a, stack_python_process(t), &th, lwp);
		stack_thread_free(&th);
	}
	stack_target_close(t);
	return ok;
}

/* Make the table again. False: it cannot be made, and is left empty. */
static bool activations_make(struct pydb_agent *agent, struct py_process *py)
{
	struct pydb_activations *a = &agent->activations;
	struct registers r = { agent->P, a, HASH_START, false };

	activations_free(a);
	(void)Plwp_iter_all(agent->P, add_lwp, &r);
	if (r.failed || !take_stacks(agent, a)) {
		activations_free(a);
		return false;
	}
	(void)py_threads_read(py, &a->threads, NULL);
	for (size_t i = 0; i < a->lwps.n; i++)
		a->lwps.at[i].chain = chain_hash(py, &a->threads, a->lwps.at[i].thread);
	for (size_t i = 0; i < py_runtimes(py); i++)
		a->n_loops += py_eval_ranges(py, i, a->loops + a->n_loops, PYDB_LOOPS - a->n_loops);
	a->registers = r.hash;
	a->known = true;
	return true;
}

/* The thread pointer of the thread whose state is at arg; 0 if arg is not a thread state. */
static uint64_t thread_of_state(const py_threads *threads, uint64_t arg)
{
	for (size_t i = 0; i < threads->n; i++) {
		if (threads->at[i].tstate == arg)
			return threads->at[i].thread_id;
	}
	return 0;
}

static bool runs_frame(
    const struct pydb_activations *a, const struct pydb_activation *activation, uint64_t frame)
{
	for (uint32_t i = 0; i < activation->count; i++) {
		if (a->frames.at[activation->first + i] == frame)
			return true;
	}
	return false;
}

/* The request of a call. */
struct question {
	uint64_t pc;
	uint64_t thread; /* 0: the argument does not identify one */
	uint64_t frame;  /* 0: the argument is not a frame of an activation with that pc */
};

static bool answers_question(
    const struct pydb_activations *a, const struct pydb_activation *one, const struct question *q)
{
	return one->pc == q->pc && (q->frame == 0 || runs_frame(a, one, q->frame)) &&
	       (q->thread == 0 || a->lwps.at[one->lwp].thread == q->thread);
}

/* The first answer after the last one returned, else the first of all; NULL: none. */
static const struct pydb_activation *next_answer(const struct pydb_activations *a, const struct question *q)
{
	for (size_t i = 0; i < a->at.n; i++) {
		const struct pydb_activation *one = &a->at.at[(a->next + i) % a->at.n];

		if (answers_question(a, one, q))
			return one;
	}
	return NULL;
}

/* True if another thread's activation with other frames could be meant as well. */
static bool is_ambiguous(
    const struct pydb_activations *a, const struct question *q, const struct pydb_activation *chosen)
{
	for (size_t i = 0; q->thread == 0 && q->frame == 0 && i < a->at.n; i++) {
		const struct pydb_activation *one = &a->at.at[i];

		if (one->pc == q->pc && one->lwp != chosen->lwp && strcmp(one->text, chosen->text) != 0)
			return true;
	}
	return false;
}

/* True if pc is in an evaluation loop that a symbol identifies. */
static bool in_loop(const struct pydb_activations *a, uint64_t pc)
{
	for (size_t i = 0; i < a->n_loops; i++) {
		if (pc - a->loops[i].lo < a->loops[i].hi - a->loops[i].lo)
			return true;
	}
	return false;
}

static struct question question_of(const struct pydb_activations *a, uint64_t pc, uint64_t arg)
{
	struct question q = { .pc = pc, .thread = arg == 0 ? 0 : thread_of_state(&a->threads, arg) };

	for (size_t i = 0; arg != 0 && q.thread == 0 && i < a->at.n && q.frame == 0; i++) {
		if (a->at.at[i].pc == pc && runs_frame(a, &a->at.at[i], arg))
			q.frame = arg;
	}
	return q;
}

/* Look the request up once. *stale: the table no longer describes the process. */
static const struct pydb_activation *activations_look_up(
    struct pydb_agent *agent, struct py_process *py, uint64_t pc, uint64_t arg, bool *stale, bool *unsure)
{
	struct pydb_activations *a = &agent->activations;
	const struct pydb_activation *one;
	const struct pydb_lwp *lwp;
	struct question q;
	uint32_t there;
	bool goes_on;

	if (!addrmap_get(&a->pcs, pc, &there)) {
		*stale = in_loop(a, pc) && registers_hash(agent) != a->registers;
		return NULL;
	}
	q = question_of(a, pc, arg);
	one = next_answer(a, &q);
	*stale = one == NULL && registers_hash(agent) != a->registers;
	if (one == NULL)
		return NULL;
	lwp = &a->lwps.at[one->lwp];
	goes_on = one > a->at.at && a->next == (size_t)(one - a->at.at) && one[-1].lwp == one->lwp;
	*stale = !goes_on && chain_hash(py, &a->threads, lwp->thread) != lwp->chain;
	if (*stale)
		return NULL;
	/* An activation that follows an uncertain one on its stack is uncertain too. */
	*unsure = is_ambiguous(a, &q, one) || (goes_on && a->unsure && q.thread == 0 && q.frame == 0);
	a->unsure = *unsure;
	a->next = (size_t)(one - a->at.at) + 1;
	return one;
}

const struct pydb_activation *activations_find(
    struct pydb_agent *agent, uint64_t pc, uint64_t arg, bool *unsure)
{
	struct py_process *py = agent_python(agent);
	const struct pydb_activation *one;
	bool stale;

	if (py == NULL || (!agent->activations.known && !activations_make(agent, py)))
		return NULL;
	one = activations_look_up(agent, py, pc, arg, &stale, unsure);
	if (one == NULL && stale && activations_make(agent, py))
		one = activations_look_up(agent, py, pc, arg, &stale, unsure);
	return one;
}
