/* Where tasks and futures of _asyncio have their members.
 *
 *   from the end of the head:   loop  callback0  context0  callbacks …      3.6: loop  callbacks …
 *   TaskObj:   the members of a future  fut_waiter  coro  name …            name: 3.8+
 *
 * Sources: Modules/_asynciomodule.c of each version, and instances of each version's builds. From
 * 3.14 on most are published: _AsyncioDebug, 13 numbers of 64 bits, in section .AsyncioDebug of the
 * file that has the module. */
#include "python/tasks/task_layout.h"

#include <stdio.h>
#include <string.h>

#include "base/owned.h"
#include "os/images.h"
#include "python/find/py_objects.h"
#include "python/py_symbol.h"
#include "python/tasks/task_reader.h"
#include "python/tasks/task_objects.h"

/* coro after the head, in bytes (3.6 to 3.13). */
static const struct {
	uint32_t first, last;
	uint16_t coro;
	uint8_t word;
} rows[] = {
	{ PY_HEX(3, 6), PY_HEX(3, 6), 80, 8 },
	{ PY_HEX(3, 7), PY_HEX(3, 8), 96, 8 },
	{ PY_HEX(3, 9), PY_HEX(3, 9), 136, 8 },
	{ PY_HEX(3, 10), PY_HEX(3, 10), 144, 8 },
	{ PY_HEX(3, 11), PY_HEX(3, 12), 120, 8 },
	{ PY_HEX(3, 13), PY_HEX(3, 13), 104, 8 },
	{ PY_HEX(3, 9), PY_HEX(3, 9), 72, 4 },
};

enum { NUMBERS = 13, LARGEST_TASK = 1024, LARGEST_STATE = 1 << 20 };
enum number {
	N_TASK,
	N_NAME,
	N_AWAITED_BY,
	N_IS_TASK,
	N_IS_SET,
	N_CORO,
	N_NODE,
	N_INTERP,
	N_INTERP_HEAD,
	N_THREAD,
	N_LOOP,
	N_RUNNING,
	N_THREAD_HEAD
};

static bool is_plausible(const uint64_t n[NUMBERS], uint8_t word)
{
	const uint64_t task = n[N_TASK];

	return task <= LARGEST_TASK && n[N_NAME] < task && n[N_AWAITED_BY] < task && n[N_IS_SET] < task &&
	       n[N_CORO] < task && n[N_CORO] > 2U * word && n[N_NODE] < task &&
	       n[N_INTERP_HEAD] < n[N_INTERP] && n[N_INTERP] <= LARGEST_STATE * 16U &&
	       n[N_THREAD_HEAD] < n[N_THREAD] && n[N_LOOP] < n[N_THREAD] && n[N_THREAD] <= LARGEST_STATE;
}

static void take_published(struct task_reader *r, uint64_t debug)
{
	struct task_members *m = &r->members;
	uint64_t n[NUMBERS];

	if (debug == 0 || !py_read(r->P, n, sizeof(n), debug) || !is_plausible(n, r->rt->layout.word))
		return;
	m->coro = (uint32_t)n[N_CORO];
	m->name = (uint32_t)n[N_NAME];
	m->awaited_by = (uint32_t)n[N_AWAITED_BY];
	m->awaited_is_set = (uint32_t)n[N_IS_SET];
	m->known = true;
	r->lists = (struct task_lists){ .node = (uint32_t)n[N_NODE],
		.interp_head = (uint32_t)n[N_INTERP_HEAD],
		.thread_head = (uint32_t)n[N_THREAD_HEAD],
		.running_loop = (uint32_t)n[N_LOOP],
		.known = true };
}

static void take_row(struct task_reader *r, uint32_t head)
{
	const struct py_layout *l = &r->rt->layout;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (l->word != rows[i].word || l->version < rows[i].first || l->version > rows[i].last)
			continue;
		r->members.coro = head + rows[i].coro;
		r->members.name = l->version >= PY_HEX(3, 8) ? r->members.coro + l->word : 0;
		r->members.known = true;
	}
}

void task_layout(struct task_reader *r)
{
	const struct py_layout *l = &r->rt->layout;
	uint32_t head = py_head_size(l);
	bool old = l->version < PY_HEX(3, 7);

	if (l->version >= PY_HEX(3, 14))
		take_published(r, r->source);
	else
		take_row(r, head);
	r->members.loop = head;
	r->members.callback0 = old ? 0 : head + l->word;
	r->members.callbacks = head + (old ? 1U : 3U) * l->word;
	r->members.waiter = r->members.coro - l->word;
}

