/* See at_probes.h. */
#include "at_probes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "at_arguments.h"
#include "at_file.h"
#include "at_sum.h"
#include "warn.h"
#include "base/escape.h"
#include "base/owned.h"
#include "os/regs.h"
#include "probe/probe_list.h"
#include "probe/probe_meant.h"
#include "probe/probe_symbol.h"
#include "probe/probe_tracefs.h"
#include "probe/probe_usdt.h"
#include "probe/probe_when.h"
#include "stack/stack.h"

/* The arguments of a call that point to text, a bit each. */
static uint32_t text_arguments(const struct probe_syscall *call)
{
	uint32_t texts = 0;

	for (unsigned i = 0; i < call->n_args; i++) {
		if (call->args[i].kind == PROBE_ARG_PATH || call->args[i].kind == PROBE_ARG_STRING)
			texts |= (uint32_t)1 << i;
	}
	return texts;
}

/* text NULL: why names the probe. */
static bool refuse_probe(const char *text, const char *why)
{
	warn_line("--at %s%s%s", text != NULL ? text : "", text != NULL ? ": " : "", why);
	return false;
}

static bool find_syscall(const char *text, struct at_probe *p, struct probe_spec_abi *abi)
{
	const struct probe_sources none = { .tracefs = NULL };
	int32_t *const numbers[] = { &abi->syscall, &abi->syscall32 };
	struct fault f = { 0 };

	for (size_t is_32bit = 0; is_32bit < 2; is_32bit++) {
		struct probe_syscall *call = &p->call[is_32bit];

		if (!probe_syscall_by_name(arch_of_host(is_32bit != 0), p->spec.call, call))
			continue;
		*numbers[is_32bit] = (int32_t)call->number;
		abi->texts[is_32bit] = text_arguments(call);
	}
	if (p->call[0].name == NULL && p->call[1].name == NULL)
		return probe_list_check(&none, &p->spec, &f) == RES_FAIL
			   ? refuse_probe(NULL, f.text)
			   : refuse_probe(text, "no such system call");
	abi->kind = PROBE_AT_SYSCALL;
	abi->is_return = p->spec.on_return;
	return true;
}

static bool find_tracepoint(const char *text, struct at_probes *p, size_t i)
{
	OWNED(mem_release) struct probe_tracepoint *event = malloc(sizeof(*event));
	const struct probe_spec *spec = &p->at[i].spec;
	struct probe_sources sources = { .tracefs = NULL };
	struct probe_tracefs tracefs;
	struct fault f = { 0 };
	enum res res;

	if (probe_tracefs_open(&tracefs, &f) != RES_OK)
		return refuse_probe(text, f.text);
	sources.tracefs = &tracefs;
	res = probe_list_check(&sources, spec, &f);
	if (res != RES_OK) {
		probe_tracefs_close(&tracefs);
		return refuse_probe(NULL, f.text);
	}
	if (event == NULL)
		res = fault_memory(&f);
	else if (probe_tracefs_find(&tracefs, spec->category, spec->event, event, &f) == RES_OK)
		res = at_arguments_fields(p, i, event) ? RES_OK : fault_memory(&f);
	else
		res = RES_FAIL;
	probe_tracefs_close(&tracefs);
	return res == RES_OK || refuse_probe(text, f.text);
}

/* The text is no probe: why says what is wrong, if it does not mean one of another form. */
static bool refuse_text(const char *text, const char *why)
{
	struct strbuf meant = STRBUF_EMPTY;
	struct probe_tracefs tracefs;
	struct fault f;
	bool open = probe_tracefs_open(&tracefs, &f) == RES_OK;

	strbuf_str(&meant, "no kind of probe");
	if (probe_meant_ask(text, open ? &tracefs : NULL, &meant))
		why = strbuf_text(&meant);
	(void)refuse_probe(text, why);
	if (open)
		probe_tracefs_close(&tracefs);
	strbuf_free(&meant);
	return false;
}

