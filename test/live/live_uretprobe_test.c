/* A return probe replaces return addresses on the stack. The stack that is printed is the one that
 * was printed before the probe was there. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/live.h"
#include "support/observer.h"
#include "support/oracle.h"
#include "support/spawn_files.h"

static char library[PATH_MAX];

static void find_library(void)
{
	spawn_built("test/programs/liburetprobed.so", library);
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

/* The offset of a function in the library's file, whose segments lie there as in memory. pointer:
 * it is the function to which this variable points. */
static uint64_t offset_of(const char *name, bool pointer)
{
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	Dl_info info;
	void *at;

	ck_assert_msg(handle != NULL, "%s", dlerror());
	at = dlsym(handle, name);
	ck_assert_ptr_nonnull(at);
	if (pointer)
		at = *(void **)at;
	ck_assert(dladdr(at, &info) != 0);
	return (uint64_t)((char *)at - (char *)info.dli_fbase);
}

/* Put a probe on the return of the library's function, for all processes, until its descriptor is
 * closed. −1: this system has none, or they are refused. */
static int probe_return(uint64_t offset)
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
	attr.probe_offset = offset;
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

/* A program in a function of the library, and the output for it; then its next call, with a probe
 * on the return from the function at `offset`. */
struct probed {
	struct fixture f;
	char pid[16];
	struct run before;
	int probe;
};

/* False: no probe can be set. */
static bool probed_start(struct probed *p, const char *function, const char *argument, uint64_t offset)
{
	/* libunwind, with which it would be compared, does not know these probes. */
	oracle_leave_out();
	start(&p->f, function, argument);
	(void)snprintf(p->pid, sizeof(p->pid), "%d", (int)p->f.pid);
	p->before = TOOL(p->pid);
	ck_assert_int_eq(p->before.status, 0);
	ck_assert_ptr_nonnull(strstr(p->before.out, "liburetprobed.so`"));
	p->probe = probe_return(offset);
	if (p->probe < 0) {
		run_free(&p->before);
		fixture_end(&p->f);
		return false;
	}
	fixture_echo(&p->f);
	fixture_settle(p->f.pid);
	return true;
}

static void probed_end(struct probed *p)
{
	(void)close(p->probe);
	run_free(&p->before);
	fixture_end(&p->f);
}

/* The text from the first line that is the same in all: the innermost function of the library. */
static const char *from_library(const char *out)
{
	const char *at = strstr(out, "              liburetprobed.so`");

	ck_assert_msg(at != NULL, "%s", out);
	return at;
}

/* The same stack as before, from the library on; the caller of the Python function may be elsewhere
 * in its code. */
static void expect_same(const struct probed *p, const struct run *r)
{
	const char *stack = from_library(p->before.out);

	ck_assert_msg(r->status == 0 && strncmp(from_library(r->out), stack, strlen(stack)) == 0,
	    "%.1000s\n%.2000s\n%.500s", stack, r->out, r->err);
}

static const char *const depths[] = { "0", "3" };

START_TEST(captured_at_a_probe)
{
	struct probed p;
	struct observer o;

	if (!probed_start(&p, "uretprobed_call", depths[_i], offset_of("uretprobed_inner", false)))
		return;
	if (observer_start(&o, ARGS("pystack", "-v", "--at", "syscall:read", p.pid))) {
		struct run r;

		fixture_echo(&p.f);
		fixture_settle(p.f.pid);
		r = observer_end(&o);
		expect_same(&p, &r);
		run_free(&r);
	}
	probed_end(&p);
}
END_TEST

/* From outside the caller is found among the calls of the function. */
START_TEST(from_outside)
{
	static const char *const options[] = { "-F", "--stop", "--no-stop" };
	struct probed p;

	if (!probed_start(&p, "uretprobed_call", depths[_i], offset_of("uretprobed_inner", false)))
		return;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct run r = TOOL(options[i], p.pid);

		expect_same(&p, &r);
		run_free(&r);
	}
	probed_end(&p);
}
END_TEST

START_TEST(in_cores)
{
	char core[PATH_MAX], prefix[PATH_MAX];
	struct probed p;
	struct run r;
	const char *why;

	if (!probed_start(&p, "uretprobed_call", depths[_i], offset_of("uretprobed_inner", false)))
		return;
	(void)snprintf(prefix, sizeof(prefix), "%s/gcore", p.f.dir);
	r = run_program(NULL, ARGS("gcore", "-o", prefix, p.pid));
	if (r.status == 0) {
		(void)snprintf(core, sizeof(core), "%.4000s.%s", prefix, p.pid);
		run_free(&r);
		r = TOOL(core);
		expect_same(&p, &r);
	} else {
		(void)printf("SKIP: gcore does not work\n");
	}
	run_free(&r);
	if (fixture_core(&p.f, SIGABRT, core, &why)) {
		r = TOOL(core);
		expect_same(&p, &r);
		run_free(&r);
	} else {
		(void)printf("SKIP: %s\n", why);
	}
	probed_end(&p);
}
END_TEST

