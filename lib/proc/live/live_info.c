/* Data about a process and its LWPs from small text files of /proc.
 *
 * stat is one line, `pid (name) S ppid …`. The name may hold any bytes, so it ends at the last ')'.
 * status has `Key:\tvalue` lines whose values the kernel escapes. See proc(5). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/again.h"
#include "base/fileio.h"
#include "base/owned.h"
#include "base/refused.h"
#include "proc/live/live.h"

enum {
	STATUS_MAX = 4 << 20,    /* 65536 supplementary groups make the longest line */
	ARGUMENTS_MAX = 8 << 20, /* Linux allows 6 MB */
};

/* ENOENT and ESRCH: the process is gone. */
static enum res absent_or_fail(int *sys)
{
	int error = errno;

	if (sys != NULL)
		*sys = error;
	return error == ENOENT || error == ESRCH ? RES_NONE : RES_FAIL;
}

void live_lwp_path(char *path, lwpid_t id, const char *leaf)
{
	(void)snprintf(path, LIVE_PATH, "task/%d/%s", id, leaf);
}

enum res live_stat_read(int dir, const char *path, struct live_stat *out, int *sys)
{
	char line[1024];
	ssize_t got = fileio_head(dir, path, line, sizeof(line));
	struct live_stat st = { 0 };
	char *open, *close;
	size_t n;

	if (got < 0)
		return absent_or_fail(sys);
	open = strchr(line, '(');
	close = strrchr(line, ')');
	if (sys != NULL)
		*sys = EINVAL;
	if (open == NULL || close == NULL || close < open)
		return RES_FAIL;
	/* Fields 3, 4, 9 and 20. */
	if (sscanf(close + 1, " %c %d %*s %*s %*s %*s %lu %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d",
		&st.state, &st.ppid, &st.flags, &st.nlwp) != 4)
		return RES_FAIL;
	n = (size_t)(close - open - 1);
	if (n >= sizeof(st.comm))
		n = sizeof(st.comm) - 1;
	memcpy(st.comm, open + 1, n);
	*out = st;
	return RES_OK;
}

static void status_line(struct live_status *st, const char *line)
{
	unsigned long long number;
	const char *last;

	if (sscanf(line, "Tgid: %d", &st->tgid) == 1)
		return;
	if (sscanf(line, "TracerPid: %d", &st->tracer) == 1)
		return;
	if (sscanf(line, "Uid: %u %u %u %u", &st->uid[0], &st->uid[1], &st->uid[2], &st->uid[3]) == 4)
		return;
	if (sscanf(line, "CapPrm: %llx", &number) == 1) {
		st->cap_permitted = number;
		return;
	}
	if (sscanf(line, "CapEff: %llx", &number) == 1) {
		st->cap_effective = number;
		return;
	}
	if (sscanf(line, "Seccomp: %d", &st->seccomp) == 1)
		return;
	if (strncmp(line, "NSpid:", 6) == 0) {
		last = strrchr(line, '\t');
		if (last != NULL)
			st->inner = atoi(last + 1);
	}
}

enum res live_status_read(int dir, const char *path, struct live_status *out, int *sys)
{
	OWNED(mem_release) char *text = NULL;
	struct live_status st = { 0 };
	char *line, *rest;
	size_t n;

	if (fileio_slurp(dir, path, STATUS_MAX, &text, &n) != 0)
		return absent_or_fail(sys);
	for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		status_line(&st, line);
	if (st.tgid == 0) {
		if (sys != NULL)
			*sys = EINVAL;
		return RES_FAIL;
	}
	*out = st;
	return RES_OK;
}

/* NULL: there are no more, or they cannot be read, which the exit status tells. */
static const struct dirent *read_entry(DIR *d, unsigned *times)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(d);
	} while (entry == NULL && again_after(errno, times));
	if (entry == NULL && errno != 0)
		refused_file("list", dirfd(d), NULL);
	return entry;
}

enum res live_ids_read(int dir, struct live_ids *ids)
{
	int fd = openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *task;
	const struct dirent *entry;
	unsigned times = 0;
	bool fits = true;

	if (fd < 0)
		return absent_or_fail(NULL);
	task = fdopendir(fd);
	if (task == NULL) {
		(void)close(fd);
		return RES_FAIL;
	}
	while (fits && (entry = read_entry(task, &times)) != NULL) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			fits = vec_push(ids, atoi(entry->d_name));
	}
	(void)closedir(task);
	return fits ? RES_OK : RES_FAIL;
}

enum res live_name(int dir, lwpid_t id, char *buf, size_t n)
{
	char path[LIVE_PATH], comm[64];
	ssize_t got;

	live_lwp_path(path, id, "comm");
	got = fileio_head(dir, path, comm, sizeof(comm));
	if (got < 0)
		return absent_or_fail(NULL);
	if (got > 0 && comm[got - 1] == '\n')
		comm[got - 1] = '\0';
	(void)snprintf(buf, n, "%s", comm);
	return RES_OK;
}

