/* Which file is taken for the mapped one. The test program's own mappings are shown under the name
 * of a copy of its file, which is then left alone, changed, or removed. */
#include <errno.h>
#include <fcntl.h>
#include <libproc.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "proc/handle.h"
#include "support/run_suite.h"
#include "support/self_process.h"

static struct self_process self;
static char program[SELF_NAME], folder[32], copy[SELF_NAME];
static const char marker[32] = "a constant that the file has too";

/* A copy of the program; patch: with another build-id. */
static void copy_program(bool patch)
{
	OWNED(mem_release) char *bytes = NULL;
	OWNED(fd_release) int fd = open(program, O_RDONLY | O_CLOEXEC);
	OWNED(file_release) FILE *out = NULL;
	struct elf_image *img;
	struct span id;
	size_t n;

	ck_assert_int_eq(fileio_slurp(AT_FDCWD, program, 1u << 30, &bytes, &n), 0);
	ck_assert_int_eq(elf_image_open(fd, &img, NULL), RES_OK);
	ck_assert_int_eq(elf_image_build_id(img, &id), RES_OK);
	if (patch)
		bytes[id.at - (const uint8_t *)elf_image_bytes(img, 0, 1)] ^= 1;
	elf_image_close(img);
	out = fopen(copy, "we");
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
}

