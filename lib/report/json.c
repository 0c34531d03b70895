/* Frames and threads as JSON; see json.h. */
#ifdef WITH_JANSSON
#include "report/json.h"

#include <string.h>

#include "report/json_locals.h"
#include "report/json_members.h"
#include "report/json_python_source.h"
#include "report/json_source.h"
#include "report/json_state.h"
#include "report/text.h"

/* What stands for a frame for which there was no memory. */
static const char lost_frame[] =
    "{\"kind\":\"remark\",\"code\":\"no-memory\",\"text\":\"a frame is missing: out of memory\"}";

bool json_is_built(void)
{
	return true;
}

static const char *remark_code(uint8_t remark)
{
	static const char *const codes[] = {
		[REMARK_SIGNAL_HANDLER] = "signal-handler",
		[REMARK_FRAME_POINTER] = "frame-pointer",
		[REMARK_REPLACED] = "replaced",
		[REMARK_ALL_REPLACED] = "all-replaced",
		[REMARK_TRAMPOLINE] = "return-probe",
		[REMARK_SEVERAL] = "return-probe-several",
		[REMARK_LIKELY] = "return-probe-likely",
		[REMARK_GAP] = "gap",
		[REMARK_JIT] = "jit",
		[REMARK_UNPLACED] = "unplaced",
		[REMARK_ENDED] = "ended",
		[REMARK_NO_PYTHON_FRAME] = "no-python-frame",
		[REMARK_GIL] = "waits-for-gil",
		[REMARK_EXITS] = "exits",
		[REMARK_GREENLET] = "greenlet",
		[REMARK_MORE] = "more",
		[REMARK_THREAD] = "thread",
		[REMARK_NATIVE_ENDS] = "native-ends",
		[REMARK_PYTHON_ENDS] = "python-ends",
		[REMARK_PYTHON_UNREAD] = "python-unread",
		[REMARK_NO_LOCALS] = "no-locals",
	};

	return codes[remark];
}

/* --- native frames --- */

/* What is the same wherever the file is loaded. */
static bool put_name(const struct symbol_name *name, struct strbuf *out)
{
	const struct symbol_place *place = name->place;
	struct members m = members_begin();

	members_clean(&m, "kind", "native");
	if (place != NULL)
		members_text(&m, "module", place->path, strlen(place->path));
	else if (name->object != NULL)
		members_text(&m, "module", name->object, strlen(name->object));
	if (place != NULL && place->id != NULL)
		members_bytes(&m, "build_id", place->id, place->id_n);
	if (place != NULL && place->has_address)
		members_hex(&m, "address", place->address);
	if (place != NULL && place->has_offset)
		members_hex(&m, "file_offset", place->offset);
	if (name->symbol != NULL) {
		members_text(&m, "symbol", name->symbol, strlen(name->symbol));
		if (name->demangled != NULL)
			members_text(&m, "demangled", name->demangled, strlen(name->demangled));
		members_number(&m, "offset", (int64_t)name->offset);
	}
	if (name->object == NULL || (place != NULL && !place->has_address))
		members_hex(&m, "pc", name->pc);
	if (name->source != NULL)
		json_source_add(name->source, &m);
	return members_write(&m, out);
}

/* What belongs to this one. */
static bool put_activation(const struct native_frame *fr, const struct symbol_name *name, struct strbuf *out)
{
	static const char *const ways[] = { [UNWIND_FIRST] = "registers",
		[UNWIND_CFI] = "cfi",
		[UNWIND_SIGNAL] = "signal",
		[UNWIND_FP] = "fp",
		[UNWIND_RESUMED] = "resumed" };
	const struct symbol_place *place = name->place;
	struct members m = members_begin();

	if (name->object != NULL && (place == NULL || place->has_address))
		members_hex(&m, "pc", fr->pc);
	members_bool(&m, "exact", fr->exact);
	members_hex(&m, "sp", fr->sp);
	if (fr->cfa != 0)
		members_hex(&m, "cfa", fr->cfa);
	members_clean(&m, "how", ways[fr->how]);
	return members_write(&m, out);
}

static bool put_native(const struct record_thread *t, const struct record_item *item, bool apart,
    struct text_cache *cache, struct strbuf *out)
{
	size_t from = out->n;

	if (!text_cache_name(cache, item->name->id, out)) {
		if (!put_name(item->name, out))
			return false;
		text_cache_add_name(cache, item->name->id, out, from);
	}
	if (apart || t->stack == NULL)
		return true;
	strbuf_char(out, ',');
	return put_activation(&t->stack->native.frames.at[item->index], item->name, out);
}

/* --- Python frames --- */

/* What is the same in every process that runs the code. */
static bool put_place(const struct record_item *item, struct strbuf *out)
{
	const struct py_code *code = item->code;
	struct members m = members_begin();

	members_clean(&m, "kind", "python");
	if (code != NULL) {
		members_text(&m, "function", code->name, code->name_len);
		if (code->qualname != NULL)
			members_text(&m, "qualname", code->qualname, code->qualname_len);
		members_text(&m, "file", code->file, code->file_len);
		if (item->line != 0)
			members_number(&m, "line", item->line);
		if (code->first_line != 0)
			members_number(&m, "first_line", code->first_line);
	}
	return members_write(&m, out);
}

