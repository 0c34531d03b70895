/* The Python agent, used like pstack does: grab a process or open a core, load libpython_db.so.1,
 * walk the stacks, ask for the Python frames of every native frame. The answers are converted to
 * pystack's format and compared with the fixture's truth. Our unwinder replaces pstack's
 * frame-pointer walk, because most Linux builds of Python have no frame pointers. */
#include <check.h>
#include <dlfcn.h>
#include <libproc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libpython_db.h"
#include "os/regs.h"
#include "python/python.h"
#include "support/live.h"
#include "unwind/unwind.h"

/* Symbols looked up in the library. */
static struct agent_abi {
	pydb_agent_t *(*create)(struct ps_prochandle *, int);
	void (*destroy)(pydb_agent_t *);
	int (*pc_frameinfo)(pydb_agent_t *, uintptr_t, uintptr_t, char *, size_t);
	int (*get_frameinfo)(pydb_agent_t *, uintptr_t, char *, size_t, int);
	pydb_iter_t *(*interps)(pydb_agent_t *, uintptr_t);
	pydb_iter_t *(*threads)(pydb_agent_t *, uintptr_t);
	pydb_iter_t *(*frames)(pydb_agent_t *, uintptr_t);
	uintptr_t (*next)(pydb_iter_t *);
	void (*fini)(pydb_iter_t *);
} abi;

static void load(void)
{
	char path[PATH_MAX];
	void *lib;

	spawn_built("libpython_db.so.1", path);
	lib = dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
	ck_assert_msg(lib != NULL, "%s", dlerror());
#define TAKE(member, name)                                             \
	do {                                                           \
		*(void **)&abi.member = dlsym(lib, "pydb_" name);      \
		ck_assert_msg(abi.member != NULL, "no pydb_%s", name); \
	} while (0)
	TAKE(create, "agent_create");
	TAKE(destroy, "agent_destroy");
	TAKE(pc_frameinfo, "pc_frameinfo");
	TAKE(get_frameinfo, "get_frameinfo");
	TAKE(interps, "interp_iter_init");
	TAKE(threads, "thread_iter_init");
	TAKE(frames, "frame_iter_init");
	TAKE(next, "iter_next");
	TAKE(fini, "iter_fini");
#undef TAKE
}

/* One process being printed. */
struct printing {
	struct ps_prochandle *P;
	pydb_agent_t *agent;
	struct unwinder *u;
	py_threads threads; /* to pass the thread state, like pstack passes the loop's first argument */
	bool args;
	size_t buffer;
	bool headers;
	struct strbuf out;
};

static uintptr_t argument(const struct printing *p, lwpid_t id, const prgregset_t regs)
{
	for (size_t i = 0; p->args && i < p->threads.n; i++) {
		if (p->threads.at[i].thread_id == os_thread_pointer(p->P, id, regs))
			return p->threads.at[i].tstate;
	}
	return 1; /* a value that a register may have */
}

static void print_frame(struct printing *p, const struct native_frame *fr, uintptr_t arg)
{
	char name[256], *text = malloc(p->buffer), *line, *at = text;
	GElf_Sym sym;

	ck_assert_ptr_nonnull(text);
	if (Plookup_by_addr(p->P, fr->exact ? fr->pc : fr->pc - 1, name, sizeof(name), &sym) != 0)
		(void)snprintf(name, sizeof(name), "0x%lx", fr->pc);
	strbuf_fmt(&p->out, "              x`%s\n", name);
	if (fr->signal_frame)
		strbuf_str(&p->out, "              (signal handler called)\n");
	if (abi.pc_frameinfo(p->agent, fr->pc, arg, text, p->buffer) == 0) {
		/* pstack prints three spaces before the text; further lines begin with them. */
		ck_assert_int_ne(text[0], ' ');
		ck_assert_int_eq(text[strlen(text) - 1], '\n');
		while ((line = strsep(&at, "\n")) != NULL && *line != '\0')
			strbuf_fmt(&p->out, "                %s\n", line + strspn(line, " "));
	}
	free(text);
}

