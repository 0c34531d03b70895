/* See json_lines.h. */
#include "support/json_lines.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/spawn_files.h"

/* Of a text of more bytes, which is that of a deep stack, there is no JSON: it is ten times as long. */
enum { ARGS_MAX = 30, SKIPPED = 77, TEXT_MAX = 2 << 20 };

/* Empty: nothing is collected. */
static char folder[PATH_MAX];

/* Collect the JSON of what run_tool shows. */
static bool of_tool;

/* Run a command before or after the tests, where libcheck does not let run_program be called.
 * Returns its exit status. */
static int shell(const char *command)
{
	int status;

	(void)fflush(stdout);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void json_lines_begin(bool all)
{
	char command[2 * PATH_MAX];

	(void)snprintf(command, sizeof(command), "'%s' --version | grep -q 'with jansson'", spawn_tool());
	if (shell(command) != 0) {
		(void)puts("SKIP: JSON of what the tool is shown: built without jansson");
		return;
	}
	(void)snprintf(folder, sizeof(folder), "%s/json", spawn_folder());
	of_tool = all;
	if (mkdir(folder, 0700) != 0)
		folder[0] = '\0';
}

static void write_file(const char *name, int flags, const char *text)
{
	char path[PATH_MAX + 64];
	size_t n = strlen(text);
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
	ck_assert_int_ge(fd, 0);
	/* One call, so that lines of tests that run at the same time are not mixed. */
	ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
	(void)close(fd);
}

void json_lines_add(const char *lines)
{
	if (folder[0] != '\0')
		write_file("lines", O_APPEND, lines);
}

bool json_lines_collected(void)
{
	return folder[0] != '\0';
}

/* Options with which the output is something else, or which would take long again. */
static bool is_left_out(const char *arg)
{
	static const char *const starts[] = { "-o", "-i", "-d", "-N", "--at", "--list", "--help", "--version",
		"--output", "--interval", "--idle", "--when", "--min" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (strncmp(arg, starts[i], strlen(starts[i])) == 0)
			return true;
	}
	return false;
}

/* Keep text and JSON of the same core for the comparison. */
static void keep_pair(const char *json, const struct run *r, bool qualified)
{
	static unsigned n;
	char name[64];

	n++;
	(void)snprintf(name, sizeof(name), "%d-%u.json", (int)getpid(), n);
	write_file(name, O_TRUNC, json);
	(void)snprintf(name, sizeof(name), "%d-%u.text", (int)getpid(), n);
	write_file(name, O_TRUNC, r->out);
	(void)snprintf(name, sizeof(name), "%d-%u.options", (int)getpid(), n);
	write_file(name, O_TRUNC, qualified ? "v" : "");
}

void json_lines_shown(const struct run_options *opt, const char *const args[], const struct run *r)
{
	const char *argv[ARGS_MAX + 4] = { spawn_tool(), "-o", "json" };
	bool qualified = false, counting = false;
	struct run json;
	size_t n = 0;

	if (folder[0] == '\0' || !of_tool || r->status < 0 || r->status > 2 || strlen(r->out) > TEXT_MAX)
		return;
	for (; args[n] != NULL && n < ARGS_MAX; n++) {
		if (is_left_out(args[n]))
			return;
		if (args[n][0] == '-' && args[n][1] != '-') {
			qualified |= strchr(args[n], 'v') != NULL;
			counting |= strchr(args[n], 'c') != NULL;
		}
		argv[n + 3] = args[n];
	}
	json = run_program(opt, argv);
	json_lines_add(json.out);
	if (!counting && r->status != 2 && strstr(json.out, "\"kind\":\"core\"") != NULL) {
		ck_assert_int_eq(json.status, r->status);
		ck_assert_str_eq(json.err, r->err);
		keep_pair(json.out, r, qualified);
	}
	run_free(&json);
}

bool json_lines_are_right(void)
{
	char command[4 * PATH_MAX], lines[PATH_MAX + 16];
	bool right = true;
	int status;

	(void)snprintf(lines, sizeof(lines), "%s/lines", folder);
	if (folder[0] == '\0' || access(lines, F_OK) != 0)
		return true;
	(void)snprintf(command, sizeof(command),
	    "/usr/bin/python3 '%s/../json/check.py' '%s/../../lib/report/pystack.schema.json' '%s'",
	    spawn_programs(), spawn_programs(), lines);
	status = shell(command);
	if (status == SKIPPED)
		(void)puts("SKIP: JSON is not validated: python3-jsonschema is missing");
	else
		right = status == 0;
	(void)snprintf(
	    command, sizeof(command), "/usr/bin/python3 '%s/../json/text.py' '%s'", spawn_programs(), folder);
	return shell(command) == 0 && right;
}
