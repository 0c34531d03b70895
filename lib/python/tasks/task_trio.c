/* Tasks of Trio: those of the runner of each thread.
 *
 *   trio._core._run.GLOBAL_RUN_CONTEXT      a threading.local: a dict of the dicts of its threads
 *     …["runner"].tasks                     a set of Task: name, coro, _next_send_fn,
 *                                           _parent_nursery
 *       _parent_nursery._parent_task        the task that waits at the end of the nursery
 *
 * Runner and Task keep their attributes in slots: a member descriptor of the class has the offset
 * (Include/descrobject.h, Include/structmember.h). trio/_core/_run.py of 0.22 and 0.35. */
#include "python/tasks/task_trio.h"

#include <string.h>

#include "python/objects/py_dict.h"
#include "python/tasks/task_reader.h"
#include "python/tasks/task_find.h"
#include "python/tasks/task_objects.h"

/* The offset of the attribute in objects of this type or of one of its bases. False: it has no such
 * slot. */
static bool slot_offset(struct task_reader *r, uint64_t type, const char *name, uint64_t *offset)
{
	enum { BASES_MAX = 32, LARGEST = 1 << 16 };
	const struct py_layout *l = &r->rt->layout;
	uint64_t dict, descriptor, member;
	char kind[32];

	for (int i = 0; i < BASES_MAX && py_pointer_sane(type, l->word); i++) {
		if (py_read_word(r->P, l, type, l->type.flags + 12U * l->word, &dict) &&
		    task_item(r, dict, name, &descriptor)) {
			task_type_name(r, descriptor, kind, sizeof(kind));
			return strcmp(kind, "member_descriptor") == 0 &&
			       task_word(r, descriptor, 3, &member) &&
			       task_at(r, member, 2U * l->word, offset) && *offset < LARGEST;
		}
		if (!py_read_word(r->P, l, type, l->type.flags + 11U * l->word, &type))
			return false;
	}
	return false;
}

/* The attribute of an object, in a slot or in its dict. */
static bool find_slot_or_attribute(struct task_reader *r, uint64_t addr, const char *name, uint64_t *out)
{
	const struct py_layout *l = &r->rt->layout;
	struct py_dict attributes;
	struct py_dict_entry entry;
	uint64_t type, offset, key = 0;

	if (!py_pointer_sane(addr, l->word) || !py_read_word(r->P, l, addr, l->object.type, &type))
		return false;
	if (slot_offset(r, type, name, &offset))
		return task_at(r, addr, (uint32_t)offset, out);
	if (!py_attributes_open(r->P, r->rt, addr, &attributes) ||
	    !py_dict_find(&attributes, name, &key, &entry))
		return false;
	*out = entry.value;
	return true;
}

static bool take_task(struct task_reader *r, uint64_t addr, void *data)
{
	const uint64_t *runner = data;
	struct py_task t = { .addr = addr, .library = PY_TASK_OF_TRIO, .loop = *runner };
	uint64_t name, nursery, next = 0;

	if (!task_is_wanted(r, addr))
		return !r->out->more;
	if (!find_slot_or_attribute(r, addr, "coro", &t.coro)) {
		r->out->missed = true;
		return r->res == RES_OK;
	}
	if (find_slot_or_attribute(r, addr, "name", &name))
		task_read_name(r, name, &t);
	/* The first task of a run is in no nursery. */
	if (!find_slot_or_attribute(r, addr, "_parent_nursery", &nursery))
		t.waiters_unknown = true;
	else if (!task_is_none(r, nursery))
		t.waiters_unknown = !find_slot_or_attribute(r, nursery, "_parent_task", &t.parent);
	t.ready = find_slot_or_attribute(r, addr, "_next_send_fn", &next) && !task_is_none(r, next);
	return task_add(r, &t);
}

/* The runner in a thread's dict. */
static void take_run(struct task_reader *r, uint64_t dict)
{
	uint64_t runner, tasks;
	enum task_kind kind = task_kind_of(r, dict);

	r->unread = kind == TASK_KIND_NONE;
	if (kind != TASK_KIND_DICT || !task_item(r, dict, "runner", &runner)) {
		r->out->missed |= r->unread;
		return;
	}
	if (!find_slot_or_attribute(r, runner, "tasks", &tasks) ||
	    !task_set_each(r, tasks, take_task, &runner))
		r->out->missed = true;
}

void task_find_trio(struct task_reader *r, uint64_t interp)
{
	enum { WORDS = 6, THREADS_MAX = 4096 }; /* members of a threading.local */
	uint64_t module, local, threads;

	if (!task_module_dict(r, interp, "trio._core._run", &module)) {
		r->out->missed |= r->unread;
		return;
	}
	if (!task_item(r, module, "GLOBAL_RUN_CONTEXT", &local)) {
		r->out->missed = true;
		return;
	}
	for (unsigned i = 0; i < WORDS; i++) {
		struct py_dict dict;
		struct py_dict_entry entry;

		if (!task_word(r, local, i, &threads) || task_kind_of(r, threads) != TASK_KIND_DICT ||
		    !py_dict_open(r->P, r->rt, threads, &dict))
			continue;
		for (int n = 0; n < THREADS_MAX && r->res == RES_OK && py_dict_next(&dict, &entry); n++)
			take_run(r, entry.value);
		r->out->missed |= dict.failed;
	}
}
