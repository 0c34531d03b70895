/* Objects whose text is in other memory than a mapping of their file. The test program's own
 * mappings are shown as if its text had been copied elsewhere. */
#include <libproc.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/owned.h"
#include "proc/handle.h"
#include "support/run_suite.h"
#include "support/self_process.h"

static struct self_process self;
static char program[SELF_NAME];

static void show(void)
{
	ck_assert(self_path(program));
	ck_assert(self_process(&self, NULL, NULL));
	self.fake.execname = program;
}

/* The first mapping of the program that has these rights. */
static struct fake_map *own(int flags)
{
	for (size_t i = 0; i < self.n; i++) {
		struct fake_map *m = &self.maps[i];

		if (m->name != NULL && strcmp(m->name, program) == 0 &&
		    (m->flags & (MA_READ | MA_WRITE | MA_EXEC)) == flags)
			return m;
	}
	ck_abort_msg("the program has no such mapping");
}

static void replace(struct fake_map *m, const char *name)
{
	m->name = name;
	m->offset = 0;
}

/* Check that code is found as the program's, with the function's name, and that its bytes are not
 * taken from the file. */
static void is_found(struct ps_prochandle *P)
{
	char name[64], path[PATH_MAX];
	struct span bytes;
	GElf_Sym sym;

	ck_assert_ptr_nonnull(Pobjname(P, (uintptr_t)is_found, path, sizeof(path)));
	ck_assert_str_eq(path, program);
	ck_assert_int_eq(Plookup_by_addr(P, (uintptr_t)is_found + 1, name, sizeof(name), &sym), 0);
	ck_assert_str_eq(name, "is_found");
	ck_assert_uint_eq(sym.st_value, (uintptr_t)is_found);
	ck_assert_int_eq(Plookup_by_name(P, PR_OBJ_EXEC, "is_found", &sym), 0);
	ck_assert_uint_eq(sym.st_value, (uintptr_t)is_found);
	ck_assert_int_eq(objects_file_bytes(P->objects, (uintptr_t)is_found, &bytes), RES_NONE);
	for (size_t i = 0; i < P->objects->notices.n; i++)
		ck_abort_msg("notice %d", (int)P->objects->notices.at[i].what.code);
}

static void grab_and_find(void)
{
	struct ps_prochandle *P = fake_grab(&self.fake);

	is_found(P);
	Prelease(P, 0);
}

START_TEST(nameless_text_is_the_objects)
{
	show();
	replace(own(MA_READ | MA_EXEC), NULL);
	grab_and_find();
}
END_TEST

START_TEST(text_in_a_file_of_memory_is_the_objects)
{
	show();
	replace(own(MA_READ | MA_EXEC), "/memfd:text");
	grab_and_find();
}
END_TEST

/* The page of the function alone. */
START_TEST(a_part_of_the_text_is_the_objects)
{
	const size_t page = 4096;
	uintptr_t from = (uintptr_t)is_found & ~(page - 1);
	struct fake_map *text, moved, behind;

	show();
	text = own(MA_READ | MA_EXEC);
	moved = behind = *text;
	ck_assert_uint_lt(self.n, SELF_MAPS - 2);
	moved.va = from;
	moved.size = page;
	replace(&moved, NULL);
	behind.va = from + page;
	behind.size = text->va + text->size - behind.va;
	behind.offset += (off_t)(behind.va - text->va);
	text->size = from - text->va;
	if (text->size == 0)
		*text = moved;
	else
		self.maps[self.n++] = moved;
	if (behind.size != 0)
		self.maps[self.n++] = behind;
	self.maps[self.n] = (struct fake_map){ 0 };
	grab_and_find();
}
END_TEST

static void move_all(void)
{
	for (size_t i = 0; i < self.n; i++) {
		if (self.maps[i].name != NULL && strcmp(self.maps[i].name, program) == 0)
			replace(&self.maps[i], NULL);
	}
}

/* The auxiliary vector identifies the program. */
START_TEST(a_program_without_a_mapping_of_its_file)
{
	auxv_t auxv[] = { { .a_type = AT_PHDR }, { .a_type = AT_NULL } };

	auxv[0].a_un.a_val = (long)getauxval(AT_PHDR);
	show();
	move_all();
	self.fake.auxv = auxv;
	grab_and_find();
}
END_TEST

/* The dynamic linker's list names the libraries: here this test's C library. */
START_TEST(a_library_without_a_mapping_of_its_file)
{
	auxv_t auxv[] = { { .a_type = AT_PHDR }, { .a_type = AT_PHENT }, { .a_type = AT_PHNUM },
		{ .a_type = AT_NULL } };
	struct ps_prochandle *P;
	char library[PATH_MAX], path[PATH_MAX];
	GElf_Sym sym;

	for (size_t i = 0; i < 3; i++)
		auxv[i].a_un.a_val = (long)getauxval((unsigned long)auxv[i].a_type);
	show();
	P = fake_grab(&self.fake);
	ck_assert_ptr_nonnull(Pobjname(P, (uintptr_t)strtoull, library, sizeof(library)));
	Prelease(P, 0);
	for (size_t i = 0; i < self.n; i++) {
		if (self.maps[i].name != NULL && strcmp(self.maps[i].name, library) == 0)
			replace(&self.maps[i], NULL);
	}
	self.fake.auxv = auxv;
	P = fake_grab(&self.fake);
	ck_assert_ptr_nonnull(Pobjname(P, (uintptr_t)strtoull, path, sizeof(path)));
	ck_assert_ptr_nonnull(strstr(path, strrchr(library, '/')));
	ck_assert_int_eq(Plookup_by_addr(P, (uintptr_t)strtoull, path, sizeof(path), &sym), 0);
	ck_assert_uint_eq(sym.st_value, (uintptr_t)strtoull);
	Prelease(P, 0);
}
END_TEST

