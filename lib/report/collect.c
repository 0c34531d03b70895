/* See collect.h. */
#include "report/collect.h"

#include <string.h>

#include "base/owned.h"
#include "os/signals.h"

enum { REMARKS_ROOM = 8 };

struct collecting {
	const struct stack_target *target;
	const struct stack_thread *th;
	const struct collect_options *opt;
	struct record_thread *out;
	VEC(struct symbol_query) queries; /* of the native frames in out, in order */
	long left;                        /* native frames that may still be added */
	bool failed;                      /* no memory */
};

static void add_item(struct collecting *c, struct record_item item)
{
	c->failed |= !vec_push(&c->out->items, item);
}

static void add_remark(struct collecting *c, enum record_remark remark, const char *detail)
{
	struct record_item item = { .kind = RECORD_REMARK, .remark = (uint8_t)remark, .detail = detail };

	add_item(c, item);
}

/* A frame that cannot be decoded is added too: else its caller would seem to be its callee's. */
static void add_python(struct collecting *c, uint32_t index, bool unsure)
{
	const struct py_frame *fr = &c->th->python.frames.at[index];
	const struct py_code *code = fr->bad ? NULL : py_code_get(stack_python_process(c->target), fr);
	struct record_item item = { .kind = RECORD_PYTHON,
		.uncertain = unsure || code == NULL || fr->line_unread,
		.line = fr->line,
		.code_id = fr->known,
		.index = index,
		.code = code };

	c->out->unread += code == NULL || fr->line_unread;
	add_item(c, item);
}

/* The remark in place of the trampoline of a return probe. If the stack ends there, the reason of
 * its end says the same. */
static void add_trampoline(struct collecting *c, uint32_t i)
{
	const struct native_stack *s = &c->th->native;

	c->out->incomplete = true;
	if (i + 1 < s->frames.n || s->end == UNWIND_END_DONE)
		add_remark(c, REMARK_TRAMPOLINE, NULL);
}

static void add_native(struct collecting *c, uint32_t index)
{
	const struct native_frame *fr = &c->th->native.frames.at[index];
	struct record_item item = { .kind = RECORD_NATIVE, .index = index };
	struct symbol_query query = { fr->pc, fr->exact, fr->replaced, false };

	if (fr->trampoline) {
		add_trampoline(c, index);
		return;
	}
	c->failed |= !vec_push(&c->queries, query);
	if (fr->replaced) {
		add_remark(c, REMARK_REPLACED, NULL);
		c->out->incomplete = true;
	}
	if (fr->probed != UNWIND_NOT_PROBED)
		add_remark(c, fr->probed == UNWIND_SEVERAL ? REMARK_SEVERAL : REMARK_LIKELY, NULL);
	else if (fr->how == UNWIND_FP)
		add_remark(c, REMARK_FRAME_POINTER, NULL);
	add_item(c, item);
	if (fr->signal_frame)
		add_remark(c, REMARK_SIGNAL_HANDLER, NULL);
}

/* Code in memory of no file is a JIT's. What is not mapped, or cannot be executed, is not code. */
static enum record_remark gap_remark(const struct collecting *c, uint32_t i)
{
	struct ps_prochandle *P = stack_target_handle(c->target);
	uint64_t pc = i > 0 ? c->th->native.frames.at[i - 1].pc : 0;
	const prmap_t *map = Paddr_to_map(P, pc);
	char path[2];

	if (map != NULL && (map->pr_mflags & MA_EXEC) != 0 && Pobjname(P, pc, path, sizeof(path)) == NULL)
		return REMARK_JIT;
	return REMARK_GAP;
}

/* Add one item of the join. False: the limit of frames is reached. */
static bool collect_item(struct collecting *c, const struct join_item *item)
{
	bool native = !c->opt->python_only;

	switch ((enum join_kind)item->kind) {
	case JOIN_PYTHON:
		if (!c->th->python.frames.at[item->index].hidden)
			add_python(c, item->index, item->unsure);
		return true;
	case JOIN_UNPLACED:
		if (native)
			add_remark(c, REMARK_UNPLACED, NULL);
		return true;
	case JOIN_BARE:
		if (native)
			add_remark(c, REMARK_NO_PYTHON_FRAME, NULL);
		return true;
	case JOIN_ENDED:
		if (native)
			add_remark(c, REMARK_ENDED, NULL);
		return true;
	case JOIN_START:
		if (native)
			add_remark(c, REMARK_GREENLET, NULL);
		return true;
	case JOIN_GAP:
		if (native && !(item->index > 0 && c->th->native.frames.at[item->index - 1].trampoline))
			add_remark(c, gap_remark(c, item->index), NULL);
		return true;
	case JOIN_NATIVE:
		break;
	}
	if (c->opt->frames > 0 && c->left-- == 0)
		return false;
	if (native)
		add_native(c, item->index);
	return true;
}

/* Names of code in no file are read after the capture. If the thread has gone on since, its code
 * may have been replaced. True: ask for the names again. */
