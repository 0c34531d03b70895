/* An illumos core of a real program: a Python process of this machine, written in the published
 * layout with illumos's notes, LWP numbers and signal numbers, and without Linux's additions. Its
 * output must equal that of the process: Python frames by LWP numbers, files by the dynamic
 * linker's list. */
#include <check.h>
#include <elf.h>
#include <libproc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/illumos_core_builder.h"
#include "support/live.h"

enum { LWPS = 64, EXECNAME = 2014, SIGBUS_THERE = 10, ZOMBIE = 1000, PAGE = 4096, NAME_AT = 0x10000 };

struct making {
	struct ps_prochandle *P;
	struct core_builder *b;
	size_t n;
	struct illumos_lwp lwps[LWPS];
	uint64_t pointers[LWPS];
};

static int take_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	struct making *m = data;
	struct illumos_lwp *lwp = &m->lwps[m->n];

	(void)info;
	ck_assert_uint_lt(m->n, LWPS);
	m->pointers[m->n++] = (uint64_t)status->pr_reg[PRREG_FSBASE];
	*lwp = (struct illumos_lwp){ .id = (int)m->n };
	for (int i = 0; i < ILLUMOS_REGS; i++)
		lwp->regs[i] = (uint64_t)status->pr_reg[i];
	return 0;
}

/* pthread_self() is the number of the LWP there, and Python keeps it. */
static void renumber(const struct making *m, uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < m->n; k++) {
			if (words[i] == m->pointers[k])
				words[i] = k + 1;
		}
	}
}

static int take_map(void *data, const prmap_t *map, const char *name)
{
	struct making *m = data;
	uint32_t flags = ((map->pr_mflags & MA_READ) != 0 ? PF_R : 0) |
			 ((map->pr_mflags & MA_WRITE) != 0 ? PF_W : 0) |
			 ((map->pr_mflags & MA_EXEC) != 0 ? PF_X : 0);
	uint64_t *bytes;
	ssize_t got;

	if ((flags & PF_R) == 0 || (name != NULL && strncmp(name, "[v", 2) == 0))
		return 0;
	bytes = malloc(map->pr_size);
	ck_assert_ptr_nonnull(bytes);
	got = Pread(m->P, bytes, map->pr_size, map->pr_vaddr);
	if ((flags & PF_W) != 0 && got > 0)
		renumber(m, bytes, (size_t)got / sizeof(*bytes));
	core_builder_load(m->b, map->pr_vaddr, map->pr_size, flags, bytes, got < 0 ? 0 : (uint64_t)got);
	free(bytes);
	return 0;
}

static void make_core(pid_t pid, const char *path)
{
	static struct making m;
	int err = 0;
	struct ps_prochandle *P = Pgrab(pid, 0, &err);
	uint64_t auxv[4][2] = { { AT_PHDR, 0 }, { AT_BASE, 0 }, { AT_ENTRY, 0 }, { EXECNAME, NAME_AT } };
	char name[PAGE] = "";

	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	m = (struct making){ .P = P, .b = core_builder_create() };
	ck_assert_int_eq(Plwp_iter_all(P, take_lwp, &m), 0);
	for (int i = 0; i < 3; i++)
		auxv[i][1] = (uint64_t)Pgetauxval(P, (int)auxv[i][0]);
	ck_assert_ptr_nonnull(Pexecname(P, name, sizeof(name)));
	core_builder_load(m.b, NAME_AT, sizeof(name), PF_R | PF_W, name, sizeof(name));
	illumos_auxv(m.b, auxv, 3);
	core_builder_cut_notes(m.b);
	m.lwps[0].cursig = SIGBUS_THERE;
	m.lwps[0].code = 1;
	m.lwps[0].field = 0xabc0;
	illumos_psinfo(m.b, pid, "python", Ppsinfo(P)->pr_psargs);
	illumos_pstatus(m.b, pid, &m.lwps[0]);
	illumos_auxv(m.b, auxv, 4);
	for (size_t i = 0; i < m.n; i++) {
		illumos_lwpsinfo(m.b, (int)i + 1, 'S');
		illumos_lwpstatus(m.b, &m.lwps[i]);
	}
	illumos_lwpname(m.b, 1, "the first of all threads");
	illumos_lwpsinfo(m.b, ZOMBIE, 'Z');
	ck_assert_int_eq(Pmapping_iter(P, take_map, &m), 0);
	core_builder_save(m.b, path);
	core_builder_destroy(m.b);
	Prelease(P, 0);
}