/* Two calls in one function, with the same frame: it is marked that they cannot be told apart. */
START_TEST(one_of_two_calls)
{
	struct probed p;
	struct run r;
	const char *mark;

	if (!probed_start(&p, "uretprobed_twice", _i == 0 ? "0" : "1", offset_of("uretprobed_inner", false)))
		return;
	r = TOOL(p.pid);
	mark = strstr(r.out, "              (return probe: one of several calls in the next function)\n"
			     "              liburetprobed.so`chooses+");
	ck_assert_msg(mark != NULL && r.status == 0, "%.2000s", r.out);
	run_free(&r);
	probed_end(&p);
}
END_TEST

/* A function that is itself called through a pointer could be another one of the same size. */
START_TEST(likely_caller)
{
	struct probed p;
	struct run r;
	const char *mark;

	if (!probed_start(&p, "uretprobed_likely", "0", offset_of("uretprobed_inner", false)))
		return;
	r = TOOL(p.pid);
	mark = strstr(r.out, "              (return probe: the next frame is likely, not certain)\n"
			     "              liburetprobed.so`uretprobed_likely+");
	ck_assert_msg(mark != NULL && r.status == 0, "%.2000s", r.out);
	run_free(&r);
	probed_end(&p);
}
END_TEST

/* A call through a pointer may be anywhere. Python's frames are found all the same. */
START_TEST(call_through_a_pointer)
{
	struct probed p;
	struct run r;

	if (!probed_start(&p, "uretprobed_pointer", "0", offset_of("uretprobed_hidden", true)))
		return;
	r = TOOL(p.pid);
	ck_assert_msg(strstr(r.out, "`by_pointer+") != NULL &&
			  strstr(r.out, "              (return probe: the caller is not known)\n") != NULL &&
			  strstr(r.out, "(JIT)") == NULL && strstr(r.out, "(<module>) ]") != NULL,
	    "%.2000s", r.out);
	ck_assert_int_eq(r.status, 1);
	run_free(&r);
	probed_end(&p);
}
END_TEST

/* Is the stack from `at` on, up to `end`, in the callback that comes before? Then uretprobed_busy's
 * callee is neither the library's nor a remark. */
static bool is_in_callback(const char *at, const char *end)
{
	static const char busy[] = "              liburetprobed.so`uretprobed_busy+";
	const char *caller = strstr(at, busy), *line;

	if (caller == NULL || caller >= end || caller - at < 2)
		return false;
	for (line = caller - 1; line > at && line[-1] != '\n';)
		line--;
	line += strspn(line, " ");
	return *line != '(' && strncmp(line, "liburetprobed.so`", strlen("liburetprobed.so`")) != 0;
}

/* Each stack in the text, which ends with its count, has the caller, or says that it is not known. */
static void expect_callers(const char *out)
{
	const char *at = out, *end;

	for (; *at != '\0'; at = *end == '\0' ? end : end + 2) {
		const char *caller = strstr(at, "liburetprobed.so`again_and_again+");
		const char *mark = strstr(at, "(return probe: the caller is not known)");

		end = strstr(at, "\n\n");
		if (end == NULL)
			end = at + strlen(at);
		if (strstr(at, "`_start+") == NULL || is_in_callback(at, end))
			continue;
		ck_assert_msg((caller != NULL && caller < end) || (mark != NULL && mark < end), "%.*s",
		    (int)(end - at), at);
	}
}

/* Wherever a thread is that meets such a probe all the time, in the kernel's code for it too. There
 * is a moment at which the address is neither on the stack nor in the kernel's list: it is marked. */
START_TEST(caught_in_the_trampoline)
{
	struct fixture f;
	struct observer o;
	char pid[16];
	int probe;

	oracle_leave_out(); /* as above */
	start(&f, "uretprobed_busy", "0");
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	probe = probe_return(offset_of("uretprobed_inner", false));
	if (probe >= 0 &&
	    observer_start(&o, ARGS("pystack", "-v", "-c", "--at", "profile:4999", "-N", "2000", pid))) {
		const char *bad;
		struct run r;

		ck_assert_int_eq(write(f.to, "x", 1), 1);
		r = observer_wait(&o);
		bad = strstr(r.out, "              0x");
		ck_assert_msg(bad == NULL, "%.1000s", bad);
		bad = strstr(r.out, "(no unwind");
		ck_assert_msg(bad == NULL, "%.1000s", bad);
		bad = strstr(r.out, "(JIT)");
		ck_assert_msg(bad == NULL, "%.1000s", bad);
		ck_assert_ptr_nonnull(strstr(r.out, "liburetprobed.so`again_and_again+"));
		expect_callers(r.out);
		ck_assert(r.status == 0 || strstr(r.out, "(return probe: the caller is not known)") != NULL);
		run_free(&r);
	}
	(void)close(probe);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("return probes");
	TCase *c = tcase_create("the true callers");

	find_library();
	tcase_set_timeout(c, 120);
	if (live_speaks(live_interpreters(NULL))) {
		tcase_add_loop_test(c, captured_at_a_probe, 0, 2);
		tcase_add_loop_test(c, from_outside, 0, 2);
		tcase_add_loop_test(c, in_cores, 0, 2);
		tcase_add_loop_test(c, one_of_two_calls, 0, 2);
		tcase_add_test(c, likely_caller);
		tcase_add_test(c, call_through_a_pointer);
		tcase_add_test(c, caught_in_the_trampoline);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
