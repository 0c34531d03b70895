/* Damaged debug information: FUZZ_RUNS (20,000) times, with a fixed seed. dwarf_members must
 * return in time, with or without answers. If the reading process dies, the fault must be
 * libdwarf's and not lib/dwarf's: the sanitizer's report of each death is read for that, and
 * counted by function. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dwarf/members.h"
#include "dwarf/search.h"
#include "elf/symbols.h"
#include "support/run_suite.h"
#include "unit/dwarf/sample.h"

enum {
	DEATHS = 64,
	RUNS = 20000,
	BATCH = 200, /* files that one process reads, if it lives */
	APART = 20   /* one file of so many goes through dwarf_members too */
};

static const struct dwarf_question questions[] = { { "sample_typedef", "first" },
	{ "sample_typedef", "in.nest.deep" }, { "sample_tag|sample_alias", "neither" },
	{ "sample_qualified", "f" }, { "sample_bits", "kind" }, { "sample_only_declared", "x" },
	{ "sample_number", "" } };

enum { QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

struct fuzz {
	uint8_t *file;
	size_t n;
	uint64_t random;
	struct {
		char function[64];
		unsigned times;
	} deaths[DEATHS];
	size_t death_n;
	unsigned died, refused, same, others;
	uint64_t hint; /* the function whose unit has the types */
	struct dwarf_answer sound[QUESTIONS];
	int report; /* stderr of the process that reads */
};

static uint32_t next(struct fuzz *z)
{
	z->random = z->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(z->random >> 33);
}

/* A library with the samples' debug information, whole in memory. */
static bool make_file(struct fuzz *z, const char *flags)
{
	char command[256];
	char folder[] = "/tmp/pystack-fuzz-XXXXXX", path[64];
	FILE *cc;
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/sample", folder);
	(void)snprintf(
	    command, sizeof(command), "gcc %s -x c -shared -fPIC -o %s - 2>/dev/null", flags, path);
	cc = popen(command, "w");
	ck_assert_ptr_nonnull(cc);
	(void)fprintf(cc,
	    "%s sample_typedef a; sample_qualified *b; struct sample_only_declared *c; union sample_union d; "
	    "sample_number e;"
	    "struct sample_bits g; int sample_hint(void) { return (int)e; }\n",
	    sample_text);
	if (pclose(cc) != 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	z->n = (size_t)lseek(fd, 0, SEEK_END);
	z->file = malloc(z->n);
	ck_assert_ptr_nonnull(z->file);
	ck_assert_int_eq(pread(fd, z->file, z->n, 0), (ssize_t)z->n);
	(void)close(fd);
	(void)unlink(path);
	(void)rmdir(folder);
	return true;
}

/* Read the undamaged file. */
static void read_sound(struct fuzz *z)
{
	uint8_t *copy = malloc(z->n);
	struct elf_image *img = NULL;
	struct elf_symbols *syms;
	struct elf_symbol found;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, z->file, z->n);
	ck_assert_int_eq(elf_image_from_bytes(copy, z->n, &img, NULL), RES_OK);
	syms = elf_symbols_create(img);
	ck_assert_int_eq(elf_symbols_by_name(syms, "sample_hint", &found), RES_OK);
	z->hint = found.sym.st_value;
	elf_symbols_destroy(syms);
	ck_assert_int_eq(dwarf_members(img, &(struct dwarf_request){ { &z->hint, 1 }, questions, QUESTIONS },
			     z->sound, NULL),
	    RES_OK);
	ck_assert_int_eq(z->sound[0].finding, DWARF_FOUND);
	elf_image_close(img);
}

/* The file with some bytes of one of its sections changed. */
static struct elf_image *damaged(struct fuzz *z)
{
	static const char *const sections[] = { ".debug_info", ".debug_abbrev", ".debug_info",
		".debug_abbrev", ".debug_info", ".debug_str", ".debug_aranges", ".debug_line_str" };
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xff };
	uint8_t *copy = malloc(z->n);
	struct elf_image *img = NULL;
	GElf_Shdr sh;
	const char *section = sections[next(z) % 8];
	unsigned times = 1 + next(z) % 4;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, z->file, z->n);
	ck_assert_int_eq(elf_image_from_bytes(copy, z->n, &img, NULL), RES_OK);
	if (elf_image_section(img, section, &sh, NULL) != RES_OK || sh.sh_size == 0)
		return img;
	for (unsigned i = 0; i < times; i++) {
		uint8_t *at = copy + sh.sh_offset + next(z) % sh.sh_size;

		*at = next(z) % 2 == 0 ? odd[next(z) % sizeof(odd)] : (uint8_t)next(z);
	}
	return img;
}

