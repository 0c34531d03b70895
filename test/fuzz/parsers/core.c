/* Core files, from the notes to the text of the stacks. The last byte: see enum how. */
#include <libproc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parsers.h"
#include "report/collect.h"
#include "report/text.h"
#include "report/text_state.h"

enum how { OF_PYTHON = 1, WITH_LOCALS = 2, WITH_TASKS = 4, BY_FP = 8 };
enum { MANY = 4096, THREADS_MAX = 16 };

/* The root of the core's files: an empty folder. */
static char root[] = "/dev/shm/pystack-root-XXXXXX";
static bool has_root;

static void remove_root(void)
{
	(void)rmdir(root);
}

static void make_root(void)
{
	fuzz_must(mkdtemp(root) != NULL);
	has_root = true;
	(void)atexit(remove_root);
}

static int take_map(void *data, const prmap_t *map, const char *name)
{
	size_t *n = data;

	(void)name;
	fuzz_must(map->pr_size > 0);
	return ++*n > MANY;
}

static void print_thread(struct stack_target *t, size_t i, struct symbolizer *names, uint8_t how)
{
	const struct collect_options opt = { .locals = (how & WITH_LOCALS) != 0,
		.python_only = (how & OF_PYTHON) != 0 };
	const struct text_style style = { .qualified = true };
	struct text_cache cache = { 0 };
	struct stack_thread th;
	struct record_thread record;
	struct strbuf text = STRBUF_EMPTY;
	struct fault f;

	if (stack_thread_read(t, i, &th, &f) == RES_OK) {
		if (collect_thread(t, &th, &opt, names, &record, &f) == RES_OK) {
			text_header(&record, &text);
			text_state(&record.state, &text);
			for (size_t k = 0; k < record.items.n;)
				k = text_stack(&record, k, &style, &cache, &text);
		}
		record_thread_free(&record);
	}
	stack_thread_free(&th);
	fuzz_check_printed(strbuf_text(&text), text.n);
	strbuf_free(&text);
	text_cache_free(&cache);
}

static void print_stacks(struct ps_prochandle *P, uint8_t how)
{
	const struct stack_options opt = { .python_only = (how & OF_PYTHON) != 0,
		.engine = how & BY_FP ? UNWIND_ENGINE_FP : UNWIND_ENGINE_AUTO,
		.tasks = (how & WITH_TASKS) != 0,
		.about = true,
		.locals = (how & WITH_LOCALS) != 0 };
	struct stack_target *t;
	struct symbolizer *names;
	struct fault f;

	if (stack_target_open(P, &opt, &t, &f) != RES_OK)
		return;
	names = symbolizer_create(stack_target_handle(t));
	fuzz_must(names != NULL);
	for (size_t i = 0; i < stack_threads(t) && i < THREADS_MAX; i++)
		print_thread(t, i, names, how);
	symbolizer_destroy(names);
	stack_target_close(t);
}

void fuzz_core(const uint8_t *data, size_t n)
{
	struct ps_prochandle *P;
	size_t maps = 0;
	int fd, code;

	if (n == 0)
		return;
	fd = memfd_create("core", MFD_CLOEXEC);
	if (!has_root)
		make_root();
	fuzz_must(fd >= 0 && write(fd, data, n - 1) == (ssize_t)(n - 1));
	P = Pfgrab_core(fd, root, &code);
	if (P == NULL) {
		(void)Pgrab_error(code);
		return;
	}
	(void)Pmapping_iter(P, take_map, &maps);
	print_stacks(P, data[n - 1]);
	Prelease(P, 0);
}
