/* The way to a file, and the child that copies it. */
#include "proc/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/owned.h"
#include "base/refused.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "proc/aside.h"
#include "proc/stored.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* Linux 5.12, include/uapi/linux/openat2.h */
#endif

enum { PIECE = 256 << 10 }; /* bytes copied between two signs of life */

const struct reach reach_here = { .proc = -1, .root = -1, .prefix = "", .ms = REACH_MS };

void reach_clear(struct reach *r)
{
	mounts_clear(&r->table);
	mounts_clear(&r->own);
	aside_reap(&r->left);
	vec_free(&r->left);
}

/* --- look-ups, which open nothing --- */

/* O_PATH descriptor of path. flags: O_NOFOLLOW or 0; resolve: additional rules for links. */
static int open_by_path(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (unsigned)(O_PATH | O_CLOEXEC | flags), .resolve = resolve };
	long fd;

	if (root >= 0)
		how.resolve |= RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	fd = syscall(SYS_openat2, root >= 0 ? root : AT_FDCWD, path, &how, sizeof(how));
	if (fd < 0 && errno == ENOSYS && resolve == 0) {
		/* Before Linux 5.6 absolute links lead out of the root. The caller compares the
		 * file. */
		while (root >= 0 && *path == '/')
			path++;
		fd = openat(
		    root >= 0 ? root : AT_FDCWD, *path == '\0' ? "." : path, O_PATH | O_CLOEXEC | flags);
	}
	return (int)fd;
}

/* Read the kernel's cached attributes of an O_PATH descriptor's file. No server is asked. */
static bool identify_file(int fd, struct reach_file *file)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &st) != 0)
		return false;
	file->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	file->inode = st.stx_ino;
	file->mode = st.stx_mode & S_IFMT;
	return true;
}