/* Linux records the file, the link map the name that was requested: libx.so.8 or libx.so.8.1.2. */
static void add_line(struct strbuf *out, const char *line, const char *end)
{
	const char *tick = memchr(line, '`', (size_t)(end - line));
	const char *so = strstr(line, ".so");

	if (tick != NULL && so != NULL && so < tick) {
		strbuf_add(out, line, (size_t)(so - line));
		line = tick;
	}
	strbuf_add(out, line, (size_t)(end - line));
}

/* A core does not say what system call a thread is in. The rest of such a remark; NULL: none. */
static const char *after_call(const char *line, const char *end, struct strbuf *out)
{
	static const char start[] = "\n              (in ";
	const char *rest;

	if (strncmp(line, start, sizeof(start) - 1) != 0)
		return line;
	rest = memchr(line, ';', (size_t)(end - line));
	if (rest == NULL)
		return NULL;
	strbuf_add(out, start, sizeof(start) - sizeof("in "));
	return rest + 2;
}

/* The lines of `text` but the first, the core's own and the headers, which have other numbers. It
 * ends with the header of LWP `zombie` (0: none). */
static void frames_of(const char *text, int zombie, struct strbuf *out, size_t *headers)
{
	const char *line = strchr(text, '\n'), *end, *lwp;

	*headers = 0;
	for (; line != NULL && line[1] != '\0'; line = end) {
		end = strchr(line + 1, '\n');
		if (end == NULL || strncmp(line + 1, "killed by", 9) == 0)
			continue;
		if (line[1] == '-') {
			++*headers;
			strbuf_str(out, "\n--");
			lwp = strstr(line, "lwp# ");
			if (zombie != 0 && lwp != NULL && lwp < end && atoi(lwp + 5) == zombie)
				return;
			continue;
		}
		line = after_call(line, end, out);
		if (line != NULL)
			add_line(out, line, end);
	}
}

static void compare(const char *tool_args[], const struct run *live)
{
	struct strbuf want = STRBUF_EMPTY, got = STRBUF_EMPTY;
	size_t live_n, core_n;
	struct run r = run_tool(NULL, (const char *const *)tool_args);

	ck_assert_msg(r.status == 0 && r.err[0] == '\0', "exit %d, %s", r.status, r.err);
	frames_of(live->out, 0, &want, &live_n);
	frames_of(r.out, ZOMBIE, &got, &core_n);
	strbuf_str(&want, "\n--");
	ck_assert_uint_eq(core_n, live_n + 1);
	if (strcmp(strbuf_text(&got), strbuf_text(&want)) != 0) {
		size_t at = 0;

		while (strbuf_text(&got)[at] == strbuf_text(&want)[at])
			at++;
		ck_abort_msg("of the core: %.400s\nof the process: %.400s",
		    strbuf_text(&got) + (at < 100 ? 0 : at - 100),
		    strbuf_text(&want) + (at < 100 ? 0 : at - 100));
	}
	ck_assert_ptr_nonnull(strstr(r.out, "\nkilled by SIGBUS at 0xabc0\n"));
	ck_assert_ptr_nonnull(strstr(r.out, " [the first of all threads] --"));
	ck_assert_ptr_nonnull(strstr(r.out, "(zombie: exited, not yet joined)\n"));
	ck_assert_ptr_nonnull(strstr(r.out, "[ "));
	run_free(&r);
	strbuf_free(&want);
	strbuf_free(&got);
}

START_TEST(as_the_process)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	char core[PATH_MAX], pid[16];
	struct fixture f;
	struct run live;

	if (in->root[0] != '\0') {
		(void)printf("SKIP: %s: its files are below another root\n", in->label);
		return;
	}
	fixture_start(&f, in, &(struct fixture_options){ .alone = false }, ARGS("@scenes.py", "%"));
	(void)snprintf(core, sizeof(core), "%s/core.illumos", f.dir);
	(void)snprintf(pid, sizeof(pid), "%d", f.pid);
	live = TOOL(pid);
	make_core(f.pid, core);
	compare((const char *[]){ core, NULL }, &live);
	compare((const char *[]){ "--sysroot", "/", core, NULL }, &live);
	run_free(&live);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("illumos core of a program");
	TCase *tcase = tcase_create("illumos");
	size_t n;

	(void)live_interpreters(&n);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, as_the_process, 0, (int)n);
	suite_add_tcase(s, tcase);
	return s;
}

int main(void)
{
	return live_main(suite);
}