/* Find the faulty function: the innermost one that is neither a sanitizer's nor the C library's. */
static void count_death(struct fuzz *z, int status)
{
	char text[16384], function[64] = "(no report)", *line;
	ssize_t got = pread(z->report, text, sizeof(text) - 1, 0);
	size_t i = 0;

	text[got < 0 ? 0 : got] = '\0';
	for (line = strstr(text, "    #0 "); line != NULL; line = strstr(line + 1, "    #")) {
		char where[256] = "";

		if (sscanf(line, " #%*u %*s in %63s %255s", function, where) < 1 ||
		    strstr(where, "sanitizer") != NULL || strstr(where, "sysdeps") != NULL ||
		    strncmp(function, "__interceptor", 13) == 0)
			continue;
		ck_assert_msg(
		    strstr(where, "lib/dwarf/") == NULL && strstr(where, "lib/elf/") == NULL, "%s", text);
		break;
	}
	if (line == NULL)
		(void)snprintf(
		    function, sizeof(function), "(signal %d)", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	z->died++;
	while (i < z->death_n && strcmp(z->deaths[i].function, function) != 0)
		i++;
	if (i == DEATHS)
		return;
	if (i == z->death_n)
		(void)snprintf(
		    z->deaths[z->death_n++].function, sizeof(z->deaths[0].function), "%s", function);
	z->deaths[i].times++;
}

/* Read n damaged files in another process, and continue after a file at which it dies. *done
 * (shared) counts them. */
static void read_here(struct fuzz *z, struct elf_image *const *files, unsigned n, volatile unsigned *done)
{
	struct rlimit limit = { 20, 20 };

	for (*done = 0; *done < n; (*done)++) {
		int status;
		pid_t pid;

		ck_assert_int_eq(ftruncate(z->report, 0), 0);
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			struct dwarf_answer answers[QUESTIONS];

			(void)setrlimit(RLIMIT_CPU, &limit);
			(void)lseek(z->report, 0, SEEK_SET);
			(void)dup2(z->report, STDERR_FILENO);
			for (; *done < n; (*done)++)
				(void)search_members(files[*done],
				    &(struct dwarf_request){ { &z->hint, 1 }, questions, QUESTIONS },
				    answers);
			_exit(0);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		if (status != 0)
			count_death(z, status);
	}
}

static void read_apart(struct fuzz *z, struct elf_image *img)
{
	struct dwarf_answer answers[QUESTIONS];
	enum res res = dwarf_members(
	    img, &(struct dwarf_request){ { &z->hint, 1 }, questions, QUESTIONS }, answers, NULL);

	if (res != RES_OK)
		z->refused++;
	else if (memcmp(answers, z->sound, sizeof(answers)) == 0)
		z->same++;
	else
		z->others++;
}

START_TEST(damaged_debug_information)
{
	static const char *const flags[] = { "-gdwarf-4", "-gdwarf-5" };
	struct fuzz z = { .random = (uint64_t)_i, .report = memfd_create("report", MFD_CLOEXEC) };
	unsigned *done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *runs = getenv("FUZZ_RUNS");
	int n = runs == NULL ? RUNS : atoi(runs);

	ck_assert_int_ge(z.report, 0);
	ck_assert_ptr_ne(done, MAP_FAILED);
	if (!make_file(&z, flags[_i])) {
		(void)printf("SKIP: gcc cannot %s\n", flags[_i]);
		return;
	}
	read_sound(&z);
	for (int i = 0; i < n; i += BATCH) {
		struct elf_image *files[BATCH];

		for (int k = 0; k < BATCH; k++)
			files[k] = damaged(&z);
		read_here(&z, files, BATCH, done);
		for (int k = 0; k < BATCH; k++) {
			if (k % APART == 0)
				read_apart(&z, files[k]);
			elf_image_close(files[k]);
		}
	}
	(void)printf("%s: %d damaged files: libdwarf died of %u; read apart %u were refused, %u gave other "
		     "answers, %u the same\n",
	    flags[_i], n, z.died, z.refused, z.others, z.same);
	/* Damage that changes nothing would be none. */
	ck_assert_uint_gt(z.others + z.refused, 0);
	for (size_t i = 0; i < z.death_n; i++)
		(void)printf("    %6u %s\n", z.deaths[i].times, z.deaths[i].function);
	(void)close(z.report);
	(void)munmap(done, sizeof(*done));
	free(z.file);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fuzz dwarf");
	TCase *tcase = tcase_create("damage");

	if (!dwarf_can_read())
		(void)puts("SKIP: built without libdwarf");
	else
		tcase_add_loop_test(tcase, damaged_debug_information, 0, 2);
	tcase_set_timeout(tcase, 0);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
