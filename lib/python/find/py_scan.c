/* An interpreter without symbols: what its memory looks like.
 *
 *   3.13+   the cookie of _Py_DebugOffsets, 8-aligned, in writable memory (in code: an immediate)
 *   any     "3.9.2 (default, …) \n[GCC …]", the static buffer of Py_GetVersion (3.10+: in one line)
 *   3.7 to 3.12   two neighbouring words, interpreters.head and .main: the list from the first word
 *                 contains the second, and its members have thread states that point back
 *   ≤ 3.6         interp_head: the same without a second word. autoInterpreterState points to the
 *                 oldest interpreter in the same way: the longest list is the right one
 *
 * Only memory of modules is read, at most SCAN_MAX bytes. */
#include "python/find/py_scan.h"

#include <stdlib.h>

#include "base/owned.h"
#include "python/objects/py_code.h"
#include "python/py_memory.h"

enum {
	CHUNK = 256 << 10,
	OVERLAP = 512, /* longer than any version text */
	PAGE = 4096,
	SCAN_MAX = 64 << 20,
	INTERPS_TRIED = 64
};

/* Call look(data, bytes, n, va) for the readable parts of the regions, each of which overlaps the
 * one before by OVERLAP bytes. Stops when it returns true. */
typedef bool look_fn(void *data, const uint8_t *bytes, size_t n, uint64_t va);

static void scan_regions(struct ps_prochandle *P, const py_regions *regions, look_fn *look, void *data)
{
	OWNED(mem_release) uint8_t *chunk = malloc(CHUNK);
	uint64_t budget = SCAN_MAX;

	if (chunk == NULL)
		return;
	for (size_t i = 0; i < regions->n; i++) {
		uint64_t va = regions->at[i].lo, hi = regions->at[i].hi;

		while (va < hi && budget > CHUNK) {
			size_t want = hi - va < CHUNK ? (size_t)(hi - va) : CHUNK;
			ssize_t got = Pread(P, chunk, want, (uintptr_t)va);

			budget -= want;
			if (got <= 0) {
				va = (va + PAGE) & ~(uint64_t)(PAGE - 1); /* a hole */
				continue;
			}
			if (look(data, chunk, (size_t)got, va))
				return;
			va += (size_t)got > 2 * OVERLAP && (size_t)got < hi - va ? (size_t)got - OVERLAP
										 : (size_t)got;
		}
	}
}

/* Decimal digits at *s; false when there are none or the number is above 255. */
static bool parse_version_part(const char **s, uint32_t *out)
{
	const char *start = *s;
	uint32_t n = 0;

	while (**s >= '0' && **s <= '9' && n < 1000)
		n = n * 10 + (uint32_t)(*(*s)++ - '0');
	*out = n;
	return *s != start && n <= 255;
}

/* The release level after X.Y.Z: "a1", "b2", "rc1" or nothing. */
static uint32_t level_of(const char *s)
{
	uint32_t level = 0xf, serial = 0;

	if (*s == 'a' || *s == 'b') {
		level = *s == 'a' ? 0xa : 0xb;
		s++;
	} else if (s[0] == 'r' && s[1] == 'c') {
		level = 0xc;
		s += 2;
	} else if (s[0] == 'c') {
		level = 0xc;
		s++;
	}
	if (level != 0xf)
		(void)parse_version_part(&s, &serial);
	return level << 4 | (serial & 0xf);
}

uint32_t py_version_of_text(const char *text)
{
	uint32_t major, minor, micro = 0;
	const char *s = text;

	if (!parse_version_part(&s, &major) || *s++ != '.' || !parse_version_part(&s, &minor))
		return 0;
	if (*s == '.') {
		s++;
		if (!parse_version_part(&s, &micro))
			return 0;
	}
	if (major < 2 || major > 4 || strstr(s, " (") == NULL)
		return 0;
	return major << 24 | minor << 16 | micro << 8 | level_of(s);
}

uint32_t py_version_of_name(const char *path)
{
	uint32_t major, minor;
	const char *s = path;

	while ((s = strstr(s, "python")) != NULL) {
		s += strlen("python");
		const char *digits = s;

		if (parse_version_part(&digits, &major) && *digits++ == '.' &&
		    parse_version_part(&digits, &minor) && major >= 2 && major <= 4)
			return PY_HEX(major, minor) | 0xf0;
	}
	return 0;
}

/* The version in the text whose build information ends at `at`. */
static uint32_t version_before(const uint8_t *bytes, const uint8_t *at)
{
	char text[OVERLAP];
	const uint8_t *start = at;

	while (start > bytes && start[-1] != '\0' && (size_t)(at - start) < sizeof(text) - 1)
		start--;
	memcpy(text, start, (size_t)(at - start));
	text[at - start] = '\0';
	return py_version_of_text(text);
}

/* The compiler's bracket follows the build information; up to 3.9 on a line of its own. */
static bool look_for_version(void *data, const uint8_t *bytes, size_t n, uint64_t va)
{
	static const char *const ends[] = { ") [", ") \n[" };
	uint32_t *version = data;

	(void)va;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const uint8_t *at = bytes, *end = bytes + n;

		while ((at = memmem(at, (size_t)(end - at), ends[i], strlen(ends[i]))) != NULL) {
			*version = version_before(bytes, at);
			if (*version != 0)
				return true;
			at++;
		}
	}
	return false;
}