static int print_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	struct printing *p = data;
	struct native_stack s = { .end = UNWIND_END_DONE };
	struct unwind_regs regs;
	struct fault f;
	char name[64], head[128], rule[64];
	size_t dashes;

	(void)info;
	ck_assert_ptr_nonnull(status);
	if (Plwp_getname(p->P, status->pr_lwpid, name, sizeof(name)) != 0)
		name[0] = '\0';
	(void)snprintf(head, sizeof(head),
	    name[0] == '\0' ? "thread# %d / lwp# %d" : "thread# %d / lwp# %d [%s]", status->pr_lwpid,
	    status->pr_lwpid, name);
	dashes = strlen(head) + 2 + 4 > 62 ? 4 : 62 - strlen(head) - 2;
	memset(rule, '-', sizeof(rule));
	if (p->headers)
		strbuf_fmt(&p->out, "%.*s %s %.*s\n", (int)(dashes / 2), rule, head,
		    (int)(dashes / 2 + dashes % 2), rule);
	unwind_regs_from_prgregs(p->P, status->pr_reg, &regs);
	ck_assert_int_eq(native_stack_walk(p->u, &regs, 0, &s, &f), RES_OK);
	for (size_t i = 0; i < s.frames.n; i++)
		print_frame(p, &s.frames.at[i], argument(p, status->pr_lwpid, status->pr_reg));
	native_stack_free(&s);
	return 0;
}

static int count(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	(void)status, (void)info;
	++*(size_t *)data;
	return 0;
}

/* All of P, as pstack would print it. The caller frees it. */
static char *print_all(struct ps_prochandle *P, pydb_agent_t *agent, bool args, size_t buffer)
{
	struct printing p = { .P = P, .agent = agent, .args = args, .buffer = buffer, .out = STRBUF_EMPTY };
	struct py_process *py;
	struct fault f = { 0 };
	size_t lwps = 0;

	ck_assert_msg(py_process_create(P, &py, &f) == RES_OK, "%s", f.text);
	ck_assert_int_eq(py_threads_read(py, &p.threads, &f), RES_OK);
	py_process_destroy(py);
	ck_assert_int_eq(unwinder_create(P, UNWIND_ENGINE_AUTO, &p.u, &f), RES_OK);
	ck_assert_int_eq(Plwp_iter_all(P, count, &lwps), 0);
	p.headers = lwps > 1;
	strbuf_str(&p.out, "as pstack prints it\n");
	ck_assert_int_eq(Plwp_iter_all(P, print_lwp, &p), 0);
	unwinder_destroy(p.u);
	vec_free(&p.threads);
	ck_assert(!p.out.failed);
	return p.out.at;
}

static void judge(struct fixture *f, struct ps_prochandle *P, pydb_agent_t *agent, bool args, int flags)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct output out;
	struct run r = { .out = print_all(P, agent, args, 1 << 20), .err = strdup("") };

	live_compare(f, &r, "as pstack", flags | COMPARE_UNNAMED, &out, &wrong);
	output_free(&out);
	live_judge(f->in->label, &wrong);
}

/* Interpreter i; NULL: it is in another root, and files must be opened by their names here. */
static const struct interpreter *mine(int i, bool by_name)
{
	const struct interpreter *in = &live_interpreters(NULL)[i];

	load();
	return by_name && in->root[0] != '\0' ? NULL : in;
}

static struct ps_prochandle *grab(pid_t pid)
{
	int err;
	struct ps_prochandle *P = Pgrab(pid, 0, &err);

	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	return P;
}

static void live(int i, const struct fixture_options *opt, const char *const args[], bool tell)
{
	const struct interpreter *in = mine(i, false);
	struct fixture f;
	struct ps_prochandle *P;
	pydb_agent_t *agent;

	fixture_start(&f, in, opt, args);
	P = grab(f.pid);
	agent = abi.create(P, PYDB_VERSION);
	ck_assert_ptr_nonnull(agent);
	judge(&f, P, agent, tell, 0);
	/* And once more: the first LWP follows the last. */
	judge(&f, P, agent, tell, 0);
	/* Without arguments that identify the thread, frames follow the order of the calls, and are
	 * uncertain if other threads have the same pc. */
	judge(&f, P, agent, false, opt == NULL ? COMPARE_MARKED : 0);
	abi.destroy(agent);
	Prelease(P, 0);
	if (opt == NULL)
		fixture_echo(&f);
	fixture_end(&f);
}