static void make_folder(void)
{
	ck_assert(self_path(program));
	(void)snprintf(folder, sizeof(folder), "/tmp/pystack-objects-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(copy, sizeof(copy), "%.31s/program", folder);
}

static void remove_folder(void)
{
	(void)unlink(copy);
	(void)rmdir(copy);
	(void)rmdir(folder);
}

static struct ps_prochandle *grab(void)
{
	ck_assert(self_process(&self, program, copy));
	return fake_grab(&self.fake);
}

static struct proc_object *program_object(struct ps_prochandle *P)
{
	struct proc_object *obj = objects_at(handle_objects(P), (uintptr_t)marker);

	ck_assert_ptr_nonnull(obj);
	ck_assert_str_eq(obj->path, copy);
	return obj;
}

static const struct notice *notice(struct ps_prochandle *P, size_t i)
{
	ck_assert_uint_lt(i, P->objects->notices.n);
	return &P->objects->notices.at[i].what;
}

START_TEST(the_same_build_id_is_the_same_file)
{
	struct ps_prochandle *P;
	struct proc_object *obj;
	struct span bytes;

	copy_program(false);
	P = grab();
	obj = program_object(P);
	ck_assert_int_eq(objects_image(P->objects, obj), RES_OK);
	ck_assert(!obj->from_memory);
	ck_assert_uint_eq(P->objects->notices.n, 0);
	ck_assert_int_eq(objects_file_bytes(P->objects, (uintptr_t)marker, &bytes), RES_OK);
	ck_assert_uint_ge(span_left(&bytes), sizeof(marker));
	ck_assert_mem_eq(bytes.at, marker, sizeof(marker));
	ck_assert_int_eq(objects_file_bytes(P->objects, (uintptr_t)&self, &bytes), RES_NONE);
	ck_assert_int_eq(objects_file_bytes(P->objects, (uintptr_t)&bytes, &bytes), RES_NONE);
	Prelease(P, 0);
}
END_TEST

START_TEST(another_build_id_is_another_file)
{
	struct ps_prochandle *P;
	struct proc_object *obj;
	struct span bytes;

	copy_program(true);
	P = grab();
	obj = program_object(P);
	ck_assert_int_eq(objects_image(P->objects, obj), RES_OK);
	ck_assert(obj->from_memory);
	ck_assert_uint_eq(P->objects->notices.n, 1);
	ck_assert_str_eq(notice(P, 0)->file, copy);
	ck_assert_int_eq(notice(P, 0)->code, NOTICE_OTHER_FILE);
	ck_assert_ptr_null(notice(P, 0)->detail);
	ck_assert(!notice(P, 0)->failed);
	ck_assert_int_eq(notice(P, 0)->instead, NOTICE_FROM_MEMORY);
	/* Loaded segments are at their addresses. */
	ck_assert_int_eq(elf_image_at(obj->image, (uintptr_t)marker - obj->bias, &bytes, NULL), RES_OK);
	ck_assert_mem_eq(bytes.at, marker, sizeof(marker));
	/* Bytes that came from memory prove nothing about memory. */
	ck_assert_int_eq(objects_file_bytes(P->objects, (uintptr_t)marker, &bytes), RES_NONE);
	Prelease(P, 0);
}
END_TEST

START_TEST(a_missing_file_is_read_from_memory)
{
	struct ps_prochandle *P = grab();
	struct proc_object *obj = program_object(P);

	ck_assert_int_eq(objects_image(P->objects, obj), RES_OK);
	ck_assert(obj->from_memory);
	ck_assert_int_eq(notice(P, 0)->code, NOTICE_NOT_OPENED);
	ck_assert_int_eq(notice(P, 0)->error, ENOENT);
	ck_assert_int_eq(objects_image(P->objects, obj), RES_OK);
	ck_assert_uint_eq(P->objects->notices.n, 1);
	Prelease(P, 0);
}
END_TEST

/* Only the ELF header's page was saved, as in a kernel core. */
static uintptr_t first_page;

static ssize_t read_first_page(struct fake_process *fake, void *buf, size_t n, uintptr_t va)
{
	(void)fake;
	if (va < first_page || va >= first_page + 4096)
		return 0;
	n = n < first_page + 4096 - va ? n : first_page + 4096 - va;
	memcpy(buf, (const void *)va, n);
	return (ssize_t)n;
}

START_TEST(headers_alone_check_a_file_but_do_not_replace_it)
{
	struct ps_prochandle *P = grab();

	first_page = program_object(P)->base;
	self.fake.read = read_first_page;
	ck_assert_int_eq(objects_image(P->objects, program_object(P)), RES_NONE);
	ck_assert(notice(P, 0)->failed);
	ck_assert_int_eq(notice(P, 0)->instead, NOTICE_NOTHING);
	ck_assert(!notice(P, 0)->id_unknown);
	ck_assert_uint_ne(notice(P, 0)->id.n, 0);
	ck_assert_ptr_null(objects_symbols(P->objects, program_object(P)));
	Prelease(P, 0);

	copy_program(true);
	P = grab();
	self.fake.read = read_first_page;
	ck_assert_int_eq(
	    objects_image(P->objects == NULL ? handle_objects(P) : P->objects, program_object(P)), RES_NONE);
	Prelease(P, 0);

	copy_program(false);
	P = grab();
	self.fake.read = read_first_page;
	ck_assert_int_eq(objects_image(handle_objects(P), program_object(P)), RES_OK);
	ck_assert_uint_eq(P->objects->notices.n, 0);
	Prelease(P, 0);
}
END_TEST

static ssize_t read_nothing(struct fake_process *fake, void *buf, size_t n, uintptr_t va)
{
	(void)fake;
	(void)buf;
	(void)n;
	(void)va;
	return 0;
}

START_TEST(a_page_mapped_once_more_is_checked_by_the_whole)
{
	OWNED(fd_release) int fd = open(program, O_RDONLY | O_CLOEXEC);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4096);
	struct ps_prochandle *P;
	struct proc_object *obj;

	ck_assert_ptr_ne(page, MAP_FAILED);
	for (int patched = 0; patched < 2; patched++) {
		copy_program(patched != 0);
		P = grab();
		obj = objects_at(handle_objects(P), (uintptr_t)page);
		ck_assert_ptr_nonnull(obj);
		ck_assert_ptr_ne(obj, program_object(P));
		(void)objects_image(P->objects, obj);
		ck_assert(obj->from_memory || obj->image == NULL || patched == 0);
		ck_assert(patched != 0 || (obj->image != NULL && P->objects->notices.n == 0));
		Prelease(P, 0);
	}
	(void)munmap(page, 4096);
}
END_TEST

