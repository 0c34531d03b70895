/* libiberty in a child process.
 *
 * It has one parser for C++ (Itanium) and one for Rust (both manglings). Each can give its result
 * in pieces to a function of ours, which ends one that grows too long. */
#include "symbol/demangle.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "dwarf/worker.h"

bool demangle_is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

#ifdef WITH_LIBIBERTY

#include <demangle.h>

enum { BATCH = 64 };

static const char one_of_them[] = "a mangled name";

/* A reply: for each name its source name, without one an empty string, each with its NUL. */
enum { ROOM = BATCH * (DEMANGLED_MAX + 1) };

struct batch {
	const char *const *names;
	size_t n;
};

/* Where one name is written. */
struct writing {
	char *at;
	size_t n; /* at most DEMANGLED_MAX */
	jmp_buf too_long;
};

bool demangle_is_built(void)
{
	return true;
}

/* The library cannot be told to stop, so this jumps over it. What it has allocated is lost, with
 * the process. */
static void add_piece(const char *piece, size_t n, void *data)
{
	struct writing *w = data;

	if (n > DEMANGLED_MAX - w->n)
		longjmp(w->too_long, 1);
	memcpy(w->at + w->n, piece, n);
	w->n += n;
}

/* Write the source name of one name at `at`, without a NUL. Returns its length; 0: it has none.
 *
 * Nesting is limited by the length of the name, and by the stack of this process: the library's own
 * limit refuses C++ names from 1,024 bytes on, which templates reach. */
static size_t demangle_one(const char *name, char *at)
{
	struct writing w = { .at = at };
	size_t n = strlen(name);

	if (n > DEMANGLED_MAX || setjmp(w.too_long) != 0)
		return 0;
	if (rust_demangle_callback(name, 0, add_piece, &w) != 0)
		return w.n;
	w.n = 0;
	if (name[1] == 'Z' && cplus_demangle_v3_callback(
				  name, DMGL_PARAMS | DMGL_ANSI | DMGL_NO_RECURSE_LIMIT, add_piece, &w) != 0)
		return w.n;
	return 0;
}

/* In the child. */
static size_t demangle_batch(void *arg, void *reply, size_t room)
{
	const struct batch *b = arg;
	char *at = reply;

	if (room < ROOM)
		return 0;
	for (size_t i = 0; i < b->n; i++) {
		at += demangle_one(b->names[i], at);
		*at++ = '\0';
	}
	return (size_t)(at - (char *)reply);
}

/* Copy the names out of a reply of n bytes, which may be anything. */
static enum res take_reply(const char *reply, size_t n, const struct batch *b, char *out[], struct fault *f)
{
	const char *at = reply, *end = reply + n;

	for (size_t i = 0; i < b->n; i++) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));

		if (nul == NULL)
			return worker_fault(WORKER_DIED, one_of_them, f);
		if (nul > at && (out[i] = strdup(at)) == NULL)
			return fault_memory(f);
		at = nul + 1;
	}
	return RES_OK;
}

enum res demangle_names(const char *const names[], size_t n, char *out[], struct fault *f)
{
	OWNED(mem_release) char *reply = malloc(ROOM);

	for (size_t i = 0; i < n; i++)
		out[i] = NULL;
	if (reply == NULL)
		return fault_memory(f);
	for (size_t first = 0; first < n; first += BATCH) {
		struct batch b = { names + first, n - first < BATCH ? n - first : BATCH };
		struct worker_job job = { demangle_batch, &b };
		struct worker_reply got = { .at = reply, .room = ROOM };
		enum res res = worker_run(&job, &got, f);

		if (res == RES_NONE)
			return worker_fault(got.end, one_of_them, f);
		if (res == RES_OK)
			res = take_reply(reply, got.n, &b, out + first, f);
		if (res != RES_OK)
			return res;
	}
	return RES_OK;
}

#else

bool demangle_is_built(void)
{
	return false;
}

enum res demangle_names(const char *const names[], size_t n, char *out[], struct fault *f)
{
	(void)names;
	(void)f;
	for (size_t i = 0; i < n; i++)
		out[i] = NULL;
	return RES_OK;
}

#endif
