/* See core_open.h. */
#include "core_open.h"

#include <elf.h>
#include <errno.h>
#include <libproc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/again.h"
#include "base/fileio.h"
#include "base/owned.h"
#include "core_progress.h"
#include "core_spool.h"
#include "core_unpack.h"
#include "os/images.h"
#include "warn.h"

enum { CHUNK = 1 << 17 };

/* A core on its way: where it is, and what is told about it. */
struct opening {
	struct core_open *out;
	const char *name;
	int fd;
	uid_t user; /* whose it is: this limits which files it may name */
	gid_t group;
};

/* Say what is missing from the core, before anything that follows from it. */
static void warn_core_part(const struct opening *o, const struct fault *why)
{
	warn_record(
	    &(struct record_warning){ .code = WARN_CORE_PART, .operand = o->name, .detail = why->text });
	o->out->partly = true;
}

static enum stream_format format_at(int fd)
{
	char head[STREAM_MAGIC];
	ssize_t got = fileio_pread(fd, head, sizeof(head), 0);

	return got < 0 ? STREAM_NONE : stream_format_of(head, (size_t)got);
}

static bool is_elf(int fd)
{
	char head[SELFMAG];

	return fileio_pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
	       memcmp(head, ELFMAG, SELFMAG) == 0;
}

/* Replace the compressed file by what is in it. */
static bool unpack_core(struct opening *o, enum stream_format format)
{
	struct fault why = { 0 };
	struct spool spool;
	enum res res;
	bool empty;

	if (spool_create(&spool, &o->out->why) != RES_OK)
		return false;
	res = core_unpack(o->fd, format, o->name, &spool, &why);
	fd_release(&o->fd);
	o->fd = -1;
	if (res != RES_FAIL && !spool_finish(&spool, &o->fd) && res == RES_OK) {
		why = spool.why;
		res = RES_NONE;
	}
	empty = spool.size == 0;
	spool_release(&spool);
	/* Without a file the compressed one would be opened, and be said to be compressed. */
	if (res != RES_FAIL && empty) {
		(void)fault_set(&o->out->why, 0, 0, 0, "nothing of the core is in it%s%s",
		    res == RES_OK ? "" : ": ", res == RES_OK ? "" : why.text);
		return false;
	}
	if (res == RES_OK && !is_elf(o->fd)) {
		(void)fault_set(&why, 0, 0, 0, "what is compressed in it is not an ELF core");
		res = RES_FAIL;
	}
	if (res == RES_NONE)
		warn_core_part(o, &why);
	else if (res == RES_FAIL)
		o->out->why = why;
	return res != RES_FAIL;
}

static bool open_packed(const char *typed, struct opening *o)
{
	char *path = strdup(typed), *slash = path == NULL ? NULL : strrchr(path, '/');

	o->name = o->out->name = path;
	o->fd = path == NULL ? -1 : os_open_regular(path);
	if (o->fd < 0 && slash != NULL && slash != path && proc_lwp_range_valid(slash + 1) == 0) {
		*slash = '\0';
		o->fd = os_open_regular(path);
		o->out->lwps = typed + (slash - path) + 1;
	}
	if (o->fd >= 0)
		os_core_owner(o->fd, &o->user, &o->group);
	return o->fd >= 0;
}

bool core_is_stdin(const char *typed)
{
	return typed[0] == '-' && (typed[1] == '\0' || typed[1] == '/');
}

/* Copy what comes through the pipe at fd to `to`. False: nothing can be read. */
static bool take_pipe(int fd, const char *name, struct spool *to, struct fault *why)
{
	OWNED(mem_release) char *chunk = malloc(CHUNK);
	struct progress progress;
	unsigned times = 0;
	ssize_t got;

	if (chunk == NULL)
		return fault_memory(why) == RES_OK;
	progress_begin(&progress, name);
	do {
		got = read(fd, chunk, CHUNK);
		if (got > 0 && !spool_put(to, chunk, (size_t)got))
			break;
		progress_show(&progress, to->size, 0, 0);
	} while (got > 0 || (got < 0 && again_after(errno, &times)));
	progress_end(&progress);
	if (got >= 0)
		return true;
	(void)fault_set(why, 0, errno, 0, "it cannot be read: %s", strerror(errno));
	return false;
}

/* Standard input as a file that can be read from its start: itself, or a copy. */
static bool open_input(struct opening *o)
{
	struct fault *why = &o->out->why;
	struct spool spool;
	struct stat st;

	o->name = CORE_STDIN;
	if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode) && lseek(STDIN_FILENO, 0, SEEK_CUR) == 0) {
		o->fd = dup(STDIN_FILENO);
		if (o->fd < 0)
			return fault_set(why, 0, errno, 0, "%s", strerror(errno)) == RES_OK;
		os_core_owner(o->fd, &o->user, &o->group);
		return true;
	}
	if (isatty(STDIN_FILENO) == 1)
		return fault_set(why, 0, 0, 0, "it is a terminal, not a core") == RES_OK;
	if (spool_create(&spool, why) != RES_OK)
		return false;
	if (take_pipe(STDIN_FILENO, o->name, &spool, why) && !spool_finish(&spool, &o->fd))
		warn_core_part(o, &spool.why);
	spool_release(&spool);
	return o->fd >= 0;
}

static enum core_opened open_stdin(const char *typed, bool text, struct opening *o)
{
	if (typed[1] == '/') {
		o->out->lwps = typed + 2;
		o->out->why.code = proc_lwp_range_valid(o->out->lwps) != 0 ? G_BADLWPS : 0;
	}
	if (o->out->why.code != 0 || !open_input(o))
		return CORE_REFUSED;
	if (is_elf(o->fd) || format_at(o->fd) != STREAM_NONE)
		return CORE_OPENED;
	if (text) {
		o->out->text = fd_keep(&o->fd);
		return CORE_TEXT;
	}
	(void)fault_set(&o->out->why, 0, 0, 0, "it is not a core");
	return CORE_REFUSED;
}

/* What the operand is, in o->fd. */
static enum core_opened open_any(const char *typed, bool text, struct opening *o)
{
	bool input = core_is_stdin(typed);
	enum core_opened opened = CORE_OPENED;
	enum stream_format format;

	if (input)
		opened = open_stdin(typed, text, o);
	else if (!open_packed(typed, o))
		return CORE_OTHER;
	if (opened != CORE_OPENED)
		return opened;
	format = format_at(o->fd);
	if (format == STREAM_NONE)
		return input ? CORE_OPENED : CORE_OTHER;
	return unpack_core(o, format) ? CORE_OPENED : CORE_REFUSED;
}

enum core_opened core_grab(const char *typed, const char *aout, bool text, struct core_open *out)
{
	struct opening o = { .out = out, .fd = -1, .user = OS_NOBODYS };
	enum core_opened opened;
	int code = 0;

	*out = (struct core_open){ .text = -1 };
	opened = open_any(typed, text, &o);
	if (opened == CORE_OPENED) {
		out->P = os_grab_core(fd_keep(&o.fd), aout, o.user, o.group, &code);
		out->why.code = code;
		if (out->P == NULL)
			opened = CORE_REFUSED;
	}
	fd_release(&o.fd);
	return opened;
}
