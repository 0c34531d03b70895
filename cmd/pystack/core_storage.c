/* See core_storage.h. Names of files: systemd src/coredump/coredump.c, make_filename(); in the
 * program's name it escapes dots, slashes, spaces and backslashes as \xNN. */
#include "core_storage.h"
#include "warn.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "base/strbuf.h"

enum { FIELDS = 6, HEX = 16, US = 1000000 };

/* Undo the escapes of [at, end). False: it does not fit. */
static bool unescape_field(const char *at, const char *end, char *out, size_t room)
{
	size_t n = 0;

	while (at < end && n + 1 < room) {
		char hex[3] = "";

		if (end - at >= 4 && at[0] == '\\' && at[1] == 'x' && isxdigit((unsigned char)at[2]) &&
		    isxdigit((unsigned char)at[3])) {
			memcpy(hex, at + 2, 2);
			out[n++] = (char)strtoul(hex, NULL, HEX);
			at += 4;
		} else
			out[n++] = *at++;
	}
	out[n] = '\0';
	return at == end && n > 0 && strlen(out) == n;
}

/* The whole of [at, end) as a number. */
static bool parse_field(const char *at, const char *end, uint64_t *out)
{
	char *stop;

	if (at == end || !isdigit((unsigned char)*at))
		return false;
	errno = 0;
	*out = strtoull(at, &stop, 10);
	return errno == 0 && stop == end;
}

bool stored_core_parse(const char *file, struct stored_core *out)
{
	const char *field[FIELDS + 1] = { file };
	uint64_t uid, pid;
	size_t n = 1;

	for (const char *dot = strchr(file, '.'); dot != NULL && n < FIELDS; dot = strchr(dot + 1, '.'))
		field[n++] = dot + 1;
	if (n < FIELDS || strncmp(file, "core.", 5) != 0)
		return false;
	field[FIELDS] = field[FIELDS - 1] + strcspn(field[FIELDS - 1], ".") + 1;
	if (!unescape_field(field[1], field[2] - 1, out->program, sizeof(out->program)) ||
	    !parse_field(field[2], field[3] - 1, &uid) || !parse_field(field[4], field[5] - 1, &pid) ||
	    !parse_field(field[5], field[6] - 1, &out->us))
		return false;
	out->uid = (unsigned long)uid;
	out->pid = (unsigned long)pid;
	return true;
}

bool stored_core_is(const struct stored_core *core, const char *which)
{
	size_t n = strlen(which), had = strlen(core->program);
	uint64_t pid;

	if (strcmp(which, "last") == 0)
		return true;
	if (parse_field(which, which + n, &pid))
		return core->pid == pid;
	if (n >= CORE_PROGRAM) /* the kernel has cut it */
		return had == CORE_PROGRAM - 1 && strncmp(core->program, which, had) == 0;
	return strncmp(core->program, which, n) == 0 && strspn(core->program + n, "0123456789.") == had - n;
}

/* The newest, and how many there are. */
struct search {
	struct stored_core newest;
	char *file; /* owned */
	size_t n;
	bool failed; /* out of memory */
};

static void consider_core(struct search *s, const char *file, const char *which)
{
	struct stored_core core;

	if (!stored_core_parse(file, &core) || !stored_core_is(&core, which))
		return;
	if (s->n++ != 0 && core.us <= s->newest.us)
		return;
	free(s->file);
	s->file = strdup(file);
	s->failed |= s->file == NULL;
	s->newest = core;
}

static void put_quoted(struct strbuf *out, const char *text)
{
	escape_text(out, text, strlen(text), false);
}

static void print_chosen(const struct search *s, const char *which, const char *path)
{
	struct strbuf line = STRBUF_EMPTY;
	char when[64] = "?";
	time_t at = (time_t)(s->newest.us / US);
	struct tm tm;

	if (localtime_r(&at, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	strbuf_str(&line, "pystack: --coredump ");
	put_quoted(&line, which);
	strbuf_str(&line, ": ");
	put_quoted(&line, s->newest.program);
	strbuf_fmt(&line, ", pid %lu, user %lu, %s", s->newest.pid, s->newest.uid, when);
	if (s->n > 1)
		strbuf_fmt(&line, ", the last of %zu", s->n);
	strbuf_str(&line, ": ");
	put_quoted(&line, path);
	(void)fprintf(stderr, "%s\n", strbuf_text(&line));
	strbuf_free(&line);
}

char *core_storage_find(const char *sysroot, const char *which)
{
	struct strbuf path = STRBUF_EMPTY;
	struct search s = { .file = NULL };
	const struct dirent *e;
	DIR *dir;

	strbuf_fmt(&path, "%s" CORE_STORAGE, sysroot == NULL ? "" : sysroot);
	dir = opendir(strbuf_text(&path));
	if (dir == NULL)
		warn_line("--coredump: %s: %s", strbuf_text(&path), strerror(errno));
	while (dir != NULL && (e = readdir(dir)) != NULL)
		consider_core(&s, e->d_name, which);
	if (dir != NULL) {
		(void)closedir(dir);
		if (s.n == 0)
			warn_line("--coredump %s: no such core in %s", which, strbuf_text(&path));
	}
	if (s.file != NULL) {
		strbuf_fmt(&path, "/%s", s.file);
		print_chosen(&s, which, strbuf_text(&path));
	}
	s.failed |= path.failed;
	if (s.failed)
		(void)fputs("pystack: --coredump: out of memory\n", stderr);
	if (s.file == NULL || s.failed)
		strbuf_free(&path);
	free(s.file);
	return path.at;
}