/* Open the O_PATH descriptor's file for reading. */
static int reopen_file(int path_fd)
{
	char self[32];

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	return open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* --- mounts --- */

static void read_own_table(struct reach *r)
{
	if (!r->own_tabled)
		(void)mounts_read(AT_FDCWD, "/proc/self/mountinfo", &r->own);
	r->own_tabled = true;
}

static bool has_own_mounts(const struct reach *r)
{
	struct stat its, ours;

	return fstatat(r->proc, "ns/mnt", &its, 0) != 0 || stat("/proc/self/ns/mnt", &ours) != 0 ||
	       its.st_ino != ours.st_ino;
}

static void read_table(struct reach *r)
{
	if (r->tabled)
		return;
	r->tabled = true;
	if (r->proc < 0) {
		(void)mounts_read(AT_FDCWD, "/proc/self/mountinfo", &r->table);
		return;
	}
	(void)mounts_read(r->proc, "mountinfo", &r->table);
	/* The layers of a container's root have the machine's paths, not the container's. */
	if (r->table.overlays && has_own_mounts(r)) {
		read_own_table(r);
		mounts_judge_overlays(&r->table, &r->own);
	}
}

/* Is it the device of this process's root? That one answered when this program was started. */
static bool is_near(struct reach *r, uint64_t dev)
{
	struct statx st;

	if (major(dev) == 0)
		return false;
	if (r->near == 0)
		r->near = statx(AT_FDCWD, "/", AT_STATX_DONT_SYNC, STATX_TYPE, &st) == 0
			      ? makedev(st.stx_dev_major, st.stx_dev_minor)
			      : UINT64_MAX;
	return r->near == dev;
}

/* Memory files are in a kernel file system that is mounted nowhere. */
static bool is_shared_memory(struct reach *r, uint64_t dev)
{
	OWNED(fd_release) int fd = -1;
	struct stat st;

	if (r->shared == 0) {
		fd = memfd_create("pystack", MFD_CLOEXEC);
		r->shared = fd >= 0 && fstat(fd, &st) == 0 ? st.st_dev : UINT64_MAX;
	}
	return r->shared == dev;
}

/* The mount of a device: one that the process sees, or else one that this process sees (files of an
 * overlay are in another file system). */
static struct mount *mount_of_dev(struct reach *r, uint64_t dev)
{
	struct mount *m;

	read_table(r);
	m = mounts_of_dev(&r->table, dev);
	if (m == NULL && r->proc >= 0)
		read_own_table(r);
	return m != NULL ? m : mounts_of_dev(&r->own, dev);
}

/* If the table is empty, as without /proc, no device is known to wait. */
bool reach_dev_waits(struct reach *r, uint64_t dev)
{
	const struct mount *m;

	if (dev == 0 || is_near(r, dev))
		return false;
	m = mount_of_dev(r, dev);
	if (m != NULL)
		return m->waits;
	return major(dev) == 0 && r->table.at.n != 0 && !is_shared_memory(r, dev);
}

bool reach_dev_silent(struct reach *r, uint64_t dev)
{
	const struct mount *m = mount_of_dev(r, dev);

	return m != NULL ? m->silent : r->unnamed.silent;
}

/* The mount of a path without links and ".."; NULL: unknown. */
static struct mount *mount_of_path(struct reach *r, const char *path)
{
	OWNED(strbuf_free) struct strbuf whole = STRBUF_EMPTY;
	char cwd[PATH_MAX];

	for (const char *at = strstr(path, ".."); at != NULL; at = strstr(at + 2, "..")) {
		if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0'))
			return NULL;
	}
	if (path[0] != '/') {
		if (r->root >= 0 || getcwd(cwd, sizeof(cwd)) == NULL)
			return NULL;
		strbuf_fmt(&whole, "%s/", cwd);
	} else if (r->root >= 0) {
		strbuf_str(&whole, r->prefix);
	}
	strbuf_str(&whole, path);
	return whole.failed ? NULL : mounts_of_path(&r->table, strbuf_text(&whole));
}

/* --- the child --- */

struct errand {
	const char *name; /* of the file, for notices */
	const char *path; /* looked up by the child; NULL: ASIDE_IN is the file */
	bool rooted;      /* ASIDE_IN is the root of path */
	enum { LOOK, TRY, COPY } what;
	uint64_t most; /* bytes that may be copied */
};

enum { NEWS_GOES_ON, NEWS_DONE, NEWS_FAILED };

struct news {
	int what, error;
	uint64_t copied;
	struct reach_file file;
};

/* Copy fd to ASIDE_OUT, with a sign of life after each piece. Returns 0 or an errno. */
static int copy_all(int fd, off_t size)
{
	const struct news alive = { .what = NEWS_GOES_ON };
	ssize_t got = 1;

	for (off_t done = 0; got > 0 && done < size; done += got) {
		got = sendfile(ASIDE_OUT, fd, NULL, PIECE);
		if (got < 0)
			return errno;
		if (!aside_say(&alive, sizeof(alive)))
			return EPIPE;
	}
	return 0;
}

/* Does a read of fd get an answer? Returns 0 or an errno. */
static int try_read(int fd)
{
	char byte;

	return pread(fd, &byte, 1, 0) < 0 ? errno : 0;
}

static int do_errand(const struct errand *e, struct news *news)
{
	int path_fd = e->path == NULL ? ASIDE_IN : open_by_path(e->rooted ? ASIDE_IN : -1, e->path, 0, 0);
	int fd, error;
	struct stat st;

	if (path_fd < 0 || fstat(path_fd, &st) != 0)
		return errno;
	news->file = (struct reach_file){ st.st_dev, st.st_ino, st.st_mode & S_IFMT };
	if (e->what == LOOK)
		return 0;
	if (stored_check(path_fd, &st) != 0)
		return errno;
	if (e->what == COPY && (uint64_t)st.st_size > e->most)
		return EFBIG;
	fd = reopen_file(path_fd);
	if (fd < 0)
		return errno;
	error = e->what == TRY ? try_read(fd) : copy_all(fd, st.st_size);
	news->copied = e->what == TRY ? 0 : (uint64_t)st.st_size;
	/* On some file systems close(2) waits for the server. That must not happen at exit, for
	 * which the parent waits. */
	(void)close(fd);
	return error;
}

static void run_errand(void *data)
{
	struct news news = { .what = NEWS_FAILED };

	news.error = do_errand(data, &news);
	news.what = news.error == 0 ? NEWS_DONE : NEWS_FAILED;
	(void)aside_say(&news, sizeof(news));
}

/* Without an answer, no other file of the same device will get one either. */
static void fall_silent(struct reach *r, struct mount *m, const char *name, uint64_t va)
{
	m->silent = true;
	if (m == &r->unnamed) {
		(void)snprintf(r->unnamed_at, sizeof(r->unnamed_at), "%s", name);
		r->unnamed_va = va;
	}
	for (size_t i = 0; m != &r->unnamed && i < r->table.at.n; i++)
		r->table.at.at[i].silent |= r->table.at.at[i].dev == m->dev;
	for (size_t i = 0; m != &r->unnamed && i < r->own.at.n; i++)
		r->own.at.at[i].silent |= r->own.at.at[i].dev == m->dev;
}

void reach_dev_fall_silent(struct reach *r, uint64_t dev, uint64_t va)
{
	struct mount *m = mount_of_dev(r, dev);

	fall_silent(r, m != NULL ? m : &r->unnamed, "", va);
}

static void inherit_silent(struct reach *r, const struct mounts *from)
{
	for (size_t i = 0; i < from->at.n; i++) {
		struct mount *m = from->at.at[i].silent ? mount_of_dev(r, from->at.at[i].dev) : NULL;

		if (m != NULL)
			fall_silent(r, m, "", 0);
	}
}

void reach_inherit(struct reach *r, struct reach *from)
{
	inherit_silent(r, &from->table);
	inherit_silent(r, &from->own);
	r->unnamed = from->unnamed;
	memcpy(r->unnamed_at, from->unnamed_at, sizeof(r->unnamed_at));
	r->unnamed_va = from->unnamed_va;
	r->left = from->left;
	from->left = (struct aside_left)VEC_EMPTY;
}

/* Is at[i] the first mount of its device? */
static bool is_first(const struct mounts *m, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (m->at.at[k].dev == m->at.at[i].dev)
			return false;
	}
	return true;
}

