/* The scripts on which other tests rely: the files that are installed, and what counts as
 * failed. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/live.h"
#include "support/spawn_files.h"

/* Write an executable shell script to the temporary directory. */
static void script(const char *name, const char *body, char path[PATH_MAX])
{
	FILE *f;

	(void)snprintf(path, PATH_MAX, "%s/%s", spawn_folder(), name);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "#!/bin/sh\n%s\n", body);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0755), 0);
}

/* dpkg-query has a line also for a package that something else merely suggests: not-installed. */
START_TEST(missing_packages)
{
	char path[PATH_MAX], text[2 * PATH_MAX];
	struct run r;

	script("dpkg-query",
	    "case $4 in\n"
	    "here) printf 'installed ' ;;\n"
	    "twice) printf 'not-installed installed ' ;;\n"
	    "heard-of) printf 'not-installed ' ;;\n"
	    "removed) printf 'config-files ' ;;\n"
	    "*) exit 1 ;;\n"
	    "esac",
	    path);
	script("apt-get", "exit 0", path);
	script("sudo", "exec \"$@\"", path);
	(void)snprintf(text, sizeof(text), "%s:%s", spawn_folder(), getenv("PATH"));
	ck_assert_int_eq(setenv("PATH", text, 1), 0);
	r = run_program(NULL, ARGS("test/need.sh", "here", "twice", "heard-of", "removed", "unknown"));
	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(r.out, "installing with apt-get: heard-of removed unknown\n");
	run_free(&r);
	r = run_program(NULL, ARGS("test/need.sh", "here"));
	ck_assert_str_eq(r.out, "");
	run_free(&r);
}
END_TEST

/* The last line counts. A program that dies, prints nothing, or fails a check makes the whole
 * fail. */
START_TEST(counted)
{
	static const struct {
		const char *body, *last;
		int status;
	} rows[] = {
		{ "echo '100%: Checks: 7, Failures: 0, Errors: 0'", "\n7 passed, 0 failed, 0 skipped\n", 0 },
		{ "echo 'SKIP: why'; echo 'Running suite(s): x'; echo '100%: Checks: 7, Failures: 0, Errors: "
		  "0'",
		    "\n7 passed, 0 failed, 1 skipped\n", 0 },
		{ "echo 'Running suite(s): x'; echo 'SKIP: why'; echo '100%: Checks: 7, Failures: 0, Errors: "
		  "0'",
		    "\n6 passed, 0 failed, 1 skipped\n", 0 },
		{ "echo '50%: Checks: 4, Failures: 1, Errors: 1'; exit 1",
		    "\n2 passed, 2 failed, 0 skipped\n", 1 },
		{ "echo '100%: Checks: 4, Failures: 0, Errors: 0'; exit 1",
		    "\n3 passed, 1 failed, 0 skipped\n", 1 },
		{ "kill -SEGV $$", "\n0 passed, 1 failed, 0 skipped\n", 1 },
		{ "exit 0", "\n0 passed, 1 failed, 0 skipped\n", 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *last;
		char path[PATH_MAX];
		struct run r;

		script("program", rows[i].body, path);
		r = run_program(NULL, ARGS("test/report", path));
		ck_assert_int_eq(r.status, rows[i].status);
		last = strstr(r.out, rows[i].last);
		ck_assert_msg(
		    last != NULL && strlen(last) == strlen(rows[i].last), "%s: %s", rows[i].body, r.out);
		run_free(&r);
	}
}
END_TEST

/* Installed scripts call the pystack installed with them, even if PATH has another program of that
 * name. */
START_TEST(own_pystack)
{
	const char *tool = spawn_tool();
	char folder[PATH_MAX], other[PATH_MAX];
	struct run r;

	script("pystack", "echo another; exit 7", other);
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(tool, '/') - tool), tool);
	r = run_program(&(struct run_options){ .timeout = 120 },
	    ARGS("sh", "-c",
		"make -s install O=\"$1\" PREFIX=\"$2/prefix\" DESTDIR= >&2 || exit 3\n"
		"ln -s \"$2/prefix/bin/pystack-top\" \"$2/prefix/bin/pystack-stopped\" \"$2\"\n"
		"PATH=$2:$PATH; unset PYSTACK_BIN; sleep 60 & kill -STOP $!\n"
		"for c in pystack-top \"$2/prefix/bin/pystack-top\" pystack-stopped "
		"\"$2/prefix/bin/pystack-stopped\"; do"
		"  $c $!; echo $?; done 2>/dev/null\n"
		"kill -KILL $!\n"
		"grep -h 'system(\"pystack ' \"$2\"/prefix/share/pystack/*\n"
		"grep -qF \"$2/prefix/bin/pystack %d\" \"$2/prefix/share/pystack/sample.bt\" || echo system",
		"sh", folder, spawn_folder()));
	ck_assert_msg(
	    strstr(r.out, "another") == NULL && strstr(r.out, "system") == NULL, "%s%s", r.out, r.err);
	ck_assert_msg(strchr(r.out, '`') != NULL, "%s%s", r.out, r.err);
	run_free(&r);
}
END_TEST

