/* Files of tracefs. */
#include "probe/probe_tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "probe/probe_text.h"

enum {
	FORMAT_MAX = 256 << 10, /* bytes of a description */
	LIST_MAX = 16 << 20,    /* and of the list of events */
};

static enum res refuse_file(const char *path, int error, struct fault *f)
{
	if (error == EACCES || error == EPERM)
		return fault_set(f, 0, error, 0,
		    "%s needs root, or this command as root: mount -o remount,mode=750,gid=%u %s", path,
		    (unsigned)getegid(), path);
	return fault_set(f, 0, error, 0, "%s: %s", path, strerror(error));
}

enum res probe_tracefs_open_at(const char *const *paths, size_t n, struct probe_tracefs *out, struct fault *f)
{
	const char *locked = NULL;
	int error = ENOENT;

	for (size_t i = 0; i < n; i++) {
		OWNED(fd_release) int dir = open(paths[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (dir >= 0 && faccessat(dir, "events", X_OK, AT_EACCESS) == 0) {
			*out = (struct probe_tracefs){ fd_keep(&dir), paths[i] };
			return RES_OK;
		}
		if (locked == NULL && errno != ENOENT && errno != ENOTDIR) {
			locked = paths[i];
			error = errno;
		}
	}
	if (locked != NULL)
		return refuse_file(locked, error, f);
	if (n > 0 && access(paths[0], F_OK) == 0)
		return fault_set(f, 0, ENOENT, 0,
		    "tracefs is not mounted; this command as root mounts it: mount -t tracefs tracefs %s",
		    paths[0]);
	return fault_set(f, 0, ENOENT, 0, "this kernel has no tracefs, and so no tracepoints by name");
}

enum res probe_tracefs_open(struct probe_tracefs *out, struct fault *f)
{
	static const char *const paths[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

	return probe_tracefs_open_at(paths, sizeof(paths) / sizeof(paths[0]), out, f);
}

void probe_tracefs_close(struct probe_tracefs *t)
{
	fd_release(&t->dir);
	t->dir = -1;
}

enum res probe_tracefs_find(const struct probe_tracefs *t, const char *category, const char *event,
    struct probe_tracepoint *out, struct fault *f)
{
	char path[2 * PROBE_NAME_MAX + sizeof("events///format")];
	OWNED(mem_release) char *text = NULL;
	size_t n;

	/* A name with a slash or a dot would lead elsewhere. */
	if (strlen(category) > PROBE_NAME_MAX || strlen(event) > PROBE_NAME_MAX ||
	    !probe_text_is_name(category, strlen(category), "-") ||
	    !probe_text_is_name(event, strlen(event), "-"))
		return RES_NONE;
	(void)snprintf(path, sizeof(path), "events/%s/%s/format", category, event);
	if (fileio_slurp(t->dir, path, FORMAT_MAX, &text, &n) != 0)
		return errno == ENOENT || errno == ENOTDIR ? RES_NONE : refuse_file(t->path, errno, f);
	return probe_tracefs_parse(text, n, out, f);
}

enum res probe_tracefs_each(
    const struct probe_tracefs *t, probe_tracepoint_fn *fn, void *data, struct fault *f)
{
	OWNED(mem_release) char *text = NULL;
	size_t n;

	if (fileio_slurp(t->dir, "available_events", LIST_MAX, &text, &n) != 0)
		return refuse_file(t->path, errno, f);
	for (char *line = text, *end; line < text + n; line = end + 1) {
		char *colon;

		end = line + strcspn(line, "\n");
		*end = '\0';
		colon = strchr(line, ':');
		if (colon == NULL)
			continue;
		*colon = '\0';
		if (!probe_text_is_name(line, (size_t)(colon - line), "-") || colon - line > PROBE_NAME_MAX ||
		    !probe_text_is_name(colon + 1, (size_t)(end - colon - 1), "-") ||
		    end - colon - 1 > PROBE_NAME_MAX)
			continue;
		if (!fn(data, line, colon + 1))
			break;
	}
	return RES_OK;
}