/* The i-th silent one of a table. i is counted down by the others; NULL: there are fewer. */
static const struct mount *silent_of(const struct mounts *m, size_t *i)
{
	for (size_t k = 0; k < m->at.n; k++) {
		if (m->at.at[k].silent && is_first(m, k) && (*i)-- == 0)
			return &m->at.at[k];
	}
	return NULL;
}

bool reach_unanswered(const struct reach *r, size_t i, struct notice *out)
{
	const struct mount *m = silent_of(&r->table, &i);

	if (m == NULL)
		m = silent_of(&r->own, &i);
	*out = (struct notice){ .failed = true, .count = { (uint64_t)r->ms } };
	if (m != NULL) {
		out->code = NOTICE_SILENT;
		out->file = m->point;
		out->type = m->type;
		out->source = m->source;
	} else if (r->unnamed.silent && i == 0) {
		out->code = NOTICE_SILENT_UNKNOWN;
		out->file = r->unnamed_at[0] != '\0' ? r->unnamed_at : NULL;
		out->va = r->unnamed_va;
	} else {
		return false;
	}
	return true;
}

/* The child could not be started or has failed, which no call of this process shows. Returns -1 and
 * keeps errno. */
static int errand_failed(const struct errand *e, int in)
{
	refused_file("open", in, e->path);
	return -1;
}

/* Send a child for a file of mount m (NULL: unknown), starting at descriptor `in`. Returns a
 * descriptor of the copy, or 0 if none is wanted; -1 with errno. */
static int send_out(struct reach *r, struct mount *m, int in, struct errand *e, struct reach_file *file)
{
	OWNED(fd_release) int copy = -1;
	struct news news = { .what = NEWS_GOES_ON };
	enum aside_heard heard = ASIDE_HEARD;
	struct aside a;

	m = m == NULL ? &r->unnamed : m;
	if (m->silent) {
		r->late = true;
		errno = ETIMEDOUT;
		return -1;
	}
	e->most = REACH_COPIES_MAX - r->copied;
	if (e->most > REACH_COPY_MAX)
		e->most = REACH_COPY_MAX;
	if (e->what == COPY) {
		copy = memfd_create("pystack", MFD_CLOEXEC);
		if (copy < 0)
			return errand_failed(e, in);
	}
	aside_reap(&r->left);
	if (!aside_start(&a, in, copy, run_errand, e))
		return errand_failed(e, in);
	while (heard == ASIDE_HEARD && news.what == NEWS_GOES_ON)
		heard = aside_hear(&a, &news, sizeof(news), r->ms);
	/* A child that has failed reports it as its last act, so it is waited for too. */
	aside_end(&a, heard == ASIDE_HEARD, &r->left);
	if (heard == ASIDE_LATE) {
		fall_silent(r, m, e->name, 0);
		r->late = true;
		errno = ETIMEDOUT;
		return -1;
	}
	if (heard != ASIDE_HEARD || news.what != NEWS_DONE) {
		errno = heard == ASIDE_HEARD ? news.error : EIO;
		return errand_failed(e, in);
	}
	r->copied += news.copied;
	if (file != NULL)
		*file = news.file;
	return e->what == COPY ? fd_keep(&copy) : 0;
}

/* --- ways to a file --- */

/* O_PATH descriptor of a file for which nothing is waited for. -1: *far is set if a child must go,
 * to a file of mount *m (NULL: unknown), else errno is set. */
