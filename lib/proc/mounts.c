/* The table of mounts, and types of file systems. */
#include "proc/mounts.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/fileio.h"
#include "base/owned.h"

enum { MOUNTINFO_MAX = 64 << 20 };

/* Types whose files come from memory or a disk of this machine. Files of other types may have to
 * come from elsewhere. */
static bool is_local(const char *type)
{
	static const char *const local[] = { "ext4", "xfs", "btrfs", "tmpfs", "overlay", "ext2", "ext3",
		"zfs", "bcachefs", "f2fs", "jfs", "reiserfs", "nilfs2", "ubifs", "jffs2", "minix", "aufs",
		"squashfs", "erofs", "cramfs", "romfs", "iso9660", "udf", "vfat", "msdos", "exfat", "ntfs",
		"ntfs3", "hfs", "hfsplus", "ramfs", "rootfs", "devtmpfs", "hugetlbfs", "proc", "sysfs",
		"cgroup", "cgroup2", "devpts", "mqueue", "debugfs", "tracefs", "securityfs", "pstore", "bpf",
		"configfs", "fusectl", "efivarfs", "binfmt_misc", "selinuxfs", "nsfs", "rpc_pipefs",
		"resctrl" };

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		if (strcmp(type, local[i]) == 0)
			return true;
	}
	return false;
}

/* The next field of a line, NUL-terminated in place; NULL: there is none. */
static char *next_field(char **line)
{
	char *at = *line, *end;

	if (*at == '\0')
		return NULL;
	end = at + strcspn(at, " ");
	*line = *end == '\0' ? end : end + 1;
	*end = '\0';
	return at;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Replace \ and three octal digits, in place. */
static char *unescape_path(char *text)
{
	char *to = text;

	for (const char *at = text; *at != '\0';) {
		if (at[0] == '\\' && is_octal(at[1]) && is_octal(at[2]) && is_octal(at[3])) {
			*to++ = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
			at += 4;
		} else {
			*to++ = *at++;
		}
	}
	*to = '\0';
	return text;
}

/* "major:minor" */
static bool parse_device(const char *text, uint64_t *out)
{
	unsigned long major_dev, minor_dev;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	major_dev = strtoul(text, &end, 10);
	if (*end != ':' || !isdigit((unsigned char)end[1]))
		return false;
	minor_dev = strtoul(end + 1, &end, 10);
	if (*end != '\0' || errno != 0 || major_dev > UINT32_MAX || minor_dev > UINT32_MAX)
		return false;
	*out = makedev((unsigned)major_dev, (unsigned)minor_dev);
	return true;
}

/* Is one of these paths, which colons separate, on a mount that waits? */
static bool any_waits(struct mounts *m, char *paths)
{
	char *next;

	for (char *path = strtok_r(paths, ":", &next); path != NULL; path = strtok_r(NULL, ":", &next)) {
		const struct mount *under = mounts_of_path(m, unescape_path(path));

		if (under != NULL && under->waits)
			return true;
	}
	return false;
}

/* The files of an overlay are on other file systems, whose paths are in its options. Without memory
 * it counts as waiting. */
static bool overlay_waits(struct mounts *m, const char *layers)
{
	static const char *const keys[] = { "lowerdir=", "lowerdir+=", "datadir+=", "upperdir=" };
	OWNED(mem_release) char *options = strdup(layers);
	char *rest;

	if (options == NULL)
		return true;
	for (char *option = strtok_r(options, ",", &rest); option != NULL;
	     option = strtok_r(NULL, ",", &rest)) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			size_t n = strlen(keys[i]);

			if (strncmp(option, keys[i], n) == 0 && any_waits(m, option + n))
				return true;
		}
	}
	return false;
}

void mounts_judge_overlays(struct mounts *m, struct mounts *below)
{
	for (size_t i = 0; i < m->at.n; i++) {
		struct mount *overlay = &m->at.at[i];

		if (overlay->layers != NULL && overlay_waits(below, overlay->layers))
			overlay->waits = m->waits = true;
	}
}

/* Parse a line into *out. False: it has another form. */
static bool parse_mount(char *line, struct mount *out)
{
	char *id = next_field(&line), *parent = next_field(&line), *dev = next_field(&line),
	     *root = next_field(&line);
	char *point = next_field(&line), *flags = next_field(&line), *word = next_field(&line);
	char *type, *source, *options;

	while (word != NULL && strcmp(word, "-") != 0)
		word = next_field(&line);
	type = next_field(&line);
	source = next_field(&line);
	options = next_field(&line);
	if (id == NULL || parent == NULL || dev == NULL || root == NULL || point == NULL || flags == NULL ||
	    word == NULL || type == NULL || source == NULL || !parse_device(dev, &out->dev))
		return false;
	out->point = unescape_path(point);
	out->type = unescape_path(type);
	out->source = unescape_path(source);
	out->waits = !is_local(out->type);
	out->layers = strcmp(out->type, "overlay") == 0 ? options : NULL;
	return out->point[0] == '/';
}

enum res mounts_parse(char *text, struct mounts *out)
{
	struct mounts m = MOUNTS_EMPTY;
	char *rest;

	m.text = text;
	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		struct mount mount = { 0 };

		if (!parse_mount(line, &mount))
			continue;
		/* The mounts of its layers precede it. */
		if (mount.layers != NULL)
			mount.waits = overlay_waits(&m, mount.layers);
		m.waits |= mount.waits;
		m.overlays |= mount.layers != NULL;
		if (!vec_push(&m.at, mount)) {
			mounts_clear(&m);
			return RES_FAIL;
		}
	}
	*out = m;
	return RES_OK;
}

enum res mounts_read(int dir, const char *path, struct mounts *out)
{
	char *text;
	size_t n;

	*out = (struct mounts)MOUNTS_EMPTY;
	if (fileio_slurp(dir, path, MOUNTINFO_MAX, &text, &n) != 0)
		return RES_FAIL;
	return mounts_parse(text, out);
}

void mounts_clear(struct mounts *m)
{
	vec_free(&m->at);
	free(m->text);
	m->text = NULL;
}

/* Is path the directory `point`, or below it? Returns the length of point; -1: no. */
static ptrdiff_t path_below(const char *path, const char *point)
{
	size_t n = strlen(point);

	while (n > 0 && point[n - 1] == '/')
		n--;
	if (strncmp(path, point, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return -1;
	return (ptrdiff_t)n;
}

struct mount *mounts_of_path(struct mounts *m, const char *path)
{
	struct mount *best = NULL;
	ptrdiff_t longest = -1;

	for (size_t i = 0; path[0] == '/' && i < m->at.n; i++) {
		ptrdiff_t n = path_below(path, m->at.at[i].point);

		if (n >= 0 && n >= longest) {
			longest = n;
			best = &m->at.at[i];
		}
	}
	return best;
}

struct mount *mounts_of_dev(struct mounts *m, uint64_t dev)
{
	for (size_t i = 0; i < m->at.n; i++) {
		if (m->at.at[i].dev == dev)
			return &m->at.at[i];
	}
	return NULL;
}