START_TEST(what_cannot_be_checked_is_used_and_told_once)
{
	struct ps_prochandle *P;

	copy_program(true);
	P = grab();
	self.fake.read = read_nothing;
	ck_assert_int_eq(objects_image(handle_objects(P), program_object(P)), RES_OK);
	ck_assert(!program_object(P)->from_memory);
	ck_assert_uint_eq(P->objects->notices.n, 0);
	ck_assert_uint_eq(P->objects->unverified, 1);
	ck_assert_str_eq(P->objects->first_unverified, program_object(P)->path);
	Prelease(P, 0);
}
END_TEST

START_TEST(no_file_and_no_memory_is_nothing)
{
	struct ps_prochandle *P = grab();

	self.fake.read = read_nothing;
	ck_assert_int_eq(objects_image(handle_objects(P), program_object(P)), RES_NONE);
	ck_assert(notice(P, 0)->failed);
	ck_assert(notice(P, 0)->id_unknown);
	Prelease(P, 0);
}
END_TEST

START_TEST(fifos_and_folders_are_not_opened)
{
	struct ps_prochandle *P;

	ck_assert_int_eq(mkfifo(copy, 0600), 0);
	P = grab();
	ck_assert_int_eq(objects_image(handle_objects(P), program_object(P)), RES_OK);
	ck_assert_int_eq(notice(P, 0)->error, EINVAL);
	Prelease(P, 0);
	(void)unlink(copy);

	ck_assert_int_eq(mkdir(copy, 0700), 0);
	P = grab();
	ck_assert_int_eq(objects_image(handle_objects(P), program_object(P)), RES_OK);
	ck_assert_int_eq(notice(P, 0)->error, EINVAL);
	Prelease(P, 0);
}
END_TEST

START_TEST(data_files_are_no_images_and_no_trouble)
{
	OWNED(file_release) FILE *out = fopen(copy, "we");
	struct ps_prochandle *P;

	ck_assert_int_gt(fprintf(out, "some text\n"), 0);
	(void)fflush(out);
	P = grab();
	self.fake.read = read_nothing;
	ck_assert_int_eq(objects_image(handle_objects(P), program_object(P)), RES_NONE);
	ck_assert_uint_eq(P->objects->notices.n, 0);
	Prelease(P, 0);
	/* Unless a program is mapped: then the file was replaced by something else. */
	P = grab();
	ck_assert_int_eq(objects_image(handle_objects(P), program_object(P)), RES_OK);
	ck_assert(program_object(P)->from_memory);
	ck_assert_int_eq(notice(P, 0)->code, NOTICE_NOT_ELF);
	Prelease(P, 0);
}
END_TEST

START_TEST(a_damaged_file_is_not_believed)
{
	struct ps_prochandle *P;

	copy_program(false);
	ck_assert_int_eq(truncate(copy, 200), 0);
	P = grab();
	ck_assert_int_eq(objects_image(handle_objects(P), program_object(P)), RES_OK);
	ck_assert(program_object(P)->from_memory);
	Prelease(P, 0);
}
END_TEST

/* Headers in memory with false values only. */
static Elf64_Ehdr liar;
static Elf64_Phdr lies[4];

static ssize_t read_lies(struct fake_process *fake, void *buf, size_t n, uintptr_t va)
{
	uintptr_t at = va - first_page;

	(void)fake;
	memset(buf, 0xff, n);
	if (at < sizeof(liar))
		memcpy(buf, (const char *)&liar + at, n < sizeof(liar) - at ? n : sizeof(liar) - at);
	else if (at >= liar.e_phoff && at - liar.e_phoff + n <= sizeof(lies))
		memcpy(buf, (const char *)lies + (at - liar.e_phoff), n);
	return (ssize_t)n;
}