/* `make help` has every goal that is not a part of another. */
START_TEST(goals)
{
	struct run r = run_program(&(struct run_options){ .timeout = 60 },
	    ARGS("sh", "-c",
		"make -s help | tr -c 'a-z-' '\\n' | sort -u >\"$1/help\"; make -pn 2>/dev/null | sed -n "
		"'s/^\\.PHONY: //p' | tr ' ' '\\n' | grep -v 'programs$\\|^needs-\\|-here$\\|^format-check$' "
		"| "
		"sort -u | comm -23 - \"$1/help\"",
		"sh", spawn_folder()));

	ck_assert_msg(r.status == 0 && r.out[0] == '\0', "not in `make help`: %s%s", r.out, r.err);
	run_free(&r);
	r = run_program(NULL, ARGS("make", "-s", "help"));
	ck_assert_ptr_nonnull(strstr(r.out, "\n  check-illumos "));
	run_free(&r);
}
END_TEST

/* The completion offers the options of --help, and the values of options that have a list of
 * values. */
START_TEST(completion)
{
	struct run r = run_program(NULL,
	    ARGS("bash", "-c",
		". cmd/scripts/pystack.bash; compopt() { :; }; tool=$1\n"
		"offer() { COMP_WORDS=(\"$tool\" \"$@\"); COMP_CWORD=$#; _pystack; printf '%s\\n' "
		"\"${COMPREPLY[@]}\"; }\n"
		"diff <(offer - | sort) <(\"$1\" --help | grep '^  ' | grep -oE '^ "
		"+-[a-zA-Z]|--[a-z-]+' | tr -d ' ' | "
		"sort -u) &&\n"
		"[ \"$(offer -m f)\" = fp ] && [ \"$(offer -o '' | paste -sd' ')\" = 'count folded json "
		"text' ] &&\n"
		"[ \"$(offer --at sys)\" = syscall: ] && offer --at syscall : rmd | grep -qx rmdir &&\n"
		"[ \"$(offer --at syscall : rmdir : r)\" = return ] && [ \"$(offer --at off)\" = off-cpu ] "
		"&&\n"
		"[ \"$(offer --at syscall:rmdi)\" = syscall:rmdir ] &&\n"
		"offer $$ | grep -qx $$ && offer Makef | grep -qx Makefile && [ -z \"$(offer -n 1)\" ]",
		"bash", spawn_tool()));

	ck_assert_msg(r.status == 0 && r.out[0] == '\0', "%s%s", r.out, r.err);
	run_free(&r);
}
END_TEST

/* That for zsh offers them as well. */
START_TEST(completion_of_zsh)
{
	struct run r = run_program(NULL,
	    ARGS("sh", "-c",
		"type zsh >/dev/null 2>&1 || exit 77\n"
		"a=$2/zsh-offers b=$2/zsh-help\n"
		"zsh -fc '_arguments() { shift 2; print -l -- \"$@\"; }; . cmd/scripts/pystack.zsh' |\n"
		"sed -e 's/^([^)]*)//' -e 's/^\\*//' -e 's/[=:].*//' -e 's/\\[.*//' | grep '^-' | sort -u "
		">$a\n"
		"\"$1\" --help | grep '^  ' | grep -oE '^ +-[a-zA-Z]|--[a-z-]+' | tr -d ' ' | sort -u >$b\n"
		"diff $a $b",
		"sh", spawn_tool(), spawn_folder()));

	if (r.status == 77)
		(void)printf("SKIP: completion for zsh: no zsh\n");
	else
		ck_assert_msg(r.status == 0 && r.out[0] == '\0', "%s%s", r.out, r.err);
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("scripts");
	TCase *c = tcase_create("scripts");

	tcase_add_test(c, missing_packages);
	tcase_add_test(c, counted);
	tcase_set_timeout(c, 150);
	tcase_add_test(c, own_pystack);
	tcase_add_test(c, goals);
	tcase_add_test(c, completion);
	tcase_add_test(c, completion_of_zsh);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