static bool find_probe(const struct options *opt, const char *text, struct at_probes *all, size_t i)
{
	struct at_probe *p = &all->at[i];
	struct probe_spec_abi *abi = &all->abi[i];
	struct strbuf name = STRBUF_EMPTY, shown = STRBUF_EMPTY;
	struct fault f = { 0 };

	if (probe_spec_parse(text, &p->spec, &f) != RES_OK)
		return refuse_text(text, f.text);
	probe_spec_print(&p->spec, &name);
	escape_text(&shown, strbuf_text(&name), name.n, false);
	p->name = strdup(strbuf_text(&shown));
	strbuf_free(&name);
	strbuf_free(&shown);
	if (p->name == NULL)
		return refuse_probe(text, "out of memory");
	abi->syscall = abi->syscall32 = -1;
	switch (p->spec.kind) {
	case PROBE_SYSCALL:
		return find_syscall(text, p, abi);
	case PROBE_PROFILE:
		abi->kind = PROBE_AT_TICK;
		abi->hz = p->spec.hz;
		return true;
	case PROBE_OFF_CPU:
		abi->kind = PROBE_AT_SWITCH;
		abi->min_ns = (uint64_t)opt->min_ns;
		return true;
	case PROBE_TRACEPOINT:
		abi->kind = PROBE_AT_TRACEPOINT;
		return find_tracepoint(text, all, i);
	case PROBE_UPROBE:
	case PROBE_USDT:
		abi->kind = PROBE_AT_CODE;
		abi->is_return = p->spec.on_return;
		return true;
	}
	return false;
}

/* Are probes i and k one, whose events would be counted twice? */
static bool is_same(const struct at_probes *p, size_t i, size_t k)
{
	const struct probe_spec_abi *a = &p->abi[i], *b = &p->abi[k];

	if (a->kind != b->kind)
		return false;
	if (a->kind == PROBE_AT_SYSCALL)
		return a->syscall == b->syscall && a->syscall32 == b->syscall32 &&
		       a->is_return == b->is_return;
	return a->kind == PROBE_AT_SWITCH || strcmp(p->at[i].name, p->at[k].name) == 0;
}

static bool find_conditions(const struct options *opt, struct at_probes *p)
{
	if (opt->when == NULL)
		return true;
	p->conditions = calloc(2 * p->n + 1, sizeof(struct probe_when *));
	if (p->conditions == NULL)
		return refuse_probe(opt->at[0], "out of memory");
	/* The arguments of a static probe are found with its places. */
	for (size_t i = 0; i < 2 * p->n; i++) {
		const struct at_probe *one = &p->at[i / 2];

		if (one->spec.kind == PROBE_USDT ||
		    (one->spec.kind == PROBE_SYSCALL && one->call[i % 2].name == NULL))
			continue;
		if (!at_arguments_condition(p, i / 2, i % 2 != 0, opt->when, NULL))
			return false;
	}
	return true;
}

static bool check_min(const struct options *opt, const struct at_probes *p)
{
	bool any = opt->min_ns == 0;

	for (size_t i = 0; i < p->n; i++)
		any |= p->at[i].spec.kind == PROBE_OFF_CPU;
	if (!any)
		(void)fputs("pystack: --min is of times at off-cpu, which is none of the probes\n", stderr);
	return any;
}

bool at_probes_find(const struct options *opt, struct at_probes *out)
{
	size_t n = 0;

	while (n < OPTIONS_AT_MAX && opt->at[n] != NULL)
		n++;
	*out = (struct at_probes){ .at = calloc(n + 1, sizeof(*out->at)),
		.abi = calloc(n + 1, sizeof(*out->abi)) };
	if (out->at == NULL || out->abi == NULL)
		return refuse_probe(opt->at[0], "out of memory");
	for (; out->n < n; out->n++) {
		if (!find_probe(opt, opt->at[out->n], out, out->n)) {
			out->n++; /* its name may be allocated */
			return false;
		}
		for (size_t k = 0; k < out->n; k++) {
			if (is_same(out, k, out->n))
				return refuse_probe(opt->at[out->n++], "it was given twice");
		}
	}
	return check_min(opt, out) && at_sum_find(out, opt->sum) && find_conditions(opt, out);
}

/* The path from here of `file`, owned by p. NULL: out of memory. */
static const char *path_of(struct at_probes *p, struct ps_prochandle *P, const char *file)
{
	char *path = at_file_path(P, file);

	if (path != NULL && !vec_push(&p->files, path)) {
		free(path);
		path = NULL;
	}
	return path;
}

static bool add_place(struct at_probes *p, const struct probe_place *place)
{
	return vec_push(&p->places, *place) || refuse_probe("", "out of memory");
}