START_TEST(lying_headers_in_memory_do_no_harm)
{
	struct ps_prochandle *P;

	copy_program(false);
	memcpy(liar.e_ident, ELFMAG, SELFMAG);
	liar.e_ident[EI_CLASS] = ELFCLASS64;
	liar.e_ident[EI_DATA] = ELFDATA2LSB;
	liar.e_ident[EI_VERSION] = EV_CURRENT;
	liar.e_machine = EM_X86_64;
	liar.e_version = EV_CURRENT;
	liar.e_type = ET_DYN;
	liar.e_ehsize = sizeof(liar);
	liar.e_phentsize = sizeof(Elf64_Phdr);
	liar.e_phnum = 4;
	liar.e_phoff = 64;
	lies[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_vaddr = UINT64_MAX, .p_filesz = UINT64_MAX };
	lies[1] =
	    (Elf64_Phdr){ .p_type = PT_NOTE, .p_vaddr = UINT64_MAX, .p_filesz = UINT64_MAX, .p_align = 3 };
	lies[2] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_vaddr = 0, .p_filesz = 1u << 20, .p_align = 8 };
	lies[3] = (Elf64_Phdr){ .p_type = PT_GNU_EH_FRAME, .p_vaddr = 1, .p_filesz = UINT64_MAX };
	P = grab();
	first_page = program_object(P)->base;
	self.fake.read = read_lies;
	ck_assert_int_eq(objects_image(handle_objects(P), program_object(P)), RES_NONE);
	ck_assert(notice(P, 0)->failed);
	Prelease(P, 0);
}
END_TEST

START_TEST(what_is_remembered_outlives_the_process)
{
	struct ps_prochandle *P;
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);

	copy_program(false);
	P = grab();
	objects_remember(handle_objects(P));
	self.fake.read = read_nothing;
	ck_assert_int_eq(objects_image(P->objects, program_object(P)), RES_OK);
	ck_assert(!program_object(P)->from_memory);
	if (vdso != 0)
		ck_assert_int_eq(objects_image(P->objects, objects_at(P->objects, vdso)), RES_OK);
	ck_assert_uint_eq(P->objects->notices.n, 0);
	Prelease(P, 0);

	copy_program(true);
	P = grab();
	/* As handles of live processes do by themselves. */
	(void)handle_objects(P);
	P->backend.kind = HANDLE_LIVE;
	(void)handle_objects(P);
	self.fake.read = read_nothing;
	ck_assert_int_eq(objects_image(P->objects, program_object(P)), RES_NONE);
	ck_assert_int_eq(notice(P, 0)->code, NOTICE_OTHER_FILE);
	ck_assert_ptr_null(notice(P, 0)->detail);
	Prelease(P, 0);
}
END_TEST

START_TEST(deleted_files_are_remembered_whole)
{
	struct ps_prochandle *P = grab();

	for (size_t i = 0; i < handle_objects(P)->maps.n; i++)
		P->objects->maps.at[i].deleted = P->objects->maps.at[i].path != NULL;
	objects_remember(P->objects);
	self.fake.read = read_nothing;
	ck_assert_int_eq(objects_image(P->objects, program_object(P)), RES_OK);
	ck_assert(program_object(P)->from_memory);
	Prelease(P, 0);
}
END_TEST

/* A JIT's memory file: executable, deleted, unreachable, and no ELF at all. */
START_TEST(mapped_code_that_is_no_elf_file_is_no_trouble)
{
	static const char code[4096] = "\x90\x90\x90\x90\xc3";
	static const struct fake_segment segments[] = { { 0x10000, code, sizeof(code) }, { 0 } };
	static const struct fake_map maps[] = { { 0x10000, 4096, MA_READ | MA_EXEC, 0, "/memfd:jit" },
		{ 0 } };
	struct fake_process fake = { .maps = maps, .segments = segments };
	struct ps_prochandle *P = fake_grab(&fake);

	ck_assert_int_eq(objects_image(handle_objects(P), objects_at(handle_objects(P), 0x10000)), RES_NONE);
	ck_assert_uint_eq(P->objects->notices.n, 0);
	Prelease(P, 0);
}
END_TEST

__attribute__((noinline)) static int named_by_debug_file_only(int n)
{
	return n ^ program[0];
}