/* Code made at run time belongs to no object, wherever it is, */
START_TEST(other_code_is_nobodys)
{
	struct fake_map *last = NULL, jit = { .size = 4096, .flags = MA_READ | MA_EXEC };
	struct ps_prochandle *P;
	char path[PATH_MAX];

	show();
	for (size_t i = 0; i < self.n; i++) {
		if (self.maps[i].name != NULL && strcmp(self.maps[i].name, program) == 0)
			last = &self.maps[i];
	}
	ck_assert_ptr_nonnull(last);
	jit.va = last->va + last->size + (16 << 20);
	self.maps[self.n++] = jit;
	self.maps[self.n] = (struct fake_map){ 0 };
	P = fake_grab(&self.fake);
	ck_assert_ptr_null(Pobjname(P, jit.va, path, sizeof(path)));
	ck_assert_ptr_nonnull(Pobjname(P, (uintptr_t)is_found, path, sizeof(path)));
	Prelease(P, 0);
}
END_TEST

/* even if there is so much that not all can be examined; text next to an object is found
 * nevertheless, */
START_TEST(among_much_other_code)
{
	enum { MANY = 5000 };
	OWNED(mem_release) struct fake_map *maps = calloc(MANY + SELF_MAPS, sizeof(*maps));

	ck_assert_ptr_nonnull(maps);
	show();
	replace(own(MA_READ | MA_EXEC), NULL);
	for (size_t i = 0; i < MANY; i++)
		maps[i] = (struct fake_map){
			.va = 0x10000 + i * 0x2000, .size = 0x1000, .flags = MA_READ | MA_EXEC
		};
	memcpy(maps + MANY, self.maps, self.n * sizeof(*maps));
	self.fake.maps = maps;
	grab_and_find();
	ck_assert_uint_lt(self.fake.reads, 3000);
}
END_TEST

/* and nothing is read if there is no such code. */
START_TEST(nothing_is_read_of_others)
{
	struct ps_prochandle *P;

	show();
	P = fake_grab(&self.fake);
	ck_assert_ptr_nonnull(handle_objects(P));
	ck_assert_uint_eq(self.fake.reads, 0);
	Prelease(P, 0);
}
END_TEST

/* Headers are anything: spans that wrap, no end of segments. */
START_TEST(damaged_headers)
{
	static struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph[2];
	} file;
	static const uint64_t sizes[] = { 0, 1, 0x1000, UINT64_MAX, UINT64_MAX - 0x1000, 1ULL << 63 };
	enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };
	const struct fake_segment segments[] = { { 0x10000, &file, sizeof(file) }, { 0 } };
	const struct fake_map maps[] = { { 0x10000, 0x1000, MA_READ, 0, "/no/such/lib.so" },
		{ 0x11000, 0x1000, MA_READ | MA_EXEC, 0, NULL },
		{ 0x12000, 0x1000, MA_READ | MA_EXEC, 0, "/memfd:x" }, { 0 } };
	struct fake_process fake = { .segments = segments, .maps = maps };

	memcpy(file.eh.e_ident, ELFMAG, SELFMAG);
	file.eh.e_ident[EI_CLASS] = ELFCLASS64;
	file.eh.e_phentsize = sizeof(file.ph[0]);
	file.eh.e_phoff = sizeof(file.eh);
	file.eh.e_phnum = 2;
	for (size_t i = 0; i < (size_t)SIZES * SIZES * SIZES; i++) {
		struct ps_prochandle *P;

		file.ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
			.p_flags = PF_X,
			.p_vaddr = sizes[i % SIZES],
			.p_filesz = sizes[i / SIZES % SIZES],
			.p_memsz = sizes[i / SIZES / SIZES] };
		file.ph[1] = file.ph[0];
		file.ph[1].p_vaddr += 0x1000;
		P = fake_grab(&fake);
		ck_assert_ptr_nonnull(handle_objects(P));
		Prelease(P, 0);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { nameless_text_is_the_objects, text_in_a_file_of_memory_is_the_objects,
		a_part_of_the_text_is_the_objects, a_program_without_a_mapping_of_its_file,
		a_library_without_a_mapping_of_its_file, other_code_is_nobodys, among_much_other_code,
		nothing_is_read_of_others, damaged_headers };

	return run_suite("moved text", tests, sizeof(tests) / sizeof(tests[0]));
}
