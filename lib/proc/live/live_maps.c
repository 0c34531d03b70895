/* /proc/PID/maps, one mapping per line:
 *
 *   55d0c000-55d0e000 r-xp 00001000 fe:01 1234567                    /usr/bin/cat
 *   start    end      perm offset   dev   inode   (spaces up to column 73)  name
 *
 * The name (Linux fs/proc/task_mmu.c, fs/d_path.c) is as seen from the reader's root, not the
 * target's. " (deleted)" follows it if the file has no name any more. A newline in it is written
 * \012, and nothing else is escaped, so that a name which really contains backslash, 0, 1, 2 looks
 * the same. Both ambiguities are resolved by checking which file has that name. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/fileio.h"
#include "base/hash.h"
#include "base/owned.h"
#include "proc/live/live.h"

static const char deleted_suffix[] = " (deleted)";
enum { DELETED_LEN = sizeof(deleted_suffix) - 1 };

/* Parse a number in base; skip `end`, which must follow it. */
static bool take_field(const char **at, int base, char end, uint64_t *out)
{
	char *stop;

	if (!isxdigit((unsigned char)**at))
		return false;
	errno = 0;
	*out = strtoull(*at, &stop, base);
	if (errno != 0 || *stop != end)
		return false;
	*at = stop + 1;
	return true;
}

static void decode_newlines(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (strncmp(s, "\\012", 4) == 0) {
			*to++ = '\n';
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* Remove the path of the target's root from the start of the path. */
static void strip_root(char *path, const char *root)
{
	size_t n = strlen(root);

	if (n != 0 && strncmp(path, root, n) == 0 && path[n] == '/')
		memmove(path, path + n, strlen(path + n) + 1);
}

/* Convert the name in maps to the target's name of the file. */
static void settle_name(struct proc_map *m, struct live_files *files)
{
	size_t n;

	strip_root(m->path, live_files_root(files));
	if (strstr(m->path, "\\012") != NULL && !live_files_same(files, m->path, m->dev, m->inode, false))
		decode_newlines(m->path);
	n = strlen(m->path);
	if (n <= DELETED_LEN || strcmp(m->path + n - DELETED_LEN, deleted_suffix) != 0)
		return;
	if (live_files_same(files, m->path, m->dev, m->inode, true))
		return; /* the file's name really ends like that */
	m->path[n - DELETED_LEN] = '\0';
	m->deleted = true;
}

/* libproc shows the last bytes of the name. */
static void set_mapname(struct proc_map *m)
{
	size_t n = strlen(m->path), room = sizeof(m->pr.pr_mapname) - 1;
	const char *from = n > room ? m->path + n - room : m->path;

	memcpy(m->pr.pr_mapname, from, strlen(from) + 1);
}

static void set_flags(prmap_t *pr, const char *perm, const char *name, bool file)
{
	pr->pr_mflags = (perm[0] == 'r' ? MA_READ : 0) | (perm[1] == 'w' ? MA_WRITE : 0) |
			(perm[2] == 'x' ? MA_EXEC : 0) | (perm[3] == 's' ? MA_SHARED : 0);
	if (!file)
		pr->pr_mflags |= MA_ANON;
	if (strcmp(name, "[stack]") == 0)
		pr->pr_mflags |= MA_STACK;
	if (strcmp(name, "[heap]") == 0)
		pr->pr_mflags |= MA_BREAK;
}

/* RES_NONE: the line has another form. */
static enum res parse_map(const char *at, struct live_files *files, struct proc_map *out)
{
	struct proc_map m = { .object = -1 };
	uint64_t start, end, offset, major_dev, minor_dev;
	const char *perm;

	if (!take_field(&at, 16, '-', &start) || !take_field(&at, 16, ' ', &end) || end <= start)
		return RES_NONE;
	perm = at;
	if (strlen(at) < 5 || at[4] != ' ')
		return RES_NONE;
	at += 5;
	if (!take_field(&at, 16, ' ', &offset) || !take_field(&at, 16, ':', &major_dev) ||
	    !take_field(&at, 16, ' ', &minor_dev) || !isdigit((unsigned char)*at))
		return RES_NONE;
	m.inode = strtoull(at, NULL, 10);
	at += strspn(at, "0123456789");
	at += strspn(at, " ");
	m.dev = makedev((unsigned)major_dev, (unsigned)minor_dev);
	m.pr.pr_vaddr = start;
	m.pr.pr_size = end - start;
	m.pr.pr_offset = (off_t)offset;
	m.pr.pr_pagesize = 4096;
	set_flags(&m.pr, perm, at, m.inode != 0);
	if (*at != '\0') {
		m.path = strdup(at);
		if (m.path == NULL)
			return RES_FAIL;
		if (m.inode != 0 && m.path[0] == '/')
			settle_name(&m, files);
		set_mapname(&m);
	}
	*out = m;
	return RES_OK;
}

/* A hash of the lines whose rights contain x. */
uint64_t live_code_token(const char *text, size_t n)
{
	uint64_t token = HASH_START;

	for (const char *line = text; line < text + n;) {
		const char *end = memchr(line, '\n', (size_t)(text + n - line));
		const char *rights = memchr(line, ' ', (size_t)(text + n - line));

		if (end == NULL)
			break;
		if (rights != NULL && end - rights > 4 && rights[3] == 'x')
			token = hash_bytes(token, line, (size_t)(end - line));
		line = end + 1;
	}
	return token;
}

enum res live_maps_read(
    int mm_dir, struct live_files *files, struct proc_maps *maps, uint64_t *code, struct fault *f)
{
	OWNED(mem_release) char *text = NULL;
	char *line, *rest;
	size_t n;
	uintptr_t last_end = 0;

	if (fileio_slurp(mm_dir, "maps", LIVE_MAPS_MAX, &text, &n) != 0) {
		if (errno == ENOENT || errno == ESRCH)
			return RES_NONE;
		return fault_set(f, live_code_of_errno(errno), errno, 0, "its mappings cannot be read: %s",
		    strerror(errno));
	}
	if (n == 0)
		return RES_NONE;
	*code = live_code_token(text, n);
	for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		struct proc_map m;
		enum res r = parse_map(line, files, &m);

		if (r == RES_NONE)
			continue;
		/* The file is read in pieces. If mappings change in between, an address can occur
		 * twice. */
		if (r == RES_OK && m.pr.pr_vaddr < last_end) {
			free(m.path);
			continue;
		}
		if (r == RES_FAIL)
			return fault_memory(f);
		last_end = m.pr.pr_vaddr + m.pr.pr_size;
		if (!vec_push(maps, m)) {
			free(m.path);
			return fault_memory(f);
		}
	}
	return RES_OK;
}
