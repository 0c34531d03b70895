/* eu-stack prints for each thread:
 *
 *      TID 4711:
 *      #0  0x00007f13d77162ad read - /usr/lib/x86_64-linux-gnu/libc.so.6
 *
 * Names may differ if a symbol has aliases, so pcs are compared. The symbol of our line is looked
 * up in the module's own tables, and some symbol of that name must be exactly offset bytes before
 * eu-stack's pc. The base of a module is found by the first such match and must be the same for all
 * others. */
#include "support/native.h"

#include <check.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct symbol {
	char *name;
	uint64_t value;
};

struct module {
	char path[512];
	bool based, moves; /* moves: it is not at the addresses of the file */
	uint64_t base;
	VEC(struct symbol) symbols;
};

struct modules {
	const struct interpreter *in;
	VEC(struct module) all;
};

struct frame {
	uint64_t pc;
	char path[512], name[1100];
};

static int by_name(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void load_symbols(struct module *m, Elf *elf)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn)) != NULL) {
		GElf_Shdr sh;
		Elf_Data *data;

		if (gelf_getshdr(scn, &sh) == NULL || (sh.sh_type != SHT_SYMTAB && sh.sh_type != SHT_DYNSYM))
			continue;
		data = elf_getdata(scn, NULL);
		for (int i = 0; data != NULL && (uint64_t)i < sh.sh_size / sh.sh_entsize; i++) {
			GElf_Sym sym;
			const char *name;
			struct symbol one;

			if (gelf_getsym(data, i, &sym) == NULL || sym.st_shndx == SHN_UNDEF)
				continue;
			name = elf_strptr(elf, sh.sh_link, sym.st_name);
			if (name == NULL || name[0] == 0)
				continue;
			one = (struct symbol){ strndup(name, strcspn(name, "@")), sym.st_value };
			ck_assert(vec_push(&m->symbols, one));
		}
	}
	if (m->symbols.n > 0)
		qsort(m->symbols.at, m->symbols.n, sizeof(m->symbols.at[0]), by_name);
}

static struct module *module_of(struct modules *ms, const char *path)
{
	struct module one = { .based = false };
	char file[1024];
	Elf *elf;
	int fd;

	for (size_t i = 0; i < ms->all.n; i++) {
		if (strcmp(ms->all.at[i].path, path) == 0)
			return &ms->all.at[i];
	}
	(void)snprintf(one.path, sizeof(one.path), "%s", path);
	(void)snprintf(file, sizeof(file), "%s%s", ms->in == NULL ? "" : ms->in->root, path);
	(void)elf_version(EV_CURRENT);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	if (elf != NULL) {
		GElf_Ehdr eh;

		load_symbols(&one, elf);
		one.moves = gelf_getehdr(elf, &eh) != NULL && eh.e_type == ET_DYN;
		(void)elf_end(elf);
	}
	if (fd >= 0)
		(void)close(fd);
	ck_assert(vec_push(&ms->all, one));
	return &ms->all.at[ms->all.n - 1];
}

static void modules_free(struct modules *ms)
{
	for (size_t i = 0; i < ms->all.n; i++) {
		for (size_t k = 0; k < ms->all.at[i].symbols.n; k++)
			free(ms->all.at[i].symbols.at[k].name);
		vec_free(&ms->all.at[i].symbols);
	}
	vec_free(&ms->all);
}

/* Is a symbol of this name at address start? Sections are page-aligned, so as long as the base is
 * unknown the low bits must match. A module without that name (its names come from a separate debug
 * file) cannot be checked. */
static bool symbol_at(struct module *m, const char *name, uint64_t start)
{
	const struct symbol key = { (char *)(uintptr_t)name, 0 };
	const struct symbol *hit;
	size_t i;

	if (m->symbols.n == 0)
		return true;
	hit = bsearch(&key, m->symbols.at, m->symbols.n, sizeof(key), by_name);
	if (hit == NULL)
		return true;
	i = (size_t)(hit - m->symbols.at);
	while (i > 0 && strcmp(m->symbols.at[i - 1].name, name) == 0)
		i--;
	for (; i < m->symbols.n && strcmp(m->symbols.at[i].name, name) == 0; i++) {
		uint64_t base = start - m->symbols.at[i].value;

		if (m->based && base == m->base)
			return true;
		if (!m->based && (base & 0xfff) == 0) {
			m->based = true;
			m->base = base;
			return true;
		}
	}
	return false;
}

/* Is `address` of the file at pc? */
static bool address_at(struct module *m, uint64_t address, uint64_t pc)
{
	uint64_t base = pc - address;

	if (m->based)
		return base == m->base;
	m->base = base;
	m->based = (base & 0xfff) == 0 && (base != 0) == m->moves;
	return m->based;
}

static void compare_line(
    struct modules *ms, long tid, size_t n, const struct frame *f, const char *ours, struct strbuf *wrong)
{
	const char *tick = strrchr(ours, '`'), *plus, *base = strrchr(f->path, '/');
	char name[1100];
	uint64_t offset = 0;
	bool same;