/* Each argument in cmdline ends in a NUL. A program that rewrote its title may have left many NULs
 * at the end. */
static void join_args(psinfo_t *ps, char *args, size_t n)
{
	while (n > 0 && args[n - 1] == '\0')
		n--;
	if (n >= sizeof(ps->pr_psargs))
		n = sizeof(ps->pr_psargs) - 1;
	for (size_t i = 0; i < n; i++)
		ps->pr_psargs[i] = args[i] == '\0' ? ' ' : args[i];
	ps->pr_psargs[n] = '\0';
}

enum res live_stat_of(const struct live *live, struct live_stat *out)
{
	if (!live->checked)
		return live_stat_read(live->dir, "stat", out, NULL);
	*out = live->stat;
	return RES_OK;
}

static enum res status_of(const struct live *live, struct live_status *out)
{
	if (!live->checked)
		return live_status_read(live->dir, "status", out, NULL);
	*out = live->status;
	return RES_OK;
}

enum res live_psinfo(const struct live *live, psinfo_t *out)
{
	struct live_stat st;
	struct live_status status;
	psinfo_t ps = { 0 };
	char args[PRARGSZ * 2];
	ssize_t got;
	enum res r = live_stat_of(live, &st);

	if (r == RES_OK)
		r = status_of(live, &status);
	if (r != RES_OK)
		return r;
	/* nlwp in stat includes a main thread that has exited. */
	ps.pr_nzomb = st.state == 'Z' ? 1 : 0;
	ps.pr_nlwp = st.nlwp - ps.pr_nzomb;
	ps.pr_pid = live->pid;
	ps.pr_ppid = st.ppid;
	ps.pr_uid = status.uid[0];
	ps.pr_euid = status.uid[1];
	ps.pr_dmodel = live_model(live);
	(void)snprintf(ps.pr_fname, sizeof(ps.pr_fname), "%.15s", st.comm);
	ps.pr_lwp.pr_lwpid = live->pid;
	ps.pr_lwp.pr_sname = st.state;
	(void)snprintf(ps.pr_lwp.pr_fname, sizeof(ps.pr_lwp.pr_fname), "%.15s", st.comm);
	got = fileio_head(live->mm_dir, "cmdline", args, sizeof(args));
	if (got > 0)
		join_args(&ps, args, (size_t)got);
	if (ps.pr_psargs[0] == '\0')
		(void)snprintf(ps.pr_psargs, sizeof(ps.pr_psargs), "%s", ps.pr_fname);
	*out = ps;
	return RES_OK;
}

enum res live_arguments(const struct live *live, struct strbuf *out)
{
	OWNED(mem_release) char *args = NULL;
	size_t n;

	if (fileio_slurp(live->mm_dir, "cmdline", ARGUMENTS_MAX, &args, &n) != 0 || n == 0)
		return RES_NONE;
	strbuf_add(out, args, n);
	return out->failed ? RES_NONE : RES_OK;
}

char live_model(const struct live *live)
{
	return arch_of_host(live->is_32bit)->model;
}

/* Types are small: a 64-bit type with a bit in its upper half is really two 32-bit words. */
static bool has_32bit_pairs(const uint8_t *bytes, size_t n)
{
	uint64_t type;

	for (size_t at = 0; at + 2 * sizeof(type) <= n; at += 2 * sizeof(type)) {
		memcpy(&type, bytes + at, sizeof(type));
		if (type >> 32 != 0)
			return true;
	}
	return false;
}

/* auxv holds pairs of words of the program's size. */
enum res live_auxv(const struct live *live, auxv_t **out, int *n, bool *is_32bit)
{
	uint8_t bytes[128 * 2 * sizeof(uint64_t) + 1];
	ssize_t got = fileio_head(live->mm_dir, "auxv", (char *)bytes, sizeof(bytes));
	size_t word, count;
	auxv_t *auxv;

	if (got < 0)
		return absent_or_fail(NULL);
	*is_32bit = has_32bit_pairs(bytes, (size_t)got);
	word = *is_32bit ? sizeof(uint32_t) : sizeof(uint64_t);
	count = (size_t)got / (2 * word);
	if (count == 0)
		return RES_NONE;
	auxv = calloc(count, sizeof(*auxv));
	if (auxv == NULL)
		return RES_FAIL;
	for (size_t i = 0; i < count; i++) {
		memcpy(&auxv[i].a_type, bytes + 2 * i * word, sizeof(auxv[i].a_type));
		memcpy(&auxv[i].a_un.a_val, bytes + (2 * i + 1) * word, word);
	}
	*out = auxv;
	*n = (int)count;
	return RES_OK;
}

/* The meaning of an errno for a process that existed a moment ago. */
int live_code_of_errno(int error)
{
	switch (error) {
	case ENOENT:
	case ESRCH:
		return G_NOPROC;
	case EACCES:
	case EPERM:
		return G_PERM;
	case EMFILE:
	case ENFILE:
		return G_NOFD;
	default:
		return G_STRANGE;
	}
}