START_TEST(a_debug_file_is_asked_by_address_and_by_a_hidden_name)
{
	struct ps_prochandle *P;
	uintptr_t at = (uintptr_t)named_by_debug_file_only;
	char command[512], debug[80], name[64];
	GElf_Sym sym;

	(void)snprintf(debug, sizeof(debug), "%s.debug", copy);
	(void)snprintf(command, sizeof(command),
	    "objcopy --only-keep-debug %s %s && objcopy --strip-all --add-gnu-debuglink=%s %s %s", program,
	    debug, debug, program, copy);
	if (system(command) != 0) {
		(void)printf("SKIP: objcopy cannot split the test program\n");
		return;
	}
	P = grab();
	self.fake.execname = copy;
	ck_assert_int_eq(Plookup_by_name(P, PR_OBJ_EVERY, "named_by_debug_file_only", &sym), -1);
	ck_assert_int_eq(Plookup_by_name(P, PR_OBJ_EXEC, "named_by_debug_file_only", &sym), 0);
	ck_assert_uint_eq(sym.st_value, at);
	ck_assert_int_eq(Plookup_by_addr(P, at, name, sizeof(name), &sym), 0);
	ck_assert_str_eq(name, "named_by_debug_file_only");
	Prelease(P, 0);
	(void)unlink(debug);
}
END_TEST

START_TEST(notices_are_kept_once)
{
	static const struct fake_map maps[] = { { 0x1000, 0x1000, MA_READ, 0, NULL }, { 0 } };
	struct fake_process fake = { .maps = maps };
	struct ps_prochandle *P = fake_grab(&fake);
	struct proc_objects *o = handle_objects(P);
	char detail[8];

	(void)snprintf(detail, sizeof(detail), "one");
	objects_notice(
	    o, &(struct notice){ .code = NOTICE_NOT_USABLE, .failed = true, .file = copy, .detail = detail });
	objects_notice(o, &(struct notice){ .code = NOTICE_NOT_USABLE, .file = copy, .detail = "two" });
	objects_notice(o, &(struct notice){ .code = NOTICE_NOT_USABLE, .file = program, .detail = "one" });
	objects_notice(o, &(struct notice){ .code = NOTICE_NOT_ELF, .file = copy });
	objects_notice(
	    o, &(struct notice){ .code = NOTICE_NOT_USABLE, .failed = true, .file = copy, .detail = "one" });
	ck_assert_uint_eq(o->notices.n, 4);
	/* The same file once more, with another outcome: the exit status depends on it. */
	objects_notice(o, &(struct notice){ .code = NOTICE_NOT_ELF, .failed = true, .file = copy });
	ck_assert_uint_eq(o->notices.n, 5);
	/* The detail was copied. */
	memset(detail, 0, sizeof(detail));
	ck_assert_str_eq(o->notices.at[0].what.detail, "one");
	ck_assert(o->notices.at[0].what.failed);
	Prelease(P, 0);
}
END_TEST

int main(void)
{
	const TTest *const with_folder[] = { the_same_build_id_is_the_same_file,
		another_build_id_is_another_file, a_missing_file_is_read_from_memory,
		headers_alone_check_a_file_but_do_not_replace_it,
		a_page_mapped_once_more_is_checked_by_the_whole, what_cannot_be_checked_is_used_and_told_once,
		no_file_and_no_memory_is_nothing, fifos_and_folders_are_not_opened,
		data_files_are_no_images_and_no_trouble, a_damaged_file_is_not_believed,
		lying_headers_in_memory_do_no_harm, what_is_remembered_outlives_the_process,
		deleted_files_are_remembered_whole, a_debug_file_is_asked_by_address_and_by_a_hidden_name,
		mapped_code_that_is_no_elf_file_is_no_trouble, notices_are_kept_once };
	Suite *suite = suite_create("objects");
	TCase *tcase = tcase_create("objects");

	tcase_add_checked_fixture(tcase, make_folder, remove_folder);
	for (size_t i = 0; i < sizeof(with_folder) / sizeof(with_folder[0]); i++)
		tcase_add_test(tcase, with_folder[i]);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