START_TEST(all_scenes)
{
	live(_i, NULL, ARGS("@scenes.py", "%"), true);
}
END_TEST

/* With one thread no argument is needed. */
START_TEST(no_arguments)
{
	live(_i, &(struct fixture_options){ .alone = true }, ARGS("@scenes.py", "%", "map"), false);
}
END_TEST

START_TEST(of_a_core)
{
	const struct interpreter *in = mine(_i, true);
	const char *why = "";
	char core[PATH_MAX];
	struct fixture f;
	struct ps_prochandle *P;
	pydb_agent_t *agent;
	int err;

	if (in == NULL)
		return;
	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	if (!fixture_core(&f, SIGABRT, core, &why)) {
		(void)printf("SKIP: agent on a core of %s: %s\n", in->label, why);
		fixture_end(&f);
		return;
	}
	P = Pgrab_core(core, NULL, PGRAB_RDONLY, &err);
	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	agent = abi.create(P, PYDB_VERSION);
	judge(&f, P, agent, true, COMPARE_CORE);
	abi.destroy(agent);
	Prelease(P, 0);
	fixture_end(&f);
}
END_TEST

/* pstack's buffer has 1,024 bytes: it gets whole lines and a sign that there are more. Up to 3.10
 * an activation runs one frame. */
START_TEST(small_buffer)
{
	const struct interpreter *in = mine(_i, false);
	struct fixture f;
	struct ps_prochandle *P;
	pydb_agent_t *agent;
	char *text, *more;

	if (in->major < 3 || in->minor < 11)
		return;
	fixture_start(&f, in, NULL, ARGS("@deep.py", "%"));
	P = grab(f.pid);
	agent = abi.create(P, PYDB_VERSION);
	text = print_all(P, agent, true, 1024);
	more = strstr(text, "                ...\n");
	ck_assert_msg(more != NULL, "%s", text);
	ck_assert_msg(strncmp(more - strlen("(p_down) ]\n"), "(p_down) ]\n", 11) == 0, "%s", text);
	free(text);
	text = print_all(P, agent, true, 1 << 24);
	ck_assert_ptr_null(strstr(text, "                ...\n"));
	free(text);
	abi.destroy(agent);
	Prelease(P, 0);
	fixture_end(&f);
}
END_TEST

/* Remove the punctuation in which the two forms of a frame, "[ file:line (name) ]" and "file:line
 * name()", differ, and parentheses of names, which the first form may escape. */
static char *bare(char *text)
{
	static const char number[] = "\\x28";
	char *to = text;

	for (const char *at = text; *at != '\0'; at++) {
		if (strncmp(at, number, strlen(number)) == 0)
			at += strlen(number) - 1;
		else if (strchr(" []()", *at) == NULL)
			*to++ = *at;
	}
	*to = '\0';
	return text;
}

/* The frames of the thread state at tstate as mdb lists them, "file:line name()" each. */
static char *list_frames(pydb_agent_t *agent, uintptr_t tstate)
{
	struct strbuf out = STRBUF_EMPTY;
	pydb_iter_t *frames = abi.frames(agent, tstate);
	char text[4096], shorter[4096];
	uintptr_t at;

	ck_assert_ptr_nonnull(frames);
	while ((at = abi.next(frames)) != 0) {
		char *end;

		ck_assert_int_eq(abi.get_frameinfo(agent, at, text, sizeof(text), 1), 0);
		ck_assert_uint_eq(strtoull(text, &end, 16), at);
		ck_assert_msg(end >= text + 8 && *end == ' ', "%s", text);
		strbuf_str(&out, end + 1);
		ck_assert_int_eq(abi.get_frameinfo(agent, at, shorter, sizeof(shorter), 0), 0);
		ck_assert_msg(strlen(shorter) <= strlen(text) && strchr(shorter + (end - text), '/') == NULL,
		    "%s", shorter);
	}
	abi.fini(frames);
	return bare(out.at == NULL ? strdup("") : out.at);
}

static char *true_frames(const struct truth_thread *t)
{
	struct strbuf out = STRBUF_EMPTY;

	for (size_t i = 0; i < t->frames.n; i++)
		strbuf_fmt(&out, "%s\n", t->frames.at[i].text);
	return bare(out.at == NULL ? strdup("") : out.at);
}