static bool doubt_made_code(struct collecting *c, const struct symbol_name *const *found)
{
	bool any = false;

	for (size_t i = 0; i < c->queries.n; i++) {
		c->queries.at[i].late = found[i]->made && found[i]->symbol != NULL;
		any |= c->queries.at[i].late;
	}
	return any && !stack_thread_still(c->target, c->th->id);
}

/* Name all native frames at once. */
static enum res name_frames(struct collecting *c, struct symbolizer *names, struct fault *f)
{
	OWNED(mem_release) const struct symbol_name **found = calloc(c->queries.n + 1, sizeof(*found));
	size_t k = 0;

	if (found == NULL)
		return fault_memory(f);
	if (symbolizer_names(names, c->queries.at, c->queries.n, found, f) != RES_OK ||
	    (doubt_made_code(c, found) &&
		symbolizer_names(names, c->queries.at, c->queries.n, found, f) != RES_OK))
		return RES_FAIL;
	for (size_t i = 0; i < c->out->items.n; i++) {
		if (c->out->items.at[i].kind == RECORD_NATIVE)
			c->out->items.at[i].name = found[k++];
	}
	return RES_OK;
}

static void collect_interps(struct collecting *c)
{
	const struct py_process *py = stack_python_process(c->target);

	for (size_t i = 0; i < c->th->interps.n; i++) {
		const struct stack_interp *interp = &c->th->interps.at[i];
		struct record_interp one = { py_runtimes(py) > 1 ? py_version(py, interp->runtime) : 0,
			interp->id };

		c->failed |= !vec_push(&c->out->interps, one);
	}
}

static void collect_items(struct collecting *c)
{
	const struct stack_thread *th = c->th;
	bool native = !c->opt->python_only, whole = true;
	bool unread = c->opt->locals && th->python.frames.n > 0 && th->python.locals == NULL;

	if (th->noted)
		add_remark(c, REMARK_THREAD, th->why);
	if (th->all_replaced && native)
		add_remark(c, REMARK_ALL_REPLACED, NULL);
	if (unread)
		add_remark(c, REMARK_NO_LOCALS, NULL);
	for (size_t i = 0; whole && i < th->join.items.n; i++)
		whole = collect_item(c, &th->join.items.at[i]);
	if (!whole && native)
		add_remark(c, REMARK_MORE, NULL);
	if (whole && native && th->native.end != UNWIND_END_DONE) {
		add_remark(
		    c, REMARK_NATIVE_ENDS, th->native.reason == UNWIND_NO_REASON ? NULL : th->native.why);
		/* Nothing is promised of frames after a greenlet's start. */
		c->out->incomplete |= !th->join.start;
	}
	if (whole && (th->python.broken || th->python.unread))
		add_remark(c, th->python.broken ? REMARK_PYTHON_ENDS : REMARK_PYTHON_UNREAD, th->python.why);
	c->out->incomplete |= th->python.broken || th->python.unread || unread;
}

enum res collect_thread(const struct stack_target *t, const struct stack_thread *th,
    const struct collect_options *opt, struct symbolizer *names, struct record_thread *out, struct fault *f)
{
	struct collecting c = { .target = t, .th = th, .opt = opt, .out = out, .left = opt->frames };
	enum res res = RES_OK;

	*out = (struct record_thread){
		.id = th->id, .stack = th, .name = th->name, .state = th->state, .locals = th->python.locals
	};
	c.failed = !vec_reserve(&out->items, th->join.items.n + REMARKS_ROOM);
	collect_interps(&c);
	collect_items(&c);
	if (c.failed)
		res = fault_memory(f);
	else if (c.queries.n > 0)
		res = name_frames(&c, names, f);
	vec_free(&c.queries);
	if (res != RES_OK)
		out->items.n = 0;
	return res;
}

void collect_process(struct ps_prochandle *P, const char *core, bool all, struct collect_buffers *buffers,
    struct record_process *out)
{
	const psinfo_t *live = Ppsinfo(P);
	const lwpstatus_t *lwp = &Pstatus(P)->pr_lwp;
	struct os_signal_cause cause;

	buffers->info = live != NULL ? *live : (psinfo_t){ .pr_pid = Pstatus(P)->pr_pid };
	proc_unctrl_psinfo(&buffers->info);
	*out = (struct record_process){
		.pid = buffers->info.pr_pid,
		.args = buffers->info.pr_psargs,
		.core = core,
		.parent = buffers->info.pr_ppid,
	};
	if (core == NULL && os_container(P, all, &buffers->container) == RES_OK)
		out->container = &buffers->container;
	if (core == NULL || lwp->pr_cursig == 0)
		return;
	out->killed_by = os_signal_name(P, lwp->pr_cursig, buffers->signal, sizeof(buffers->signal));
	cause = os_signal_cause(P, lwp);
	out->sender = cause.sender;
	out->has_address = cause.has_address;
	out->address = cause.address;
}
