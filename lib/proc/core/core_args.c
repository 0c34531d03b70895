/* The arguments of a process, from its saved stack. Gdb 12 writes only the first of them to
 * NT_PRPSINFO (it stops at the first NUL of /proc/PID/cmdline), but they are still where execve(2)
 * put them (Linux fs/binfmt_elf.c create_elf_tables):
 *
 *   low                                                                       high
 *   argc | argv[0] … argv[argc-1] | 0 | envp[0] … | 0 | auxv: type value … 0 0 | … | random bytes
 *
 * in words of the process. The auxiliary vector is found by searching down from the random bytes,
 * to which AT_RANDOM points, for the contents of NT_AUXV. From there a walk back over environment
 * and arguments leads to argc. */
#include "proc/core/core.h"

#include <elf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	AUXV_REACH = 1 << 16,      /* bytes below AT_RANDOM searched for the vector */
	POINTER_LIMIT = 1 << 20,   /* pointers in the walk */
	ARGUMENT_LIMIT = 1 << 17,  /* bytes of an argument (Linux MAX_ARG_STRLEN), … */
	ARGUMENTS_LIMIT = 1 << 21, /* … and of all */
};

static bool auxv_at(struct core *core, uint64_t va)
{
	for (size_t i = 0; i < core->auxv.n; i++) {
		uint64_t type, value;

		if (!core_read_word(core, va + 2 * i * core->word, &type) ||
		    !core_read_word(core, va + (2 * i + 1) * core->word, &value) ||
		    type != (uint64_t)core->auxv.at[i].a_type ||
		    value != (uint64_t)core->auxv.at[i].a_un.a_val)
			return false;
	}
	return true;
}

/* Address of the auxiliary vector on the stack; 0: not found. */
static uint64_t find_auxv(struct core *core)
{
	uint64_t top = core_auxv(core, AT_RANDOM) & ~(uint64_t)(core->word - 1);

	if (core->auxv.n < 4 || top < AUXV_REACH)
		return 0;
	for (uint64_t va = top; va > top - AUXV_REACH; va -= core->word) {
		if (auxv_at(core, va))
			return va;
	}
	return 0;
}

/* The address of argv[0] and the number of arguments. va: address of the auxiliary vector. False:
 * not found. */
static bool find_argv(struct core *core, uint64_t va, uint64_t *argv, uint64_t *argc)
{
	uint64_t word, n = 0;

	/* Skip the NULL after envp, then envp, to the NULL after argv. */
	va -= 2U * core->word;
	for (; n < POINTER_LIMIT && core_read_word(core, va, &word) && word != 0; n++)
		va -= core->word;
	if (n == POINTER_LIMIT || !core_read_word(core, va, &word) || word != 0)
		return false;
	for (n = 0; n < POINTER_LIMIT; n++) {
		va -= core->word;
		if (!core_read_word(core, va, &word) || word == 0)
			return false;
		if (word == n) {
			*argv = va + core->word;
			*argc = n;
			return true;
		}
	}
	return false;
}

/* Append the string at va to text (NUL-terminated, `size` bytes). False: text is full, or there is
 * no string at va. */
static bool append_argument(struct core *core, uint64_t va, char *text, size_t size)
{
	size_t at = strlen(text);
	char bytes[PRARGSZ];
	ssize_t got = core_read(core, bytes, sizeof(bytes), va);
	size_t n;

	if (got <= 0)
		return false;
	n = strnlen(bytes, (size_t)got);
	if (at > 0 && at < size - 1)
		text[at++] = ' ';
	if (n > size - 1 - at)
		n = size - 1 - at;
	memcpy(text + at, bytes, n);
	text[at + n] = '\0';
	return n < (size_t)got && at + n < size - 1;
}