/* Add the places of the static probe `name`, at which the calls begin whose end is the probe of
 * `model`, in its file. */
static bool place_begin(struct at_probes *p, const struct probe_usdt_list *list, const char *name,
    const struct probe_place *model)
{
	const struct probe_usdt *one = NULL;
	bool ok = true;

	while (ok && (one = probe_usdt_find(list, p->at[model->spec].spec.provider, name, one)) != NULL) {
		struct probe_place place = *model;

		place.offset = one->offset;
		place.semaphore = one->semaphore_offset;
		place.is_begin = true;
		ok = add_place(p, &place);
	}
	return ok;
}

/* Add the places of a static probe. model: as for place_code. False: a message was printed. */
static bool place_static(
    const struct options *opt, struct at_probes *p, struct ps_prochandle *P, const struct probe_place *model)
{
	const size_t i = model->spec;
	const char *path = model->file;
	const struct arch *arch = os_arch(P);
	bool is_32bit = arch == arch_of_host(true);
	const struct probe_spec *spec = &p->at[i].spec;
	const char *begin = at_sum_begin(p, i);
	struct probe_usdt_list list = { VEC_EMPTY, 0 };
	const struct probe_usdt *one = NULL;
	struct fault f;
	bool ok = probe_usdt_read_file(path, &list, &f) != RES_FAIL;

	if (ok && probe_usdt_find(&list, spec->provider, spec->name, NULL) == NULL)
		ok = probe_usdt_refuse(&list, path, spec->provider, spec->name, &f) == RES_OK;
	if (!ok)
		(void)refuse_probe(p->at[i].name, f.text);
	while (ok && (one = probe_usdt_find(&list, spec->provider, spec->name, one)) != NULL) {
		struct probe_place place = *model;

		place.offset = one->offset;
		place.semaphore = one->semaphore_offset;
		place.values = at_arguments_list(p, i, arch, one);
		ok = (place.values != NULL || refuse_probe(p->at[i].name, "out of memory")) &&
		     at_arguments_condition(p, i, is_32bit, opt->when, one) && add_place(p, &place);
	}
	if (ok && begin != NULL)
		ok = place_begin(p, &list, begin, model);
	probe_usdt_free(&list);
	return ok;
}

/* Add the places of a probe in code. model: has the probe's number, the file, and the process (-1:
 * each one). P: a process that has mapped the file. False: a message was printed. */
static bool place_code(
    const struct options *opt, struct at_probes *p, struct ps_prochandle *P, const struct probe_place *model)
{
	const size_t i = model->spec;
	const char *path = model->file;
	const struct probe_spec *spec = &p->at[i].spec;
	struct probe_place place = *model;
	struct fault f = { 0 };

	if (spec->kind == PROBE_USDT)
		return place_static(opt, p, P, model);
	if (probe_symbol_place(path, spec->symbol, spec->offset, &place.offset, &f) != RES_OK)
		return refuse_probe(p->at[i].name, f.text);
	if (!add_place(p, &place))
		return false;
	place.is_begin = p->abi[i].sums[0].what == PROBE_SUM_DURATION;
	return !place.is_begin || add_place(p, &place);
}

/* Is this a probe that the Python meets at few functions only? CPython 3.11 has inlined the calls
 * of Python functions, but not their probe (issue 98894); 3.15 has mended that, and those between
 * have no such probe. True: a message was printed. */
static bool is_hardly_met(const struct at_probe *p, const struct py_process *py)
{
	bool entry = p->spec.kind == PROBE_USDT && strcmp(p->spec.provider, "python") == 0 &&
		     strcmp(p->spec.name, "function__entry") == 0;

	if (!entry || py == NULL || py_runtimes(py) == 0 || py_version(py, 0) >> 16 != 0x030b)
		return false;
	return !refuse_probe(p->name,
	    "CPython 3.11 meets it at few functions: take python:function-return, profile: or uprobe:");
}

static bool is_in_code(const struct at_probe *p)
{
	return p->spec.kind == PROBE_UPROBE || p->spec.kind == PROBE_USDT;
}

bool at_probes_place_kernel(struct at_probes *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct probe_spec *spec = &p->at[i].spec;
		struct probe_place place = {
			.spec = (uint32_t)i, .pid = -1, .category = spec->category, .event = spec->event
		};

		if (spec->kind != PROBE_TRACEPOINT)
			continue;
		place.values = at_arguments_list(p, i, arch_of_host(false), NULL);
		if (place.values == NULL)
			return refuse_probe(p->at[i].name, "out of memory");
		if (!add_place(p, &place))
			return false;
	}
	return true;
}