static bool in_truth(const struct truth *truth, const char *frames)
{
	bool found = false;

	for (size_t i = 0; !found && i < truth->threads.n; i++) {
		char *want = true_frames(&truth->threads.at[i]);

		found = strcmp(frames, want) == 0;
		free(want);
	}
	return found;
}

/* Every thread with Python is on the lists, each once, with its own frames. */
START_TEST(iterators)
{
	const struct interpreter *in = mine(_i, false);
	struct truth truth;
	struct fixture f;
	struct ps_prochandle *P;
	pydb_agent_t *agent;
	pydb_iter_t *interps, *threads;
	uintptr_t interp, tstate;
	size_t listed = 0;

	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	truth = truth_read(f.dir);
	P = grab(f.pid);
	agent = abi.create(P, PYDB_VERSION);
	interps = abi.interps(agent, 0);
	ck_assert_ptr_nonnull(interps);
	while ((interp = abi.next(interps)) != 0) {
		threads = abi.threads(agent, interp);
		ck_assert_ptr_nonnull(threads);
		while ((tstate = abi.next(threads)) != 0) {
			char *frames = list_frames(agent, tstate);

			if (frames[0] != '\0') {
				listed++;
				ck_assert_msg(in_truth(&truth, frames), "not in truth:\n%s", frames);
			}
			free(frames);
		}
		abi.fini(threads);
	}
	ck_assert_uint_eq(abi.next(interps), 0);
	abi.fini(interps);
	ck_assert_uint_gt(listed, 3);
	/* Addresses of other things. */
	ck_assert_ptr_null(abi.threads(agent, 64));
	ck_assert_ptr_null(abi.frames(agent, 64));
	ck_assert_ptr_null(abi.interps(agent, 64));
	ck_assert_int_eq(abi.get_frameinfo(agent, 64, (char[64]){ 0 }, 64, 0), -1);
	ck_assert_int_eq(abi.pc_frameinfo(agent, 64, 0, (char[64]){ 0 }, 64), -1);
	ck_assert_ptr_null(abi.create(P, PYDB_VERSION + 1));
	abi.fini(NULL);
	abi.destroy(NULL);
	abi.destroy(agent);
	Prelease(P, 0);
	truth_free(&truth);
	fixture_end(&f);
}
END_TEST

/* --- a debugger's handle: one for all stops of a process, made of functions --- */

struct held {
	struct ps_prochandle *now; /* while it is stopped */
	prmap_t *maps;
	size_t n_maps;
	VEC(lwpstatus_t) lwps;
};

static ssize_t held_read(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va, void *data)
{
	(void)P;
	return Pread(((struct held *)data)->now, buf, n, va);
}

static int held_map(void *data, const prmap_t *map, const char *name)
{
	struct held *h = data;

	h->maps = realloc(h->maps, (h->n_maps + 1) * sizeof(*h->maps));
	ck_assert_ptr_nonnull(h->maps);
	h->maps[h->n_maps] = *map;
	(void)snprintf(h->maps[h->n_maps++].pr_mapname, PRMAPSZ, "%s", name == NULL ? "" : name);
	return 0;
}

static int held_maps(struct ps_prochandle *P, prmap_t **out, ssize_t *n, void *data)
{
	struct held *h = data;

	(void)P;
	h->maps = NULL;
	h->n_maps = 0;
	ck_assert_int_eq(Pmapping_iter(h->now, held_map, h), 0);
	*out = h->maps;
	*n = (ssize_t)h->n_maps;
	return 0;
}

static int held_lwp(void *data, const lwpstatus_t *status)
{
	return vec_push(&((struct held *)data)->lwps, *status) ? 0 : -1;
}

static prheader_t *held_lwps(struct ps_prochandle *P, void *data)
{
	struct held *h = data;
	prheader_t *header;

	(void)P;
	h->lwps.n = 0;
	ck_assert_int_eq(Plwp_iter(h->now, held_lwp, h), 0);
	header = calloc(1, sizeof(*header) + h->lwps.n * sizeof(lwpstatus_t));
	ck_assert_ptr_nonnull(header);
	header->pr_nent = (long)h->lwps.n;
	header->pr_entsize = sizeof(lwpstatus_t);
	memcpy(header + 1, h->lwps.at, h->lwps.n * sizeof(lwpstatus_t));
	return header;
}

