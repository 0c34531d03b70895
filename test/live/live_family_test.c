/* Several processes of one operand (-r), and the containers of processes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/live.h"

/* An interpreter of this machine. NULL: there is none. */
static const struct interpreter *own(void)
{
	size_t n;
	const struct interpreter *all = live_interpreters(&n);

	for (size_t i = 0; i < n; i++) {
		if (all[i].root[0] == '\0' && live_speaks(&all[i]))
			return &all[i];
	}
	(void)puts("SKIP: this machine has no interpreter of its own");
	return NULL;
}

/* A process, then its newest child; each child precedes its own. */
START_TEST(tree)
{
	static const char script[] =
	    "cd \"$3\" && \"$1\" \"$2/tree.py\" pids & parent=$!\n"
	    "trap 'kill $parent' EXIT; cd \"$3\"\n"
	    "until test -s pids; do kill -0 $parent || exit 3; sleep 0.1; done; P=$0; set -- $(cat pids)\n"
	    "want=$(printf '%s:\\n' $1; printf '%s:\\nchild of %s\\n' $4 $1 $2 $1 $3 $2)\n"
	    "got=$(\"$P\" -p -r $1 | grep -E '^[0-9]+:|^child of ' | sed 's/:.*/:/')\n"
	    "test \"$got\" = \"$want\" || echo \"got $got, not $want\"\n"
	    "got=$(\"$P\" -p -r $3 $1 | grep -E '^[0-9]+:' | sed 's/:.*//' | tr '\\n' ' ')\n"
	    "test \"$got\" = \"$3 $1 $4 $2 \" || echo \"got $got\"\n"
	    "\"$P\" -p $4 | grep '^child of '\n";
	const struct interpreter *in = own();
	char dir[] = "/tmp/pystack-family-XXXXXX";
	struct run r;

	if (in == NULL)
		return;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	r = run_program(NULL, ARGS("sh", "-c", script, spawn_tool(), in->path, spawn_programs(), dir));
	ck_assert_msg(
	    r.out[0] == '\0' && r.err[0] == '\0' && r.status != 3, "exit %d: %s%s", r.status, r.out, r.err);
	run_free(&r);
	r = run_program(NULL, ARGS("rm", "-r", dir));
	run_free(&r);
}
END_TEST

enum { ID_DIGITS = 64, SHORT_ID = 12 };

static const char *const hierarchies[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/pids",
	"/sys/fs/cgroup/unified" };

struct group {
	char id[ID_DIGITS + 1], above[64], path[200];
};

/* Put pid into a control group as Docker does. */
static bool group_enter(struct group *g, pid_t pid)
{
	(void)snprintf(g->id, sizeof(g->id), "%08x%056x", (unsigned)pid, 1);
	for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
		char procs[256];
		FILE *out;
		bool in;

		(void)snprintf(g->above, sizeof(g->above), "%s/docker", hierarchies[i]);
		(void)snprintf(g->path, sizeof(g->path), "%s/%s", g->above, g->id);
		(void)mkdir(g->above, 0755);
		(void)mkdir(g->path, 0755);
		(void)snprintf(procs, sizeof(procs), "%s/cgroup.procs", g->path);
		out = fopen(procs, "r+e");
		in = out != NULL && fprintf(out, "%d\n", (int)pid) > 0 && fflush(out) == 0;
		if (out != NULL)
			(void)fclose(out);
		if (in)
			return true;
		(void)rmdir(g->path);
		(void)rmdir(g->above);
	}
	(void)puts("SKIP: there is no control group to put a process into");
	return false;
}

/* Its process has ended. */
static void group_remove(const struct group *g)
{
	(void)rmdir(g->path);
	(void)rmdir(g->above);
}

static void in_group(const struct fixture_options *opt, bool shown)
{
	const struct interpreter *in = own();
	char pid[16], line[64], member[128];
	struct fixture f;
	struct group g;
	struct run r;

	if (in == NULL)
		return;
	fixture_start(&f, in, opt, ARGS("@every_version.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	if (!group_enter(&g, f.pid)) {
		fixture_end(&f);
		return;
	}
	(void)snprintf(line, sizeof(line), "\nin container docker %.*s\n", SHORT_ID, g.id);
	(void)snprintf(member, sizeof(member), "\"container\":{\"runtime\":\"docker\",\"id\":\"%s\"}", g.id);
	r = TOOL(pid);
	ck_assert_msg((strstr(r.out, line) != NULL) == shown, "%s: %.400s", line, r.out);
	run_free(&r);
	r = TOOL("-v", pid);
	ck_assert_msg(strstr(r.out, line) != NULL, "%s: %.400s", line, r.out);
	run_free(&r);
	r = TOOL("-o", "json", pid);
	/* Built without jansson it is refused. */
	ck_assert_msg(r.status == 2 || strstr(r.out, member) != NULL, "%s: %.400s", member, r.out);
	run_free(&r);
	fixture_end(&f);
	group_remove(&g);
}

START_TEST(container)
{
	in_group(&(struct fixture_options){ .pid_namespace = true }, true);
}
END_TEST

/* Nothing is read for a process of the same pid namespace, unless all is asked for. */
START_TEST(control_group_alone)
{
	in_group(NULL, false);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live_family");
	TCase *c = tcase_create("family");

	tcase_set_timeout(c, 240);
	tcase_add_test(c, tree);
	tcase_add_test(c, container);
	tcase_add_test(c, control_group_alone);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_json_main(suite);
}