void core_args_complete(struct core *core)
{
	char text[PRARGSZ] = "", *known = core->psinfo.pr_psargs;
	uint64_t va, argv, argc, word;

	if (known[0] == '\0' || strchr(known, ' ') != NULL)
		return;
	va = find_auxv(core);
	if (va == 0 || !find_argv(core, va, &argv, &argc))
		return;
	for (uint64_t i = 0; i < argc; i++) {
		if (!core_read_word(core, argv + i * core->word, &word) ||
		    !append_argument(core, word, text, sizeof(text)))
			break;
		/* The program has changed its arguments since: keep those of the note. */
		if (i == 0 && strcmp(text, known) != 0)
			return;
	}
	if (strncmp(text, known, strlen(known)) == 0)
		memcpy(known, text, sizeof(text));
}

/* Append the string at va and a NUL. False: there is none, or it is too long. */
static bool append_whole(struct core *core, uint64_t va, struct strbuf *out)
{
	for (size_t total = 0; total < ARGUMENT_LIMIT;) {
		char bytes[512];
		ssize_t got = core_read(core, bytes, sizeof(bytes), va + total);
		size_t n = got <= 0 ? 0 : strnlen(bytes, (size_t)got);

		if (got <= 0 || out->n > ARGUMENTS_LIMIT)
			return false;
		strbuf_add(out, bytes, n);
		if (n < (size_t)got) {
			strbuf_char(out, '\0');
			return !out->failed;
		}
		total += n;
	}
	return false;
}

/* Is `known`, whose arguments are joined by spaces, the start of the n bytes of text? */
static bool args_agree(const char *known, const char *text, size_t n)
{
	size_t i = 0;

	for (; i < n && known[i] != '\0'; i++) {
		if ((text[i] == '\0' ? ' ' : text[i]) != known[i])
			return false;
	}
	return known[i] == '\0';
}

enum res core_args_read(struct core *core, struct strbuf *out)
{
	struct strbuf text = STRBUF_EMPTY;
	uint64_t va = core->illumos ? 0 : find_auxv(core), argv, argc, word;
	bool whole = va != 0 && find_argv(core, va, &argv, &argc);

	for (uint64_t i = 0; whole && i < argc; i++)
		whole = core_read_word(core, argv + i * core->word, &word) && append_whole(core, word, &text);
	whole = whole && text.n > 0 && args_agree(core->psinfo.pr_psargs, text.at, text.n);
	if (whole)
		strbuf_add(out, text.at, text.n);
	strbuf_free(&text);
	return whole && !out->failed ? RES_OK : RES_NONE;
}

/* --- the executable --- */

/* Does the range have a name of the kernel for memory? It looks like that of a deleted file. */
static bool is_memory(const struct core_range *range)
{
	static const char *const names[] = { "/memfd:", "/anon_hugepage", "/dev/zero", "/SYSV" };

	for (size_t i = 0; range->deleted && i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);

		if (range->path_len >= n && memcmp(range->path, names[i], n) == 0)
			return true;
	}
	return false;
}

/* The first word of the command line, as a path. For a script it is the interpreter, whereas
 * AT_EXECFN is the script. */
static char *path_of_args(const struct core *core)
{
	const char *args = core->psinfo.pr_psargs;
	size_t n = strnlen(args, sizeof(core->psinfo.pr_psargs)), word = strcspn(args, " ");

	if (args[0] != '/' || word >= sizeof(core->psinfo.pr_psargs) - 1 || word > n)
		return NULL;
	return strndup(args, word);
}

char *core_exe_path(struct core *core)
{
	const struct core_range *range = core_exe(core);
	char path[PATH_MAX];
	ssize_t got;
	char *named = NULL;

	if (range != NULL && (core->illumos || !is_memory(range)))
		return strndup(range->path, range->path_len);
	if (core->illumos)
		return NULL;
	named = path_of_args(core);
	if (named != NULL)
		return named;
	got = core_read(core, path, sizeof(path), core_auxv(core, AT_EXECFN));
	if (got > 0 && path[0] == '/' && memchr(path, '\0', (size_t)got) != NULL)
		return strdup(path);
	return range == NULL ? NULL : strndup(range->path, range->path_len);
}