/* Both stops are in the same read(2) at the same depth, so pcs are the same and, since 3.11, the
 * addresses of frames too. */
START_TEST(between_stops)
{
	static const ps_ops_t ops = {
		.pop_pread = held_read, .pop_read_maps = held_maps, .pop_lstatus = held_lwps
	};
	const struct interpreter *in = mine(_i, true);
	struct held h = { .now = NULL };
	struct fixture f;
	struct ps_prochandle *P;
	pydb_agent_t *agent = NULL;
	static const char *const places[] = { "(first) ]", "(second) ]", "(third) ]" };

	if (in == NULL)
		return;
	fixture_start(&f, in, &(struct fixture_options){ .alone = true }, ARGS("@places.py", "%"));
	for (size_t i = 0; i < 3; i++) {
		char *text;

		h.now = grab(f.pid);
		if (i == 0) {
			P = Pgrab_ops(f.pid, &h, &ops, 0);
			ck_assert_ptr_nonnull(P);
			agent = abi.create(P, PYDB_VERSION);
		}
		text = print_all(P, agent, false, 4096);
		for (size_t k = 0; k < 3; k++)
			ck_assert_msg((strstr(text, places[k]) != NULL) == (k == i), "stop %zu: %s", i, text);
		free(text);
		Prelease(h.now, 0);
		fixture_echo(&f);
		fixture_settle(f.pid);
	}
	abi.destroy(agent);
	Prelease(P, 0);
	vec_free(&h.lwps);
	fixture_end(&f);
}
END_TEST

/* The links that pstack and mdb look for: one for each library with a version. Files of others are
 * not overwritten. */
START_TEST(installed)
{
	static const char script[] =
	    "d=$(mktemp -d) && mkdir -p $d/lib && : >$d/agent.so.1 && cd $d/lib &&"
	    "touch libpython2.7.so.1.0 libpython3.13.so.1.0 libpython3.13.so libpython3.9.so.1.0 "
	    "libpython3.9_db.so.1.0"
	    " && \"$0\" $d $d/agent.so.1 /opt/x /lib 2>$d/err; echo status $?;"
	    "\"$0\" $d $d/agent.so.1 /opt/x /lib >/dev/null 2>&1; cut -d: -f2- $d/err;"
	    "for f in *; do echo $f $(readlink $f); done; ls $d/opt/x; rm -r $d";
	static const char want[] =
	    "/opt/x/agent.so.1\n"
	    "/lib/libpython2.7_db.so.1.0\n"
	    "/lib/libpython3.13_db.so.1.0\n"
	    "status 1\n"
	    " /lib/libpython3.9_db.so.1.0 exists and is not a link to the agent: not replaced\n"
	    "libpython2.7.so.1.0\n"
	    "libpython2.7_db.so.1.0 /opt/x/agent.so.1\n"
	    "libpython3.13.so\n"
	    "libpython3.13.so.1.0\n"
	    "libpython3.13_db.so.1.0 /opt/x/agent.so.1\n"
	    "libpython3.9.so.1.0\n"
	    "libpython3.9_db.so.1.0\n"
	    "agent.so.1\n";
	char path[PATH_MAX];
	struct run r;

	ck_assert_ptr_nonnull(realpath("lib/pydb/install-agent.sh", path));
	r = run_program(NULL, ARGS("sh", "-c", script, path));
	ck_assert_msg(r.status == 0 && r.err[0] == '\0', "%s%s", r.out, r.err);
	ck_assert_str_eq(r.out, want);
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("agent");
	TCase *tc = tcase_create("agent");
	size_t n;

	(void)live_interpreters(&n);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, all_scenes, 0, (int)n);
	tcase_add_loop_test(tc, no_arguments, 0, (int)n);
	tcase_add_loop_test(tc, of_a_core, 0, (int)n);
	tcase_add_loop_test(tc, small_buffer, 0, (int)n);
	tcase_add_loop_test(tc, iterators, 0, (int)n);
	tcase_add_loop_test(tc, between_stops, 0, (int)n);
	tcase_add_test(tc, installed);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return live_main(suite);
}
