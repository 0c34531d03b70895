/* Files that are fetched from a debuginfod server on this machine (--debuginfod). */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/live.h"

/* Run `script`, in which $P is pystack, $C the core and $F a list of the files mapped. */
static struct run run_script(const struct fixture *f, const char *core, const char *script)
{
	return run_program(&(struct run_options){ .cwd = f->dir, .timeout = 200 },
	    ARGS("sh", "-c", "P=$0 C=$1 F=files\n eval \"$2\"", spawn_tool(), core, script));
}

/* Start a server of the files in directory srv, as $URL, wait until it has each of them, and give it
 * up after some minutes. Exit status 7: there is none. */
#define SERVER                                                                                            \
	"command -v debuginfod >/dev/null && command -v debuginfod-find >/dev/null || exit 7\n"           \
	"unset DEBUGINFOD_PROGRESS DEBUGINFOD_VERBOSE; port=$((20000 + $$ % 20000)); n=0\n"               \
	"mkdir -p srv empty polls; while read -r f; do cp \"$f\" srv/; done <$F\n"                        \
	"timeout 300 debuginfod -p $port -d :memory: -F srv >server.log 2>&1 & server=$!\n"               \
	"trap 'kill $server' EXIT; export DEBUGINFOD_URLS=http://127.0.0.1:$port\n"                       \
	"for f in srv/*; do\n"                                                                            \
	"  i=$(readelf -n \"$f\" 2>/dev/null | sed -n 's/.*Build ID: //p'); test -n \"$i\" || continue\n" \
	"  until n=$((n + 1)) && DEBUGINFOD_CACHE_PATH=$PWD/polls/$n debuginfod-find executable $i "      \
	">/dev/null 2>&1; do\n"                                                                           \
	"    test $n -lt 600 && kill -0 $server || exit 7; sleep 0.2; done; done\n"

START_TEST(from_a_server)
{
	size_t n;
	const struct interpreter *in = live_interpreters(&n);
	char core[PATH_MAX], script[256];
	const char *why = "";
	struct fixture f;
	struct run plain, r;

	for (size_t i = 0; i < n && (in->root[0] != '\0' || !live_speaks(in)); i++)
		in = &live_interpreters(NULL)[i];
	if (in->root[0] != '\0')
		return;
	fixture_start(&f, in, NULL, ARGS("@every_version.py", "%"));
	(void)snprintf(script, sizeof(script),
	    "awk '$6 ~ /^\\// && $7 == \"\" { print $6 }' /proc/%d/maps | sort -u >$F", (int)f.pid);
	r = run_script(&f, "", script);
	run_free(&r);
	if (!fixture_core(&f, SIGABRT, core, &why)) {
		(void)printf("SKIP: core of %s: %s\n", in->label, why);
		fixture_end(&f);
		return;
	}
	plain = run_script(&f, core, "\"$P\" \"$C\"");
	r = run_script(&f, core,
	    SERVER
	    "DEBUGINFOD_CACHE_PATH=$PWD/cache \"$P\" --debuginfod --sysroot empty -L /usr/lib/debug \"$C\"");
	if (r.status == 7) {
		(void)puts("SKIP: no debuginfod server can be started");
	} else {
		ck_assert_msg(r.status == 0 && r.err[0] == '\0', "exit %d, %.2000s", r.status, r.err);
		ck_assert_msg(strcmp(r.out, plain.out) == 0, "other stacks: %.4000s", r.out);
	}
	run_free(&r);
	/* Without a server, or one that does not answer, the core is printed all the same. */
	r = run_script(&f, core, "DEBUGINFOD_URLS= \"$P\" --debuginfod \"$C\"");
	ck_assert_str_eq(r.out, plain.out);
	ck_assert_msg(strstr(r.err, "--debuginfod: nothing is fetched: ") != NULL, "%s", r.err);
	run_free(&r);
	r = run_script(&f, core,
	    "mkdir -p empty; DEBUGINFOD_URLS=http://127.0.0.1:1 DEBUGINFOD_CACHE_PATH=$PWD/none \"$P\" "
	    "--debuginfod --sysroot empty \"$C\"");
	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(strstr(r.err, "--debuginfod: no") != NULL, "%s", r.err);
	run_free(&r);
	run_free(&plain);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live_fetch");
	TCase *c = tcase_create("fetch");

	tcase_set_timeout(c, 400);
	tcase_add_test(c, from_a_server);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