/* Was probe `spec` looked for in this file? From now on it was. */
static bool was_placed(struct at_probes *p, uint32_t spec, const struct os_file_id *file)
{
	struct placed_file one = { spec, *file };

	for (size_t i = 0; i < p->placed.n; i++) {
		const struct placed_file *at = &p->placed.at[i];

		if (at->spec == spec && os_file_same(&at->file, file))
			return true;
	}
	return !vec_push(&p->placed, one);
}

bool at_probes_place(
    const struct options *opt, struct at_probes *p, struct ps_prochandle *P, const struct py_process *py)
{
	const char *python = py == NULL ? "" : py_runtime_file(py, 0);
	pid_t pid = Pstatus(P)->pr_pid;
	char why[64];

	(void)snprintf(why, sizeof(why), "process %d runs no Python", (int)pid);
	for (size_t i = 0; i < p->n; i++) {
		const struct probe_spec *spec = &p->at[i].spec;
		const char *path;
		struct os_file_id its;

		if (!is_in_code(&p->at[i]))
			continue;
		if (spec->file[0] == '\0' && python[0] == '\0')
			return refuse_probe(p->at[i].name, why);
		if (is_hardly_met(&p->at[i], py))
			return false;
		path = path_of(p, P, spec->file[0] != '\0' ? spec->file : python);
		if (path == NULL)
			return refuse_probe(p->at[i].name, "out of memory");
		if (!place_code(
			opt, p, P, &(struct probe_place){ .spec = (uint32_t)i, .file = path, .pid = pid }))
			return false;
		/* It may be mapped later: see at_probes_are_mapped. */
		if (at_file_is_mapped(P, path))
			p->at[i].mapped = true;
		else
			warn_line("--at %s: process %d has not mapped this file", p->at[i].name, (int)pid);
		if (os_file_at(path, &its))
			(void)was_placed(p, (uint32_t)i, &its);
	}
	return true;
}

bool at_probes_place_everywhere(
    const struct options *opt, struct at_probes *p, struct ps_prochandle *P, const struct py_process *py)
{
	const char *python = py == NULL ? "" : py_runtime_file(py, 0);
	bool ok = true;

	for (size_t i = 0; i < p->n; i++) {
		const char *file = p->at[i].spec.file[0] != '\0' ? p->at[i].spec.file : python;
		const char *path;
		struct os_file_id its;

		if (!is_in_code(&p->at[i]) || file[0] == '\0')
			continue;
		path = path_of(p, P, file);
		/* A library that is not mapped yet has no path. */
		if (path == NULL || !os_file_at(path, &its))
			continue;
		p->at[i].mapped = p->at[i].mapped || at_file_is_mapped(P, path);
		if (was_placed(p, (uint32_t)i, &its))
			continue;
		ok &= !is_hardly_met(&p->at[i], py);
		ok &= place_code(
		    opt, p, P, &(struct probe_place){ .spec = (uint32_t)i, .file = path, .pid = -1 });
	}
	return ok;
}

bool at_probes_are_mapped(const struct at_probes *p)
{
	bool all = true;

	for (size_t i = 0; i < p->n; i++) {
		if (is_in_code(&p->at[i]) && !p->at[i].mapped)
			all = refuse_probe(p->at[i].name, p->at[i].spec.file[0] != '\0'
							      ? "no process was seen to map this file"
							      : "no process was seen to run Python");
	}
	return all;
}

void at_probes_free(struct at_probes *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->at[i].name);
		free(p->at[i].tracepoint);
	}
	for (size_t i = 0; p->conditions != NULL && i < 2 * p->n; i++)
		free(p->conditions[i]);
	free(p->conditions);
	for (size_t i = 0; i < p->files.n; i++)
		free(p->files.at[i]);
	vec_free(&p->files);
	for (size_t i = 0; i < p->lists.n; i++)
		free(p->lists.at[i]);
	vec_free(&p->lists);
	vec_free(&p->places);
	vec_free(&p->placed);
	free(p->at);
	free(p->abi);
	*p = (struct at_probes){ .at = NULL };
}