static int look_near(struct reach *r, const char *path, struct reach_file *file, bool *far, struct mount **m)
{
	OWNED(fd_release) int fd = open_by_path(r->root, path, 0, RESOLVE_CACHED);

	*far = false;
	if (fd < 0 && errno != EAGAIN && errno != EINVAL && errno != ENOSYS)
		return -1;
	if (fd >= 0 && identify_file(fd, file)) {
		if (is_near(r, file->dev))
			return fd_keep(&fd);
		read_table(r);
		*m = mounts_of_dev(&r->table, file->dev);
		if (*m != NULL ? !(*m)->waits : major(file->dev) != 0)
			return fd_keep(&fd);
	}
	fd_release(&fd);
	fd = -1;
	read_table(r);
	*m = NULL;
	if (!r->table.waits) {
		fd = open_by_path(r->root, path, 0, 0);
	} else {
		*m = mount_of_path(r, path);
		*far = *m == NULL || (*m)->waits;
		if (*far)
			return -1;
		fd = open_by_path(r->root, path, 0, RESOLVE_NO_SYMLINKS);
		if (fd < 0 && (errno == ELOOP || errno == ENOSYS)) {
			*far = true;
			*m = NULL;
		}
	}
	return fd >= 0 && identify_file(fd, file) ? fd_keep(&fd) : -1;
}

/* May the file be opened? Nothing is waited for. */
static bool is_stored(int path_fd, const struct reach_file *file)
{
	struct stat st;

	if (S_ISREG(file->mode))
		return major(file->dev) != 0 || stored_check(path_fd, &st) == 0;
	errno = EINVAL;
	return false;
}

/* Open it once more, by its name. */
static int reopen_by_name(const struct reach *r, const char *path, const struct reach_file *is)
{
	struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };
	OWNED(fd_release) int fd = -1;
	struct reach_file now;

	if (r->root >= 0)
		how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	fd = r->root < 0 ? open(path, (int)how.flags)
			 : (int)syscall(SYS_openat2, r->root, path, &how, sizeof(how));
	if (fd < 0)
		return -1;
	/* The file was replaced between the two calls, so another one may have been opened. */
	if (identify_file(fd, &now) && S_ISREG(now.mode) && now.dev == is->dev && now.inode == is->inode)
		return fd_keep(&fd);
	errno = EINVAL;
	return -1;
}

static int open_by(struct reach *r, struct errand *e, const char *path, struct reach_file *file)
{
	struct mount *m;
	bool far;
	OWNED(fd_release) int path_fd = -1;
	int fd;

	r->late = false;
	path_fd = look_near(r, path, file, &far, &m);
	if (path_fd < 0 && far) {
		fd = send_out(r, m, r->root, e, file);
		return fd < 0 || e->what == COPY ? fd : reopen_by_name(r, path, file);
	}
	if (path_fd < 0 || !is_stored(path_fd, file))
		return -1;
	fd = reopen_file(path_fd);
	/* /proc may not be mounted. */
	return fd < 0 && errno == ENOENT ? reopen_by_name(r, path, file) : fd;
}

int reach_open(struct reach *r, const char *path, struct reach_file *file)
{
	struct errand e = { .name = path, .path = path, .rooted = r->root >= 0, .what = COPY };
	struct reach_file found;

	return open_by(r, &e, path, file == NULL ? &found : file);
}

int reach_open_itself(struct reach *r, const char *path, struct reach_file *file)
{
	struct errand e = { .name = path, .path = path, .rooted = r->root >= 0, .what = TRY };
	struct reach_file found;

	return open_by(r, &e, path, file == NULL ? &found : file);
}

bool reach_look(struct reach *r, const char *path, struct reach_file *file)
{
	struct errand e = { .name = path, .path = path, .rooted = r->root >= 0 };
	struct mount *m;
	bool far;
	OWNED(fd_release) int path_fd = -1;

	r->late = false;
	path_fd = look_near(r, path, file, &far, &m);
	if (path_fd < 0 && far)
		return send_out(r, m, r->root, &e, file) >= 0;
	return path_fd >= 0;
}

bool reach_look_itself(struct reach *r, const char *path, struct reach_file *file)
{
	OWNED(fd_release) int fd = open_by_path(r->root, path, O_NOFOLLOW, RESOLVE_CACHED);

	/* Before Linux 5.12 the kernel cannot be told not to ask. */
	if (fd < 0 && (errno == EINVAL || errno == ENOSYS))
		fd = open_by_path(r->root, path, O_NOFOLLOW, 0);
	return fd >= 0 && identify_file(fd, file);
}

/* Following such a link asks no file system. */
int reach_open_link(struct reach *r, int dir, const char *link, uint64_t dev, const struct reach_file *want)
{
	OWNED(fd_release) int path_fd = openat(dir, link, O_PATH | O_CLOEXEC);
	struct errand e = { .name = link, .what = COPY };
	struct reach_file file;

	r->late = false;
	if (path_fd < 0 || !identify_file(path_fd, &file))
		return -1;
	if (want != NULL && (file.dev != want->dev || file.inode != want->inode)) {
		errno = ENOENT;
		return -1;
	}
	if (dev == 0)
		dev = file.dev;
	if (reach_dev_waits(r, dev))
		return send_out(r, mount_of_dev(r, dev), path_fd, &e, NULL);
	return is_stored(path_fd, &file) ? reopen_file(path_fd) : -1;
}