/* --- the published numbers --- */

/* Can the file at path have the module of that version? Its own file has, if it is built in. */
static bool may_have(const char *path, const struct py_runtime *rt)
{
	const char *base = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
	char tag[32];

	if (rt->object != NULL && strcmp(path, rt->object) == 0)
		return true;
	(void)snprintf(tag, sizeof(tag), "-%u%u", rt->version >> 24, rt->version >> 16 & 0xff);
	return strncmp(base, "_asyncio", strlen("_asyncio")) == 0 &&
	       (strchr(base, '-') == NULL || strstr(base, tag) != NULL);
}

static uint64_t section_of(struct ps_prochandle *P, const struct py_object *o)
{
	struct elf_image *img;
	GElf_Shdr shdr;
	uint64_t bias;

	if (os_object_image(P, (uintptr_t)o->addr, &img, &bias) != RES_OK ||
	    elf_image_section(img, ".AsyncioDebug", &shdr, NULL) != RES_OK || shdr.sh_addr == 0)
		return 0;
	return shdr.sh_addr + bias;
}

static uint64_t find_published(
    struct py_process *py, const struct py_objects *objects, const struct py_runtime *rt)
{
	uint64_t found = 0;

	for (size_t i = 0; found == 0 && i < objects->at.n; i++) {
		if (may_have(objects->at.at[i].path, rt))
			found = section_of(py->P, &objects->at.at[i]);
	}
	return found;
}

/* In 3.6 a variable of the module's file has the WeakSet of all tasks, the only one there. */
static uint64_t find_variable(struct py_process *py, struct py_objects *objects, size_t runtime)
{
	enum { BYTES_MAX = 1 << 16 };
	struct py_runtime *rt = &py->runtimes.at[runtime];
	struct task_reader r = { .py = py, .P = py->P, .rt = rt };
	char name[16];
	uint64_t value;

	for (size_t i = 0; i < objects->at.n; i++) {
		const py_regions *regions;

		if (strcmp(objects->at.at[i].path, rt->object) == 0 ||
		    !may_have(objects->at.at[i].path, rt) || !py_objects_measure(py->P, objects) ||
		    (regions = py_objects_regions(py->P, objects, i)) == NULL)
			continue;
		for (size_t k = 0; k < regions->n; k++) {
			uint64_t lo = regions->at[k].lo, hi = regions->at[k].hi;

			for (uint64_t at = lo; at < hi && at - lo < BYTES_MAX; at += rt->layout.word) {
				if (!task_at(&r, at, 0, &value))
					continue;
				task_type_name(&r, value, name, sizeof(name));
				if (strcmp(name, "WeakSet") == 0)
					return at;
			}
		}
	}
	return 0;
}

/* A pointer to the collector's lists (Modules/gcmodule.c). 0: unknown. */
static uint64_t find_lists(struct py_process *py, const struct py_runtime *rt)
{
	uint64_t pointer = py_symbol_address(py->P, rt->object, "_PyGC_generation0"), lists = 0;

	return pointer != 0 && py_read_word(py->P, &rt->layout, pointer, PY_AT(0), &lists) ? lists : 0;
}

enum res py_tasks_find(struct py_process *py, struct py_tasks_source *out, struct fault *f)
{
	struct py_objects objects = { .measured = false };
	bool listed = false, ok = true;

	*out = (struct py_tasks_source){ .bulk = py->P };
	for (size_t i = 0; ok && i < py->runtimes.n; i++) {
		const struct py_runtime *rt = &py->runtimes.at[i];
		uint64_t at = 0;

		if (rt->layout.version >= PY_HEX(3, 14)) {
			ok = listed || py_objects_list(py->P, &objects);
			listed = true;
			at = ok ? find_published(py, &objects, rt) : 0;
		} else if (rt->layout.version == PY_HEX(3, 6)) {
			ok = listed || py_objects_list(py->P, &objects);
			listed = true;
			at = ok ? find_variable(py, &objects, i) : 0;
		}
		ok = ok && vec_push(&out->at, at) &&
		     vec_push(&out->lists, rt->layout.version >= PY_HEX(3, 7) ? 0 : find_lists(py, rt));
	}
	if (listed)
		py_objects_free(&objects);
	return ok ? RES_OK : fault_memory(f);
}

void py_tasks_source_free(struct py_tasks_source *s)
{
	vec_free(&s->at);
	vec_free(&s->lists);
}
