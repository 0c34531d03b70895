/* A return probe replaces return addresses on the stack. The stack that is printed is the one that
 * was printed before the probe was there. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/live.h"
#include "support/observer.h"
#include "support/spawn_files.h"

static char library[PATH_MAX];

static void find_library(void)
{
	const char *tool = spawn_tool(), *end = strrchr(tool, '/');

	(void)snprintf(
	    library, sizeof(library), "%.*s/test/programs/liburetprobed.so", (int)(end - tool), tool);
}

/* The number in a file of /sys; −1: there is none. prefix: the text before it. */
static int number_in(const char *path, const char *prefix)
{
	char text[64] = "";
	size_t n = strlen(prefix);

	if (!spawn_head(path, text, sizeof(text)) || strncmp(text, prefix, n) != 0)
		return -1;
	return atoi(text + n);
}

/* The offset of a function in the library's file, whose segments lie there as in memory. */
static uint64_t offset_of(const char *function)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	Dl_info info;
	void *at;

	ck_assert_msg(handle != NULL, "%s", dlerror());
	at = dlsym(handle, function);
	ck_assert(at != NULL && dladdr(at, &info) != 0);
	return (uint64_t)((char *)at - (char *)info.dli_fbase);
}

/* Put a probe on the return of the library's function, for all processes, until its descriptor is
 * closed. −1: this system has none, or they are refused. */
static int probe_return(const char *function)
{
	int type = number_in("/sys/bus/event_source/devices/uprobe/type", "");
	int bit = number_in("/sys/bus/event_source/devices/uprobe/format/retprobe", "config:");
	struct perf_event_attr attr = { .size = sizeof(attr), .type = (uint32_t)type };

	if (type < 0 || bit < 0) {
		(void)printf("SKIP: this system has no uprobes by perf_event_open(2)\n");
		return -1;
	}
	attr.config = 1ull << bit;
	attr.uprobe_path = (uint64_t)(uintptr_t)library;
	attr.probe_offset = offset_of(function);
	type = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (type < 0)
		(void)printf("SKIP: a uretprobe was refused: %s\n", strerror(errno));
	return type;
}

static void start(struct fixture *f, const char *function, const char *argument)
{
	fixture_start(f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@uretprobed.py", library, function, argument));
}

/* A program in the library's function, before the probe; then the next call, with the probe. False:
 * no probe can be set. */
static bool start_probed(
    struct fixture *f, const char *argument, char pid[16], struct run *before, int *probe)
{
	start(f, "uretprobed_call", argument);
	(void)snprintf(pid, 16, "%d", (int)f->pid);
	*before = TOOL(pid);
	ck_assert_int_eq(before->status, 0);
	ck_assert_ptr_nonnull(strstr(before->out, "liburetprobed.so`uretprobed_call+"));
	*probe = probe_return("uretprobed_inner");
	if (*probe < 0) {
		run_free(before);
		fixture_end(f);
		return false;
	}
	fixture_echo(f);
	fixture_settle(f->pid);
	return true;
}

/* The text from the first line that is the same in all: the innermost function of the library. */
static const char *from_library(const char *out)
{
	const char *at = strstr(out, "              liburetprobed.so`");

	ck_assert_msg(at != NULL, "%s", out);
	return at;
}

START_TEST(captured_at_a_probe)
{
	static const char *const depths[] = { "0", "3" };
	struct fixture f;
	struct observer o;
	struct run before, r;
	char pid[16];
	int probe;

	if (!start_probed(&f, depths[_i], pid, &before, &probe))
		return;
	if (observer_start(&o, ARGS("pystack", "-v", "--at", "syscall:read", pid))) {
		const char *stack;
		size_t n;

		fixture_echo(&f);
		fixture_settle(f.pid);
		r = observer_end(&o);
		stack = from_library(before.out);
		n = strlen(stack);
		ck_assert_msg(r.status == 0 && strncmp(from_library(r.out), stack, n) == 0, "%s\n%s\n%s",
		    before.out, r.out, r.err);
		run_free(&r);
	}
	(void)close(probe);
	run_free(&before);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("return probes");
	TCase *c = tcase_create("the true callers");

	find_library();
	tcase_set_timeout(c, 120);
	if (live_speaks(live_interpreters(NULL)))
		tcase_add_loop_test(c, captured_at_a_probe, 0, 2);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
