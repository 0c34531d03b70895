/* The search for the separate debug file of an image, and the proof that it is the right one.
 *
 * Conventions (GDB manual, "Debugging Information in Separate Files"):
 *   build-id   ab cd ef …  ->  /usr/lib/debug/.build-id/ab/cdef….debug
 *   debuglink  section .gnu_debuglink = name, NUL, padding to 4, CRC-32 of the whole debug file
 *   minidebug  section .gnu_debugdata = an ELF file in xz ("MiniDebugInfo" there) */
#include "elf/debugfile.h"

#include <string.h>
#ifdef WITH_ZLIB
#include <zlib.h>
#endif

#include "base/bound.h"
#include "base/owned.h"
#include "base/strbuf.h"
#include "elf/unpack.h"

#define DEBUG_ROOT "/usr/lib/debug"

enum { BUILD_ID_MAX = 64 };

struct debugfile_search {
	struct elf_image *img;
	const struct elf_disk *disk;
	struct fault *f;
	bool refused; /* a candidate was rejected; f says why */
};

struct debuglink {
	const char *name;
	uint32_t crc;
};

/* The image at path, or NULL. */
static struct elf_image *open_candidate(const struct debugfile_search *s, const struct strbuf *path)
{
	OWNED(fd_release) int fd = -1;
	struct elf_image *img = NULL;

	if (path->failed)
		return NULL;
	fd = s->disk->open_path(s->disk->data, strbuf_text(path));
	if (fd < 0 || elf_image_open(fd, &img, NULL) != RES_OK)
		return NULL;
	return img;
}

/* 1: equal, 0: different, -1: one of them has none. */
static int same_build_id(struct elf_image *a, struct elf_image *b)
{
	struct span x, y;

	if (elf_image_build_id(a, &x) != RES_OK || elf_image_build_id(b, &y) != RES_OK)
		return -1;
	return span_left(&x) == span_left(&y) && memcmp(x.at, y.at, span_left(&x)) == 0;
}

static struct elf_image *find_by_build_id(const struct debugfile_search *s)
{
	OWNED(strbuf_free) struct strbuf path = STRBUF_EMPTY;
	struct elf_image *debug;
	struct span id;

	if (elf_image_build_id(s->img, &id) != RES_OK || span_left(&id) < 2 || span_left(&id) > BUILD_ID_MAX)
		return NULL;
	strbuf_fmt(&path, DEBUG_ROOT "/.build-id/%02x/", id.at[0]);
	for (const uint8_t *at = id.at + 1; at < id.end; at++)
		strbuf_fmt(&path, "%02x", *at);
	strbuf_str(&path, ".debug");
	debug = open_candidate(s, &path);
	if (debug != NULL && same_build_id(s->img, debug) != 1) {
		elf_image_close(debug);
		return NULL;
	}
	return debug;
}

static bool read_debuglink(struct elf_image *img, struct debuglink *out)
{
	struct span bytes;
	size_t whole, pad;

	if (elf_image_section(img, ".gnu_debuglink", NULL, &bytes) != RES_OK)
		return false;
	whole = span_left(&bytes);
	if (!span_cstr(&bytes, &out->name))
		return false;
	pad = (0 - (whole - span_left(&bytes))) & 3;
	if (!span_skip(&bytes, pad) || !span_u32(&bytes, &out->crc))
		return false;
	/* Only a file name, not a path: a file must not choose the directory that is searched. */
	return out->name[0] != '\0' && strchr(out->name, '/') == NULL && strcmp(out->name, ".") != 0 &&
	       strcmp(out->name, "..") != 0;
}

#ifdef WITH_ZLIB

/* False: it is another one, or there is no time left, which f says. */
static bool has_crc(
    struct debugfile_search *s, const char *path, const uint8_t *bytes, size_t n, uint32_t crc)
{
	enum { PIECE = 16 << 20 }; /* about 10 ms */
	unsigned long sum = 0;

	for (size_t done = 0; done < n; done += PIECE) {
		if (bound_passed(BOUND_FILES)) {
			s->refused = true;
			(void)fault_set(s->f, 0, 0, 0,
			    "%.160s is not used: it has no build-id, and its checksum takes too long to "
			    "verify",
			    path);
			return false;
		}
		sum = crc32_z(sum, bytes + done, n - done < PIECE ? n - done : PIECE);
	}
	return sum == crc;
}

#endif

static bool crc_matches(struct debugfile_search *s, const char *path, struct elf_image *debug, uint32_t crc)
{
	size_t n = (size_t)elf_image_size(debug);

	if (n > ELF_CRC_MAX) {
		s->refused = true;
		(void)fault_set(s->f, 0, 0, 0,
		    "%.160s is not used: it has no build-id, and %llu bytes are too many to verify its "
		    "checksum (limit %d)",
		    path, (unsigned long long)n, ELF_CRC_MAX);
		return false;
	}
#ifdef WITH_ZLIB
	const void *bytes = elf_image_bytes(debug, 0, n);

	return bytes != NULL && has_crc(s, path, bytes, n, crc);
#else
	(void)crc;
	return false; /* cannot be proved */
#endif
}

static struct elf_image *find_by_debuglink(struct debugfile_search *s, const char *path)
{
	static const char *const prefix[] = { "", "", DEBUG_ROOT };
	static const char *const directory[] = { "/", "/.debug/", "/" };
	const char *slash = path == NULL ? NULL : strrchr(path, '/');
	struct debuglink link;

	if (slash == NULL || path[0] != '/' || !read_debuglink(s->img, &link))
		return NULL;
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		OWNED(strbuf_free) struct strbuf candidate = STRBUF_EMPTY;
		struct elf_image *debug;
		int same;

		strbuf_str(&candidate, prefix[i]);
		strbuf_add(&candidate, path, (size_t)(slash - path));
		strbuf_str(&candidate, directory[i]);
		strbuf_str(&candidate, link.name);
		/* A link to the file itself would always match and be of no use. */
		if (strcmp(strbuf_text(&candidate), path) == 0)
			continue;
		debug = open_candidate(s, &candidate);
		if (debug == NULL)
			continue;
		same = same_build_id(s->img, debug);
		if (same == 1 || (same == -1 && crc_matches(s, strbuf_text(&candidate), debug, link.crc)))
			return debug;
		elf_image_close(debug);
	}
	return NULL;
}

enum res elf_debugfile_open(struct elf_image *img, const char *path, const struct elf_disk *disk,
    struct elf_image **out, struct fault *f)
{
	struct debugfile_search s = { .img = img, .disk = disk, .f = f };
	struct elf_image *debug = find_by_build_id(&s);

	if (debug == NULL)
		debug = find_by_debuglink(&s, path);
	if (debug == NULL)
		return s.refused ? RES_FAIL : RES_NONE;
	*out = debug;
	return RES_OK;
}

enum res elf_minidebug_open(struct elf_image *img, struct elf_image **out, struct fault *f)
{
	struct span packed;
	void *bytes;
	size_t n = 0;
	enum res res = elf_image_section(img, ".gnu_debugdata", NULL, &packed);

	if (res == RES_FAIL)
		return fault_set(f, 0, 0, 0, "it is not all in the file");
	if (res != RES_OK)
		return res;
	bytes = unpack_xz(packed, &n, f);
	if (bytes == NULL)
		return RES_FAIL;
	return elf_image_from_bytes(bytes, n, out, f);
}
