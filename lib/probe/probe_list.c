/* Lists of probes, and the nearest of them. */
#include "probe/probe_list.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "probe/probe_meant.h"
#include "probe/probe_near.h"
#include "probe/probe_syscalls.h"
#include "probe/probe_text.h"

/* A list that grows. */
struct adding {
	const char *pattern; /* NULL: all */
	struct probe_list list;
	struct strbuf text; /* for the canonical text of one probe */
	bool failed;        /* memory ran out */
};

static bool has_glob(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

bool probe_list_matches(const char *pattern, const char *text)
{
	bool glob = has_glob(pattern), part = strchr(pattern, ':') == NULL;

	if (!glob)
		return strstr(text, pattern) != NULL;
	while (fnmatch(pattern, text, 0) != 0) {
		text = part ? strchr(text, ':') : NULL;
		if (text == NULL)
			return false;
		text++;
	}
	return true;
}

/* Add a text; `text` may be that of `a`. */
static void add_text(struct adding *a, const char *text)
{
	char *copy;

	if (a->failed || (a->pattern != NULL && !probe_list_matches(a->pattern, text)))
		return;
	copy = strdup(text);
	if (copy == NULL || !vec_push(&a->list.names, copy)) {
		free(copy);
		a->failed = true;
	}
}

static void add_spec(struct adding *a, const struct probe_spec *spec)
{
	strbuf_reset(&a->text);
	probe_spec_print(spec, &a->text);
	if (a->text.failed)
		a->failed = true;
	else
		add_text(a, strbuf_text(&a->text));
}

static int compare_names(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

/* Sort the names from index `first`, and keep one of each. */
static void sort_from(struct adding *a, size_t first)
{
	char **names = a->list.names.at;
	size_t n = a->list.names.n, kept = first;

	if (n == first)
		return;
	qsort(names + first, n - first, sizeof(*names), compare_names);
	for (size_t i = first; i < n; i++) {
		if (kept > first && strcmp(names[kept - 1], names[i]) == 0)
			free(names[i]);
		else
			names[kept++] = names[i];
	}
	a->list.names.n = kept;
}

/* Calls of either architecture: programs of both run. */
static void add_syscalls(struct adding *a, struct probe_spec *spec)
{
	struct probe_syscall call;

	spec->kind = PROBE_SYSCALL;
	for (int is_32bit = 0; is_32bit < 2; is_32bit++) {
		for (size_t i = 0; probe_syscall_at(arch_of_host(is_32bit == 1), i, &call); i++) {
			/* The others are names without a function. */
			if (!call.known || strlen(call.name) > PROBE_NAME_MAX)
				continue;
			memcpy(spec->call, call.name, strlen(call.name) + 1);
			spec->on_return = false;
			add_spec(a, spec);
			spec->on_return = true;
			add_spec(a, spec);
		}
	}
	spec->on_return = false;
}

struct adding_events {
	struct adding *a;
	struct probe_spec *spec;
};

static bool add_event(void *data, const char *category, const char *event)
{
	struct adding_events *events = data;

	/* These are the entries and returns of system calls, which are listed as such. */
	if (strcmp(category, "syscalls") == 0)
		return true;
	memcpy(events->spec->category, category, strlen(category) + 1);
	memcpy(events->spec->event, event, strlen(event) + 1);
	add_spec(events->a, events->spec);
	return !events->a->failed;
}

static enum res add_tracepoints(
    struct adding *a, struct probe_spec *spec, const struct probe_tracefs *tracefs, struct fault *f)
{
	struct adding_events events = { a, spec };

	spec->kind = PROBE_TRACEPOINT;
	return tracefs == NULL ? RES_OK : probe_tracefs_each(tracefs, add_event, &events, f);
}

static void add_file(struct adding *a, struct probe_spec *spec, const struct probe_source_file *file)
{
	size_t n = strlen(file->path);

	spec->kind = PROBE_USDT;
	for (size_t i = 0; file->probes != NULL && n <= PROBE_FILE_MAX && i < file->probes->probes.n; i++) {
		const struct probe_usdt *probe = &file->probes->probes.at[i];

		memcpy(spec->provider, probe->provider, sizeof(spec->provider));
		memcpy(spec->name, probe->name, sizeof(spec->name));
		memcpy(spec->file, file->path, n + 1);
		add_spec(a, spec);
		if (file->is_python && strcmp(probe->provider, "python") == 0) {
			spec->file[0] = '\0';
			add_spec(a, spec);
		}
	}
}

enum res probe_list_make(
    const struct probe_sources *sources, const char *pattern, struct probe_list *out, struct fault *f)
{
	OWNED(mem_release) struct probe_spec *spec = calloc(1, sizeof(*spec));
	struct adding a = { .pattern = pattern };
	size_t first;
	enum res res;

	if (spec == NULL)
		return fault_memory(f);
	add_syscalls(&a, spec);
	sort_from(&a, 0);
	first = a.list.names.n;
	res = add_tracepoints(&a, spec, sources->tracefs, f);
	sort_from(&a, first);
	first = a.list.names.n;
	for (size_t i = 0; i < sources->n_files; i++)
		add_file(&a, spec, &sources->files[i]);
	sort_from(&a, first);
	add_text(&a, "profile:HZ");
	add_text(&a, "off-cpu");
	strbuf_free(&a.text);
	if (a.failed && res == RES_OK)
		res = fault_memory(f);
	if (res == RES_OK)
		*out = a.list;
	else
		probe_list_free(&a.list);
	return res;
}

void probe_list_free(struct probe_list *list)
{
	for (size_t i = 0; i < list->names.n; i++)
		free(list->names.at[i]);
	vec_free(&list->names);
}

/* Is the listed text one of a probe of the same kind, and of the same end of a system call? */
static bool is_like(const char *text, const struct probe_spec *spec, const char *prefix, size_t n)
{
	static const char end[] = ":return";
	size_t length = strlen(text), tail = sizeof(end) - 1;
	bool on_return = length > tail && strcmp(text + length - tail, end) == 0;

	return strncmp(text, prefix, n) == 0 && (spec->kind != PROBE_SYSCALL || on_return == spec->on_return);
}

/* Refuse a system call or tracepoint with the nearest of them. */
static enum res refuse_name(
    const struct probe_sources *sources, const struct probe_spec *spec, const char *why, struct fault *f)
{
	struct strbuf wrong = STRBUF_EMPTY, tail = STRBUF_EMPTY;
	struct probe_list list = { VEC_EMPTY };
	struct probe_near near;

	probe_spec_print(spec, &wrong);
	if (spec->kind == PROBE_SYSCALL)
		(void)probe_meant_ask(spec->call, NULL, &tail);
	if (tail.n == 0 && !wrong.failed && probe_list_make(sources, NULL, &list, NULL) == RES_OK) {
		size_t skip = strcspn(strbuf_text(&wrong), ":") + 1;

		probe_near_start(&near, strbuf_text(&wrong) + skip);
		near.skip = skip;
		near.part = spec->kind == PROBE_SYSCALL ? spec->call : spec->event;
		for (size_t i = 0; i < list.names.n; i++) {
			if (is_like(list.names.at[i], spec, strbuf_text(&wrong), skip))
				probe_near_add(&near, list.names.at[i]);
		}
		probe_near_ask(&near, &tail);
		probe_list_free(&list);
	}
	(void)probe_text_refuse(f, strbuf_text(&wrong), why, strbuf_text(&tail));
	strbuf_free(&wrong);
	strbuf_free(&tail);
	return RES_FAIL;
}

static bool is_syscall(const char *name)
{
	struct probe_syscall call;

	return probe_syscall_by_name(arch_of_host(false), name, &call) ||
	       probe_syscall_by_name(arch_of_host(true), name, &call);
}

static enum res check_tracepoint(
    const struct probe_sources *sources, const struct probe_spec *spec, struct fault *f)
{
	OWNED(mem_release) struct probe_tracepoint *event = NULL;
	enum res res;

	if (sources->tracefs == NULL)
		return RES_OK;
	event = malloc(sizeof(*event));
	if (event == NULL)
		return fault_memory(f);
	res = probe_tracefs_find(sources->tracefs, spec->category, spec->event, event, f);
	return res == RES_NONE ? refuse_name(sources, spec, "no such tracepoint", f) : res;
}

static enum res check_static(
    const struct probe_sources *sources, const struct probe_spec *spec, struct fault *f)
{
	for (size_t i = 0; i < sources->n_files; i++) {
		const struct probe_source_file *file = &sources->files[i];
		bool meant = spec->file[0] == '\0' ? file->is_python : strcmp(spec->file, file->path) == 0;

		if (!meant)
			continue;
		if (file->probes != NULL &&
		    probe_usdt_find(file->probes, spec->provider, spec->name, NULL) != NULL)
			return RES_OK;
		return probe_usdt_refuse(file->probes, file->path, spec->provider, spec->name, f);
	}
	return RES_OK;
}

enum res probe_list_check(const struct probe_sources *sources, const struct probe_spec *spec, struct fault *f)
{
	switch (spec->kind) {
	case PROBE_SYSCALL:
		return is_syscall(spec->call)
			   ? RES_OK
			   : refuse_name(&(struct probe_sources){ 0 }, spec, "no such system call", f);
	case PROBE_TRACEPOINT:
		return check_tracepoint(sources, spec, f);
	case PROBE_USDT:
		return check_static(sources, spec, f);
	case PROBE_PROFILE:
	case PROBE_OFF_CPU:
	case PROBE_UPROBE:
		break;
	}
	return RES_OK;
}