	base = base == NULL ? f->path : base + 1;
	if (tick == NULL) {
		same = strtoull(ours, NULL, 16) == f->pc;
	} else if (strncmp(tick + 1, "0x", 2) == 0) {
		same = f->path[0] != '/' ||
		       address_at(module_of(ms, f->path), strtoull(tick + 1, NULL, 16), f->pc);
	} else {
		plus = strstr(tick, "+0x");
		if (plus != NULL)
			offset = strtoull(plus + 1, NULL, 16);
		(void)snprintf(name, sizeof(name), "%.*s",
		    (int)(plus == NULL ? strlen(tick + 1) : (size_t)(plus - tick - 1)), tick + 1);
		same = f->path[0] != '/' || symbol_at(module_of(ms, f->path), name, f->pc - offset);
	}
	if (tick != NULL && f->path[0] == '/' &&
	    (strlen(base) != (size_t)(tick - ours) || strncmp(base, ours, strlen(base)) != 0))
		same = false;
	if (!same)
		strbuf_fmt(wrong, "thread %ld native %zu: %s, eu-stack %#" PRIx64 " %s - %s\n", tid, n, ours,
		    f->pc, f->name, f->path);
}

/* One "#N pc [name] - module" line. */
static bool parse_frame(const char *line, struct frame *f)
{
	char *end;
	const char *dash;

	if (line[0] != '#' || strstr(line, "0x") == NULL)
		return false;
	memset(f, 0, sizeof(*f));
	f->pc = strtoull(strstr(line, "0x"), &end, 16);
	dash = strstr(end, " - ");
	for (const char *next = dash; next != NULL; next = strstr(dash + 1, " - "))
		dash = next;
	if (dash != NULL)
		(void)snprintf(f->path, sizeof(f->path), "%s", dash + 3);
	if (dash != end && *end == ' ')
		(void)snprintf(f->name, sizeof(f->name), "%.*s",
		    (int)(dash == NULL ? strlen(end + 1) : (size_t)(dash - end - 1)), end + 1);
	return true;
}

static void compare_count(long tid, size_t theirs, const struct output_thread *o, struct strbuf *wrong)
{
	size_t ours = 0;

	for (size_t i = 0; i < o->lines.n; i++)
		ours += o->lines.at[i].kind == LINE_NATIVE;
	if (ours != theirs)
		strbuf_fmt(wrong, "thread %ld: %zu native lines, eu-stack %zu\n", tid, ours, theirs);
}

static const struct output_line *native_line(const struct output_thread *o, size_t n)
{
	for (size_t i = 0; i < o->lines.n; i++) {
		if (o->lines.at[i].kind == LINE_NATIVE && n-- == 0)
			return &o->lines.at[i];
	}
	return NULL;
}

/* eu-stack's exit status 1: some stacks are cut short, and stderr names their threads. */
static bool cut_short(const char *err, long tid)
{
	static const char key[] = "getframes tid ";

	for (const char *at = strstr(err, key); at != NULL; at = strstr(at + 1, key)) {
		if (strtol(at + strlen(key), NULL, 10) == tid)
			return true;
	}
	return false;
}

static int compare_all(
    struct modules *ms, char *text, const char *err, const struct output *o, struct strbuf *wrong)
{
	const struct output_thread *thread = NULL;
	size_t n = 0;
	int compared = 0;
	long tid = 0;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		struct frame f;

		if (sscanf(line, "TID %ld:", &tid) == 1) {
			if (thread != NULL)
				compare_count(thread->tid, n, thread, wrong);
			thread = cut_short(err, tid) ? NULL : output_thread(o, tid);
			if (thread == NULL && !cut_short(err, tid))
				strbuf_fmt(wrong, "thread %ld missing\n", tid);
			compared += thread != NULL;
			n = 0;
		} else if (thread != NULL && parse_frame(line, &f)) {
			const struct output_line *ours = native_line(thread, n);

			if (ours != NULL)
				compare_line(ms, tid, n, &f, ours->text, wrong);
			n++;
		}
	}
	if (thread != NULL)
		compare_count(thread->tid, n, thread, wrong);
	return compared;
}

int native_compare(const struct interpreter *in, long pid, const char *core, const char *exec,
    const struct output *o, struct strbuf *wrong, const char **why)
{
	struct modules ms = { in, VEC_EMPTY };
	struct run_options opt = { .in = in, .timeout = 120 };
	char number[32], core_path[PATH_MAX];
	struct run r;
	int compared;

	(void)snprintf(number, sizeof(number), "%ld", pid);
	if (core != NULL) {
		fixture_path(in, core, core_path, sizeof(core_path));
		r = run_program(&opt,
		    (const char *[]){ "eu-stack", "-n", "0", "-m", "-e", exec, "--core", core_path, NULL });
	} else {
		opt.beside = (pid_t)pid;
		r = run_program(&opt, (const char *[]){ "eu-stack", "-n", "0", "-m", "-p", number, NULL });
	}
	if (r.status != 0 && (r.status != 1 || strstr(r.out, "TID ") == NULL)) {
		*why = r.status == 127 ? "no eu-stack" : "eu-stack could not finish";
		run_free(&r);
		return -1;
	}
	compared = compare_all(&ms, r.out, r.err, o, wrong);
	if (compared < (int)o->threads.n)
		(void)printf(
		    "eu-stack on %s: %d of %zu threads\n%.2000s\n", in->label, compared, o->threads.n, r.err);
	modules_free(&ms);
	run_free(&r);
	return compared;
}
