/* Cores whose files are elsewhere: found by build-id, and never another file. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/live.h"

/* Run `script`, in which $P is pystack, $C the core and $F a list of the files mapped. */
static struct run run_script(const struct fixture *f, const char *core, const char *script)
{
	return run_program(&(struct run_options){ .cwd = f->dir, .timeout = 120 },
	    ARGS("sh", "-c", "P=$0 C=$1 F=files\n eval \"$2\"", spawn_tool(), core, script));
}

static void done(struct run r)
{
	ck_assert_msg(r.status == 0, "exit %d: %s", r.status, r.err);
	run_free(&r);
}

/* The core of all scenes by one interpreter, and $F. False: this system writes none. */
static bool begin(struct fixture *f, char core[PATH_MAX])
{
	const char *why = "";
	char script[256];
	size_t n;
	const struct interpreter *in = live_interpreters(&n);

	for (size_t i = 0; i < n && (in->root[0] != '\0' || !live_speaks(in)); i++)
		in = &live_interpreters(NULL)[i];
	if (in->root[0] != '\0')
		return false;
	fixture_start(f, in, NULL, ARGS("@scenes.py", "%"));
	(void)snprintf(script, sizeof(script),
	    "awk '$6 ~ /^\\// && $7 == \"\" { print $6 }' /proc/%d/maps | sort -u >$F && test -s $F",
	    (int)f->pid);
	done(run_script(f, "", script));
	if (fixture_core(f, SIGABRT, core, &why))
		return true;
	(void)printf("SKIP: core of %s: %s\n", in->label, why);
	fixture_end(f);
	return false;
}

static void same(struct run r, const struct run *plain, const char *what)
{
	ck_assert_msg(r.status == 0 && r.err[0] == '\0', "%s: exit %d, %.2000s", what, r.status, r.err);
	ck_assert_msg(strcmp(r.out, plain->out) == 0, "%s: other stacks: %.4000s", what, r.out);
	run_free(&r);
}

#define COPY "while read -r f; do cp \"$f\" "

START_TEST(elsewhere)
{
	char core[PATH_MAX];
	struct fixture f;
	struct run plain;

	if (!begin(&f, core))
		return;
	plain = run_script(&f, core, "\"$P\" \"$C\"");
	ck_assert_int_eq(plain.status, 0);
	done(run_script(&f, core,
	    "mkdir -p empty flat root/opt/a/b bad ids/.build-id; " COPY "flat/; cp \"$f\" root/opt/a/b/; "
	    "mkdir -p \"bad${f%/*}\"; cp /bin/sh \"bad$f\"; "
	    "i=$(readelf -n \"$f\" 2>/dev/null | sed -n 's/.*Build ID: //p'); test -z \"$i\" || { "
	    "mkdir -p ids/.build-id/$(echo $i | cut -c 1-2); "
	    "cp \"$f\" ids/.build-id/$(echo $i | cut -c 1-2)/$(echo $i | cut -c 3-); }; done <$F"));
	/* Debug files are those of this machine. */
	same(run_script(&f, core, "\"$P\" --sysroot empty -L flat -L /usr/lib/debug \"$C\""), &plain, "flat");
	same(run_script(&f, core,
		 "\"$P\" --sysroot empty -L /nowhere/but:ids:/usr/lib/debug \"$C\" 2>&1 | "
		 "grep -v '^pystack: -L: /nowhere/but: no such directory'"),
	    &plain, "build-ids");
	same(run_script(&f, core, "\"$P\" --sysroot root -L /usr/lib/debug \"$C\""), &plain, "sysroot");
	same(run_script(&f, core, "\"$P\" --sysroot bad -L flat:/usr/lib/debug \"$C\""), &plain,
	    "other files");
	run_free(&plain);
	fixture_end(&f);
}
END_TEST

/* Each file that is missing, or another, is named once, with its build-id. */
START_TEST(each_is_named)
{
	char core[PATH_MAX];
	struct fixture f;
	struct run r;

	if (!begin(&f, core))
		return;
	r = run_script(&f, core,
	    "mkdir -p empty; \"$P\" --sysroot empty \"$C\" 2>err >/dev/null; echo $?; "
	    "sed -n 's/^pystack: [^ ]*: \\(\\/[^:]*\\): .*(build-id of the mapped one: \\([0-9a-f]*\\)).*/"
	    "\\1 \\2/p' err | sort >named; sort -u named | cmp - named && "
	    "while read -r f id; do readelf -n \"$f\" | grep -q \"Build ID: $id\" || echo \"$f\"; done "
	    "<named; "
	    "grep -c . named; grep 'more such' err");
	ck_assert_msg(strncmp(r.out, "1\n", 2) == 0, "%s", r.out);
	ck_assert_msg(strtol(r.out + 2, NULL, 10) >= 2, "%s%s", r.out, r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live_core_search");
	TCase *c = tcase_create("search");

	tcase_set_timeout(c, 240);
	tcase_add_test(c, elsewhere);
	tcase_add_test(c, each_is_named);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
