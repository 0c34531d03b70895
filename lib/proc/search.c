/* See search.h. */
#include "proc/search.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/owned.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "proc/fetch.h"
#include "proc/reach.h"

#define DEBUG_IDS "/usr/lib/debug/.build-id/"

struct search_dir {
	char *path;
	int root; /* of links; -1: this machine's */
	struct reach reach;
	bool listed;
	VEC(char *) files; /* its regular files, by their paths in it */
	int64_t deadline;  /* of the listing */
};

struct search {
	VEC(struct search_dir) dirs;
	struct fetch *fetch; /* NULL: none */
};

struct search *search_create(void)
{
	return calloc(1, sizeof(struct search));
}

static void dir_clear(struct search_dir *d)
{
	reach_clear(&d->reach);
	fd_release(&d->root);
	for (size_t i = 0; i < d->files.n; i++)
		free(d->files.at[i]);
	vec_free(&d->files);
	free(d->path);
}

void search_destroy(struct search *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->dirs.n; i++)
		dir_clear(&s->dirs.at[i]);
	vec_free(&s->dirs);
	fetch_destroy(s->fetch);
	free(s);
}

bool search_add(struct search *s, const char *dir, bool root)
{
	struct search_dir d = { .root = -1, .reach = reach_here };
	struct search_dir *kept;
	struct reach_file file;

	/* It is not used before it has answered. */
	if (reach_look(&d.reach, dir, &file) && S_ISDIR(file.mode))
		d.path = realpath(dir, NULL);
	if (d.path != NULL && root)
		d.root = open(d.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d.path == NULL || (root && d.root < 0) || !vec_push(&s->dirs, d)) {
		dir_clear(&d);
		return false;
	}
	kept = &s->dirs.at[s->dirs.n - 1];
	if (root) {
		reach_clear(&kept->reach);
		kept->reach = reach_here;
		kept->reach.root = kept->root;
		kept->reach.prefix = strcmp(kept->path, "/") == 0 ? "" : kept->path;
	}
	return true;
}

/* Open the file at `path`, which starts with a slash, in d. */
static int open_in(struct search_dir *d, const char *path)
{
	OWNED(strbuf_free) struct strbuf whole = STRBUF_EMPTY;

	if (d->root >= 0)
		return reach_open(&d->reach, path, NULL);
	strbuf_str(&whole, d->path);
	strbuf_str(&whole, path);
	return whole.failed ? -1 : reach_open(&d->reach, strbuf_text(&whole), NULL);
}

/* --- the list of files --- */

struct listing {
	struct search_dir *d;
	struct strbuf path; /* of the directory that is being read, in d */
	dev_t dev;
};

static bool listing_is_full(const struct listing *l)
{
	return l->d->files.n >= SEARCH_FILES || clock_now_ms() > l->d->deadline;
}

static void list_file(struct listing *l, const char *name)
{
	struct strbuf path = STRBUF_EMPTY;

	strbuf_str(&path, strbuf_text(&l->path));
	strbuf_char(&path, '/');
	strbuf_str(&path, name);
	if (path.failed || !vec_push(&l->d->files, path.at))
		strbuf_free(&path);
}

/* List the files of the directory open at fd, which it takes over, and those below it. Links are
 * not followed, and other file systems not entered. */
static void list_below(struct listing *l, int fd, int depth) // NOLINT(misc-no-recursion): SEARCH_DEPTH
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;
	size_t n = l->path.n;

	if (dir == NULL) {
		(void)close(fd);
		return;
	}
	while (!listing_is_full(l) && (e = readdir(dir)) != NULL) {
		struct stat st;
		int below;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (e->d_type == DT_REG)
			list_file(l, e->d_name);
		if ((e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) || depth >= SEARCH_DEPTH)
			continue;
		below = openat(
		    fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (below < 0)
			continue;
		if (fstat(below, &st) != 0 || st.st_dev != l->dev) {
			(void)close(below);
			continue;
		}
		strbuf_char(&l->path, '/');
		strbuf_str(&l->path, e->d_name);
		list_below(l, below, depth + 1);
		l->path.n = n;
		if (l->path.at != NULL)
			l->path.at[n] = '\0';
	}
	(void)closedir(dir);
}

static void list_directory(struct search_dir *d)
{
	struct listing l = { .d = d, .path = STRBUF_EMPTY };
	struct reach look = reach_here;
	struct reach_file file;
	struct stat st;
	int fd = -1;

	d->listed = true;
	d->deadline = clock_now_ms() + SEARCH_MS;
	if (reach_look(&look, d->path, &file) && S_ISDIR(file.mode))
		fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	reach_clear(&look);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		l.dev = st.st_dev;
		list_below(&l, fd, 0);
	} else
		fd_release(&fd);
	strbuf_free(&l.path);
}

/* --- files --- */

/* A search for one file. */
struct wanted {
	struct search_dir *d;
	search_use_fn *use;
	void *data;
};

static bool try_path(const struct wanted *w, const char *path)
{
	OWNED(fd_release) int fd = open_in(w->d, path);

	return fd >= 0 && w->use(w->data, fd);
}

static void put_hex(struct strbuf *out, const struct notice_id *id, size_t from)
{
	for (size_t i = from; i < id->n; i++)
		strbuf_fmt(out, "%02x", id->bytes[i]);
}