uint32_t py_scan_version(struct ps_prochandle *P, const py_regions *regions)
{
	uint32_t version = 0;

	scan_regions(P, regions, look_for_version, &version);
	return version;
}

static bool look_for_cookie(void *data, const uint8_t *bytes, size_t n, uint64_t va)
{
	py_addresses *out = data;

	for (size_t i = (size_t)(-va & 7); i + PY_COOKIE_SIZE <= n; i += 8) {
		if (!py_layout_is_cookie(bytes + i))
			continue;
		if (out->n != 0 && out->at[out->n - 1] == va + i)
			continue; /* in the overlap */
		if (!vec_push(out, va + i))
			return true;
	}
	return false;
}

bool py_scan_cookies(struct ps_prochandle *P, const py_regions *regions, py_addresses *out)
{
	out->n = 0;
	scan_regions(P, regions, look_for_cookie, out);
	return out->n != 0;
}

struct slot_search {
	struct ps_prochandle *P;
	const struct py_layout *l;
	uint64_t offset;       /* of interpreters.head in _PyRuntime */
	uint64_t last_refused; /* most refused words repeat, */
	uint64_t last_good;    /* and each is checked as a second word, then as a first */
	uint64_t found;
	uint64_t head; /* its value */
};

/* Is w an interpreter: does it have a list of threads whose first points back? */
static bool is_interp(struct ps_prochandle *P, const struct py_layout *l, uint64_t w)
{
	uint64_t tstate, back, thread_id;

	return py_read_word(P, l, w, l->interp.threads_head, &tstate) && py_pointer_sane(tstate, l->word) &&
	       tstate != w && py_read_word(P, l, tstate, l->tstate.interp, &back) && back == w &&
	       py_read_word(P, l, tstate, l->tstate.thread_id, &thread_id) && thread_id != 0;
}

static bool is_good(struct slot_search *search, uint64_t w)
{
	bool good;

	if (w == search->last_refused || w == search->last_good)
		return w == search->last_good;
	good = is_interp(search->P, search->l, w);
	*(good ? &search->last_good : &search->last_refused) = w;
	return good;
}

/* Is `wanted` in the list? 0 is in every list. */
static bool list_has(struct ps_prochandle *P, const struct py_layout *l, uint64_t head, uint64_t wanted)
{
	if (wanted == 0)
		return true;
	for (int i = 0; i < INTERPS_TRIED && head != 0; i++) {
		if (head == wanted)
			return true;
		if (!py_read_word(P, l, head, l->interp.next, &head))
			return false;
	}
	return false;
}

static bool some_thread_decodes(struct py_process *trial)
{
	py_threads threads = VEC_EMPTY;
	bool good = false;

	if (py_threads_read(trial, &threads, NULL) != RES_OK)
		threads.n = 0;
	for (size_t i = 0; i < threads.n && !good; i++) {
		struct py_stack s;

		if (py_stack_read(trial, &threads.at[i], &s, NULL) != RES_OK)
			continue;
		good = !s.broken && s.frames.n != 0 && !s.frames.at[0].bad;
		py_stack_free(&s);
	}
	vec_free(&threads);
	return good;
}

/* With small offsets (3.11) other structures point to each other in the same way, but no frames can
 * be decoded from them. */
bool py_scan_decodes(struct ps_prochandle *P, const struct py_layout *l, uint64_t addr)
{
	struct py_process trial = { .P = P };
	struct py_runtime rt = { .addr = addr, .layout = *l };
	bool good = vec_push(&trial.runtimes, rt) && some_thread_decodes(&trial);

	vec_free(&trial.runtimes);
	py_codes_free(&trial);
	addrmap_free(&trial.seen);
	return good;
}

static bool look_for_slot(void *data, const uint8_t *bytes, size_t n, uint64_t va)
{
	struct slot_search *search = data;
	const struct py_layout *l = search->l;
	unsigned word = l->word;
	bool bare = py_layout_is_bare(l);

	for (size_t i = (size_t)(-va & (word - 1)); i + 2U * word <= n; i += word) {
		uint64_t head = 0, main_interp = 0;

		memcpy(&head, bytes + i, word);
		if (!py_pointer_sane(head, l->word) || (bare && head == search->last_refused))
			continue;
		memcpy(&main_interp, bytes + i + (bare ? 0 : word), word);
		if (!py_pointer_sane(main_interp, l->word))
			continue;
		/* The newest interpreter may have no thread. */
		if (!is_good(search, head) && (bare || !is_good(search, main_interp)))
			continue;
		if (list_has(search->P, l, head, bare ? search->head : main_interp) &&
		    py_scan_decodes(search->P, l, va + i - search->offset)) {
			search->found = va + i;
			search->head = head;
			if (!bare)
				return true;
		}
		if (bare)
			search->last_refused = head;
	}
	return false;
}

enum res py_scan_runtime(
    struct ps_prochandle *P, const py_regions *regions, const struct py_layout *l, uint64_t *addr)
{
	struct slot_search search = { .P = P, .l = l, .offset = l->runtime.interpreters_head - 1 };

	if (l->runtime.interpreters_head == 0)
		return RES_NONE;
	scan_regions(P, regions, look_for_slot, &search);
	if (search.found <= search.offset)
		return RES_NONE;
	*addr = search.found - search.offset;
	return RES_OK;
}