/* The run that has frame i. NULL: none. */
static const struct py_run *run_of(const struct py_stack *s, uint32_t i)
{
	size_t lo = 0, hi = s->runs.n;

	/* The last one that begins at i or before; runs without frames may begin there too. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->runs.at[mid].first <= i)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo > 0 && s->runs.at[lo - 1].count == 0)
		lo--;
	return lo == 0 || i - s->runs.at[lo - 1].first >= s->runs.at[lo - 1].count ? NULL
										   : &s->runs.at[lo - 1];
}

static bool put_frame(const struct py_stack *s, const struct record_item *item, struct strbuf *out)
{
	const struct py_frame *fr = &s->frames.at[item->index];
	const struct py_run *run = run_of(s, item->index);
	struct members m = members_begin();

	members_bool(&m, "certain", !item->uncertain);
	members_hex(&m, "frame", fr->addr);
	if (item->code != NULL)
		members_hex(&m, "code", item->code->addr);
	if (run != NULL) {
		members_number(&m, "interpreter", run->runtime);
		members_bool(&m, "entry", item->index + 1 == run->first + run->count);
		if (run->marker != 0)
			members_hex(&m, "activation", run->marker);
	}
	return members_write(&m, out);
}

static bool put_certain(bool certain, struct strbuf *out)
{
	struct members m = members_begin();

	members_bool(&m, "certain", certain);
	return members_write(&m, out);
}

static bool put_python(const struct record_thread *t, const struct record_item *item, bool apart,
    struct text_cache *cache, struct strbuf *out)
{
	size_t from = out->n;

	if (item->code == NULL || !text_cache_place(cache, item, out)) {
		if (!put_place(item, out))
			return false;
		if (item->code != NULL)
			text_cache_add_place(cache, item, out, from);
	}
	strbuf_char(out, ',');
	if (apart || t->stack == NULL ? !put_certain(!item->uncertain, out)
				      : !put_frame(&t->stack->python, item, out))
		return false;
	return json_python_source(t, item, out) && json_locals(t, item, out);
}

/* --- the others --- */

static bool put_remark(const struct record_item *item, struct strbuf *out)
{
	struct members m = members_begin();
	struct strbuf words = STRBUF_EMPTY;

	text_remark(item, &words);
	members_clean(&m, "kind", "remark");
	members_clean(&m, "code", remark_code(item->remark));
	members_text(&m, "text", strbuf_text(&words), words.n);
	m.failed |= words.failed;
	strbuf_free(&words);
	return members_write(&m, out);
}

static bool put_quotation(const struct record_item *item, struct strbuf *out)
{
	const struct record_quotation *q = item->quotation;
	struct members m = members_begin();

	members_clean(&m, "kind", item->kind == RECORD_QUOTED_PYTHON ? "python" : "native");
	members_text(&m, "line_text", q->line.at, q->line.n);
	return members_write(&m, out);
}

static bool put_item(const struct record_thread *t, const struct record_item *item, bool apart,
    struct text_cache *cache, struct strbuf *out)
{
	switch ((enum record_kind)item->kind) {
	case RECORD_NATIVE:
		return put_native(t, item, apart, cache, out);
	case RECORD_PYTHON:
		return put_python(t, item, apart, cache, out);
	case RECORD_REMARK:
		return put_remark(item, out);
	case RECORD_QUOTED_NATIVE:
	case RECORD_QUOTED_PYTHON:
		break;
	}
	return put_quotation(item, out);
}

size_t json_frames(
    const struct record_thread *t, size_t from, bool apart, struct text_cache *cache, struct strbuf *out)
{
	size_t i = from;

	while (i < t->items.n && out->n < TEXT_CHUNK) {
		size_t begin = out->n;

		strbuf_str(out, i == 0 ? "{" : ",{");
		if (put_item(t, &t->items.at[i], apart, cache, out) && !out->failed) {
			strbuf_char(out, '}');
		} else if (out->at != NULL) {
			out->n = begin;
			out->failed = false;
			strbuf_str(out, i == 0 ? "" : ",");
			strbuf_str(out, lost_frame);
		}
		i++;
	}
	return i;
}

/* --- threads --- */

static void add_interps(const struct record_thread *t, struct members *m)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < t->interps.n; i++) {
		const struct record_interp *interp = &t->interps.at[i];
		struct members one = members_begin();
		char version[32];

		members_number(&one, "id", interp->id);
		if (interp->version != 0) {
			(void)snprintf(version, sizeof(version), "%u.%u", interp->version >> 24,
			    interp->version >> 16 & 0xff);
			members_clean(&one, "version", version);
		}
		m->failed |= json_array_append_new(list, members_take(&one, m)) != 0;
	}
	members_value(m, "interpreters", list);
}

void json_thread_begin(
    const struct record_thread *t, bool ended, bool complete, bool first, struct strbuf *out)
{
	struct members m = members_begin();

	strbuf_str(out, first ? "{" : ",{");
	members_number(&m, "lwp", t->id);
	if (t->stack != NULL && t->stack->thread_pointer != 0)
		members_hex(&m, "pthread_id", t->stack->thread_pointer);
	if (t->name[0] != '\0')
		members_text(&m, "name", t->name, strlen(t->name));
	json_state_add(&t->state, &m);
	if (t->interps.n > 0)
		add_interps(t, &m);
	if (ended)
		members_bool(&m, "ended", true);
	members_bool(&m, "complete", complete);
	if (!members_write(&m, out))
		strbuf_fmt(out, "\"lwp\":%d,\"complete\":false", (int)t->id);
	strbuf_str(out, ",\"frames\":[");
}

void json_thread_end(struct strbuf *out)
{
	strbuf_str(out, "]}");
}
#endif