static bool try_ids(const struct wanted *w, const struct notice_id *id)
{
	static const char *const trees[] = { "", "/usr/lib/debug", "/usr/lib" };
	bool found = false;

	for (size_t i = 0; !found && i < sizeof(trees) / sizeof(trees[0]); i++) {
		OWNED(strbuf_free) struct strbuf path = STRBUF_EMPTY;

		strbuf_fmt(&path, "%s/.build-id/%02x/", trees[i], id->bytes[0]);
		put_hex(&path, id, 1);
		found = !path.failed && try_path(w, strbuf_text(&path));
	}
	if (!found) {
		OWNED(strbuf_free) struct strbuf path = STRBUF_EMPTY;

		strbuf_char(&path, '/');
		put_hex(&path, id, 0);
		strbuf_str(&path, "/executable");
		found = !path.failed && try_path(w, strbuf_text(&path));
	}
	return found;
}

/* The whole path, and with id what is left of it without its first components. */
static bool try_names(const struct wanted *w, bool id, const char *path)
{
	const char *base = strrchr(path, '/');

	for (const char *at = path; at != NULL; at = strchr(at + 1, '/')) {
		if ((id || at == path || at == base) && try_path(w, at))
			return true;
	}
	return false;
}

static bool try_listed(const struct wanted *w, const char *name)
{
	if (!w->d->listed)
		list_directory(w->d);
	for (size_t i = 0; i < w->d->files.n; i++) {
		if (strcmp(path_base(w->d->files.at[i]), name) == 0 && try_path(w, w->d->files.at[i]))
			return true;
	}
	return false;
}

void search_fetch(struct search *s, struct fetch *fetch)
{
	fetch_destroy(s->fetch);
	s->fetch = fetch;
}

const struct fetch *search_fetches(const struct search *s)
{
	return s->fetch;
}

static bool try_fetched(const struct search *s, const struct notice_id *id, search_use_fn *use, void *data)
{
	OWNED(fd_release) int fd = s->fetch == NULL ? -1 : fetch_file(s->fetch, id, false);

	return fd >= 0 && use(data, fd);
}

bool search_files(
    struct search *s, const struct notice_id *id, const char *path, search_use_fn *use, void *data)
{
	if (path[0] != '/')
		return false;
	for (size_t i = 0; i < s->dirs.n; i++) {
		const struct wanted w = { &s->dirs.at[i], use, data };

		if ((id->n >= 2 && try_ids(&w, id)) || try_names(&w, id->n != 0, path))
			return true;
	}
	for (size_t i = 0; id->n != 0 && i < s->dirs.n; i++) {
		const struct wanted w = { &s->dirs.at[i], use, data };

		if (try_listed(&w, path_base(path)))
			return true;
	}
	return try_fetched(s, id, use, data);
}

/* ab/cdef.debug as abcdef/debuginfo, in debuginfod's cache. */
static int open_cached(struct search_dir *d, const char *id)
{
	OWNED(strbuf_free) struct strbuf path = STRBUF_EMPTY;
	const char *slash = strchr(id, '/'), *dot = strrchr(id, '.');

	if (slash == NULL || dot == NULL || dot < slash)
		return -1;
	strbuf_char(&path, '/');
	strbuf_add(&path, id, (size_t)(slash - id));
	strbuf_add(&path, slash + 1, (size_t)(dot - slash - 1));
	strbuf_str(&path, "/debuginfo");
	return path.failed ? -1 : open_in(d, strbuf_text(&path));
}

/* The id in "ab/cdef.debug". */
static bool id_of(const char *text, struct notice_id *id)
{
	id->n = 0;
	while (
	    id->n < NOTICE_ID_MAX && isxdigit((unsigned char)text[0]) && isxdigit((unsigned char)text[1])) {
		const char hex[3] = { text[0], text[1], '\0' };

		id->bytes[id->n++] = (uint8_t)strtoul(hex, NULL, 16);
		text += 2;
		text += *text == '/';
	}
	return id->n > 1 && strcmp(text, ".debug") == 0;
}

int search_open_debug(struct search *s, const char *path)
{
	const size_t n = strlen(DEBUG_IDS);
	bool by_id = strncmp(path, DEBUG_IDS, n) == 0;
	struct notice_id id;
	int fd = -1;

	for (size_t i = 0; fd < 0 && path[0] == '/' && i < s->dirs.n; i++) {
		struct search_dir *d = &s->dirs.at[i];

		fd = open_in(d, path);
		if (fd < 0)
			fd = open_in(d, by_id ? path + strlen("/usr/lib/debug") : strrchr(path, '/'));
		if (fd < 0 && by_id)
			fd = open_cached(d, path + n);
	}
	if (fd < 0 && by_id && s->fetch != NULL && id_of(path + n, &id))
		fd = fetch_file(s->fetch, &id, true);
	return fd;
}

bool search_unanswered(const struct search *s, size_t i, struct notice *out)
{
	for (size_t k = 0; s != NULL && k < s->dirs.n; k++) {
		for (size_t j = 0; reach_unanswered(&s->dirs.at[k].reach, j, out); j++) {
			if (i-- == 0)
				return true;
		}
	}
	return false;
}
