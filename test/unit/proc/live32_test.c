/* Live programs of 32-bit words: i386 is read, x32 refused. */
#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <libproc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/live/hold.h"
#include "support/run_suite.h"
#include "support/victim.h"

enum { PAGE = 4096 };

/* A whole program of 32-bit code: pause(), again and again. */
static const unsigned char program32[] = {
	0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* ELFCLASS32, little-endian */
	2, 0, 3, 0, 1, 0, 0, 0, 0x54, 0x80, 0x04, 0x08,          /* ET_EXEC, EM_386, entry */
	52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 52, 0, 32, 0, 1, 0, 0, 0, 0, 0, 0, 0, /* one segment */
	1, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x80, 0x04, 0x08, 0x00, 0x80, 0x04, 0x08, 0x5d, 0, 0, 0, 0x5d, 0, 0, 0,
	5, 0, 0, 0, 0, 0x10, 0, 0, /* PT_LOAD, r-x */
	0xb8, 29, 0, 0, 0,         /* mov $29 (pause), %eax */
	0xcd, 0x80,                /* int $0x80 */
	0xeb, 0xf7,                /* again */
};

static char folder[] = "/tmp/live32_test.XXXXXX";

static void run_32(int out, int in, int unused)
{
	char path[64];

	(void)in;
	(void)unused;
	(void)snprintf(path, sizeof(path), "%s/p32", folder);
	(void)!write(out, "!", 1);
	(void)execl(path, path, (char *)NULL);
	(void)!write(out, "x", 1);
	_exit(1);
}

static void put_file(const char *path, const void *bytes, size_t n, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	(void)close(fd);
}

static struct victim start_32(char name[16])
{
	struct victim v = victim_start(run_32, 0);

	name[0] = '\0';
	/* The name of the process shows that the other program runs; EOF: it cannot. */
	for (int i = 0; i < 1000000 && strcmp(name, "p32") != 0 && victim_state(v.pid, v.pid) != 'Z'; i++) {
		hold_process_name(v.pid, name, 16);
		(void)sched_yield();
	}
	return v;
}

static void look_at_32(pid_t pid)
{
	int err = 0;
	struct ps_prochandle *P = Pgrab(pid, 0, &err);
	const lwpstatus_t *lwp;
	uint32_t word = 0;

	ck_assert_ptr_nonnull(P);
	ck_assert_int_eq(Pstatus(P)->pr_dmodel, PR_MODEL_ILP32);
	ck_assert_int_eq(Ppsinfo(P)->pr_dmodel, PR_MODEL_ILP32);
	ck_assert_int_eq(Pgetauxval(P, AT_PAGESZ), PAGE);
	ck_assert_int_eq(Pgetauxval(P, AT_ENTRY), 0x8048054);
	lwp = &Pstatus(P)->pr_lwp;
	/* On or after the system call, which the kernel restarts with its number. */
	ck_assert_msg(
	    lwp->pr_reg[R_PC] >= 0x8048059 && lwp->pr_reg[R_PC] <= 0x804805b, "pc %#lx", lwp->pr_reg[R_PC]);
	ck_assert_uint_gt((unsigned long)lwp->pr_reg[R_SP], 0x8048000);
	ck_assert_uint_le((unsigned long)lwp->pr_reg[R_SP], UINT32_MAX);
	ck_assert_int_eq(lwp->pr_reg[PRREG_R15], 0);
	ck_assert_int_eq(Pread(P, &word, sizeof(word), (uintptr_t)lwp->pr_reg[R_SP]), sizeof(word));
	ck_assert_uint_eq(word, 1); /* argc */
	Prelease(P, 0);
}

START_TEST(programs_of_32_bits)
{
	enum { MACHINE = 18 };
	unsigned char x32[sizeof(program32)];
	char path[64], name[16];
	struct victim v;
	int err = 0;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/p32", folder);
	put_file(path, program32, sizeof(program32), 0755);
	v = start_32(name);
	if (strcmp(name, "p32") != 0)
		(void)puts("SKIP: this kernel runs no 32-bit programs");
	else
		look_at_32(v.pid);
	victim_end(&v);
	(void)unlink(path);
	memcpy(x32, program32, sizeof(x32));
	x32[MACHINE] = EM_X86_64;
	put_file(path, x32, sizeof(x32), 0755);
	v = start_32(name);
	if (strcmp(name, "p32") != 0)
		(void)puts("SKIP: this kernel runs no x32 programs");
	else {
		ck_assert_ptr_null(Pgrab(v.pid, PGRAB_RDONLY, &err));
		ck_assert_int_eq(err, G_ISAINVAL);
	}
	victim_end(&v);
	(void)unlink(path);
	(void)rmdir(folder);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proc/live32");
	TCase *tc = tcase_create("live32");

	tcase_add_test(tc, programs_of_32_bits);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
