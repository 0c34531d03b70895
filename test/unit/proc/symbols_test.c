/* Symbols of the running test program, which dlsym(3) and the compiler know too. */
#include <dlfcn.h>
#include <libproc.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "proc/handle.h"
#include "support/run_suite.h"
#include "support/self_process.h"

static struct self_process self;
static auxv_t auxv[4];

int symbols_test_target(int n);
int symbols_test_target(int n)
{
	return n * 2 + 1;
}

static struct ps_prochandle *grab(void)
{
	ck_assert(self_process(&self, NULL, NULL));
	auxv[0] = (auxv_t){ AT_PHDR, { (long)getauxval(AT_PHDR) } };
	auxv[1] = (auxv_t){ AT_BASE, { (long)getauxval(AT_BASE) } };
	auxv[2] = (auxv_t){ AT_NULL, { 0 } };
	self.fake.auxv = auxv;
	return fake_grab(&self.fake);
}

START_TEST(an_address_in_the_program)
{
	struct ps_prochandle *P = grab();
	uintptr_t target = (uintptr_t)symbols_test_target;
	char name[64], path[SELF_NAME];
	prsyminfo_t info;
	GElf_Sym sym;

	ck_assert_int_eq(Pxlookup_by_addr(P, target + 1, name, sizeof(name), &sym, &info), 0);
	ck_assert_str_eq(name, "symbols_test_target");
	ck_assert_uint_eq(sym.st_value, target);
	ck_assert_str_eq(info.prs_object, "symbols_test");
	ck_assert_ptr_eq(info.prs_name, name);
	ck_assert_uint_eq(info.prs_table, PR_SYMTAB);
	ck_assert_int_eq(Pxlookup_by_addr(P, target, name, 8, &sym, &info), 0);
	ck_assert_str_eq(name, "symbols");
	ck_assert_int_eq(Pxlookup_by_addr(P, target, NULL, 0, &sym, &info), 0);
	ck_assert_ptr_null(info.prs_name);
	ck_assert(self_path(path));
	ck_assert_str_eq(handle_executable(P)->path, path);
	Prelease(P, 0);
}
END_TEST

START_TEST(an_address_in_a_library)
{
	struct ps_prochandle *P = grab();
	uintptr_t target = (uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
	char name[64];
	GElf_Sym sym;

	ck_assert_int_eq(Plookup_by_addr(P, target, name, sizeof(name), &sym), 0);
	ck_assert_uint_eq(sym.st_value, target);
	ck_assert_ptr_null(strchr(name, '@'));
	ck_assert_int_eq(Plookup_by_addr(P, (uintptr_t)&name, name, sizeof(name), &sym), -1);
	ck_assert_int_eq(Plookup_by_addr(P, 16, name, sizeof(name), &sym), -1);
	Prelease(P, 0);
}
END_TEST

START_TEST(an_address_in_the_vdso)
{
	struct ps_prochandle *P = grab();
	uintptr_t vdso = (uintptr_t)getauxval(AT_SYSINFO_EHDR);
	char name[64];
	prsyminfo_t info;
	GElf_Sym sym, again;

	if (vdso == 0) {
		(void)printf("SKIP: the kernel maps no vdso\n");
		Prelease(P, 0);
		return;
	}
	ck_assert_int_eq(Plookup_by_name(P, "linux-vdso.so.1", "__vdso_clock_gettime", &sym), 0);
	ck_assert_uint_gt(sym.st_value, vdso);
	ck_assert_int_eq(Pxlookup_by_addr(P, sym.st_value, name, sizeof(name), &again, &info), 0);
	ck_assert_str_eq(info.prs_object, "linux-vdso.so.1");
	ck_assert_uint_eq(sym.st_value, again.st_value);
	ck_assert_uint_eq(handle_objects(P)->notices.n, 0);
	Prelease(P, 0);
}
END_TEST

START_TEST(names_of_objects)
{
	struct ps_prochandle *P = grab();
	uintptr_t version_at = (uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
	GElf_Sym sym;
	char libc[64];

	ck_assert_ptr_nonnull(Pobjname(P, version_at, libc, sizeof(libc)));
	ck_assert_int_eq(Plookup_by_name(P, libc, "gnu_get_libc_version", &sym), 0);
	ck_assert_uint_eq(sym.st_value, version_at);
	ck_assert_int_eq(Plookup_by_name(P, "libc.so.6", "gnu_get_libc_version", &sym), 0);
	ck_assert_int_eq(Plookup_by_name(P, "libc.so", "gnu_get_libc_version", &sym), 0);
	ck_assert_int_eq(Plookup_by_name(P, "libc", "gnu_get_libc_version", &sym), 0);
	ck_assert_int_eq(Plookup_by_name(P, "lib", "gnu_get_libc_version", &sym), -1);
	ck_assert_int_eq(Plookup_by_name(P, "", "gnu_get_libc_version", &sym), -1);
	ck_assert_int_eq(Plookup_by_name(P, PR_OBJ_EXEC, "symbols_test_target", &sym), 0);
	ck_assert_uint_eq(sym.st_value, (uintptr_t)symbols_test_target);
	ck_assert_int_eq(Plookup_by_name(P, "a.out", "symbols_test_target", &sym), 0);
	ck_assert_int_eq(Plookup_by_name(P, PR_OBJ_LDSO, "__tls_get_addr", &sym), 0);
	ck_assert_ptr_eq(
	    objects_at(handle_objects(P), sym.st_value), objects_at(handle_objects(P), getauxval(AT_BASE)));
	ck_assert_int_eq(Plookup_by_name(P, PR_OBJ_LDSO, "symbols_test_target", &sym), -1);
	Prelease(P, 0);
}
END_TEST

START_TEST(names_everywhere)
{
	struct ps_prochandle *P = grab();
	GElf_Sym sym;

	ck_assert_int_eq(Plookup_by_name(P, PR_OBJ_EVERY, "symbols_test_target", &sym), 0);
	ck_assert_uint_eq(sym.st_value, (uintptr_t)symbols_test_target);
	/* Undefined in the program, defined in a library: the definition is the answer. */
	ck_assert_int_eq(Plookup_by_name(P, PR_OBJ_EVERY, "dlsym", &sym), 0);
	ck_assert_uint_eq(sym.st_value, (uintptr_t)dlsym(RTLD_DEFAULT, "dlsym"));
	ck_assert_uint_ne(sym.st_shndx, SHN_UNDEF);
	ck_assert_int_eq(Plookup_by_name(P, PR_OBJ_EVERY, "no_such_name_anywhere", &sym), -1);
	/* An offset stays one. */
	ck_assert_int_eq(Plookup_by_name(P, "libc.so.6", "errno", &sym), 0);
	ck_assert_uint_eq(GELF_ST_TYPE(sym.st_info), STT_TLS);
	ck_assert_uint_lt(sym.st_value, 0x10000);
	Prelease(P, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { an_address_in_the_program, an_address_in_a_library,
		an_address_in_the_vdso, names_of_objects, names_everywhere };

	return run_suite("symbols", tests, sizeof(tests) / sizeof(tests[0]));
}
