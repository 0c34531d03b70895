/* Two lists of LWPs joined by id. */
#include <errno.h>
#include <libproc.h>
#include <stdlib.h>
#include <string.h>

#include "proc/handle.h"
#include "support/fake_process.h"
#include "support/run_suite.h"

static const lwpstatus_t statuses[] = { { .pr_lwpid = 30, .pr_reg = { [R_PC] = 0x30 } },
	{ .pr_lwpid = 10, .pr_reg = { [R_PC] = 0x10 } }, { .pr_lwpid = 40, .pr_reg = { [R_PC] = 0x40 } } };
static const lwpsinfo_t infos[] = { { 30, 'S', "main" }, { 20, 'Z', "" }, { 10, 'R', "worker-of-15-by" },
	{ 50, 'S', "born later" } };

struct seen {
	int ids[8];
	bool has_status[8];
	int n, stop_at;
};

static int see(void *cd, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	struct seen *seen = cd;

	seen->ids[seen->n] = info->pr_lwpid;
	seen->has_status[seen->n++] = status != NULL;
	if (status != NULL)
		ck_assert_int_eq(status->pr_lwpid, info->pr_lwpid);
	return seen->n == seen->stop_at ? 42 : 0;
}

static int see_status(void *cd, const lwpstatus_t *status)
{
	struct seen *seen = cd;

	seen->ids[seen->n++] = status->pr_lwpid;
	return 0;
}

START_TEST(lists_are_joined_by_id)
{
	struct fake_process fake = { .lwps = statuses, .lwp_n = 3, .infos = infos, .info_n = 4 };
	struct ps_prochandle *P = fake_grab(&fake);
	struct seen seen = { .n = 0 };

	ck_assert_int_eq(Plwp_iter_all(P, see, &seen), 0);
	ck_assert_int_eq(seen.n, 3);
	ck_assert_int_eq(seen.ids[0], 30);
	ck_assert_int_eq(seen.ids[1], 20);
	ck_assert(!seen.has_status[1]);
	ck_assert_int_eq(seen.ids[2], 10);
	ck_assert(seen.has_status[2]);

	seen = (struct seen){ .n = 0 };
	ck_assert_int_eq(Plwp_iter(P, see_status, &seen), 0);
	ck_assert_int_eq(seen.n, 2);
	Prelease(P, 0);
}
END_TEST

START_TEST(statuses_alone_do)
{
	struct fake_process fake = { .lwps = statuses, .lwp_n = 3 };
	struct ps_prochandle *P = fake_grab(&fake);
	struct seen seen = { .stop_at = 2 };

	ck_assert_int_eq(Plwp_iter_all(P, see, &seen), 42);
	ck_assert_int_eq(seen.n, 2);
	Prelease(P, 0);
}
END_TEST

START_TEST(a_core_is_told_by_ascending_id)
{
	struct fake_process fake = { .lwps = statuses, .lwp_n = 3 };
	struct ps_prochandle *P = fake_grab(&fake);
	struct seen seen = { .n = 0 };

	P->state = PS_DEAD;
	ck_assert_int_eq(Plwp_iter_all(P, see, &seen), 0);
	ck_assert_int_eq(seen.ids[0], 10);
	ck_assert_int_eq(seen.ids[2], 40);
	Prelease(P, 0);
}
END_TEST

START_TEST(no_lists_fail)
{
	struct fake_process fake = { .lwp_n = 0 };
	struct ps_prochandle *P = fake_grab(&fake);
	prgregset_t regs;

	ck_assert_int_eq(Plwp_iter_all(P, see, NULL), -1);
	ck_assert_int_eq(Plwp_getregs(P, 1, regs), -1);
	Prelease(P, 0);
}
END_TEST

static void one_status(struct ps_prochandle *P, pstatus_t *out, void *data)
{
	(void)P;
	(void)data;
	out->pr_lwp.pr_lwpid = 5;
}

START_TEST(the_representative_lwp_serves_a_process_of_one)
{
	const ps_ops_t ops = { .pop_status = one_status };
	struct ps_prochandle *P = Pgrab_ops(5, NULL, &ops, 0);
	struct seen seen = { .n = 0 };

	ck_assert_int_eq(Plwp_iter_all(P, see, &seen), 0);
	ck_assert_int_eq(seen.n, 1);
	ck_assert_int_eq(seen.ids[0], 5);
	Prelease(P, 0);
}
END_TEST

START_TEST(registers_and_names)
{
	struct fake_process fake = { .lwps = statuses, .lwp_n = 3, .infos = infos, .info_n = 4 };
	struct ps_prochandle *P = fake_grab(&fake);
	prgregset_t regs = { 0 };
	char name[32], small[4];

	ck_assert_int_eq(Plwp_getregs(P, 10, regs), 0);
	ck_assert_int_eq(regs[R_PC], 0x10);
	errno = 0;
	ck_assert_int_eq(Plwp_getregs(P, 11, regs), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(Plwp_getregs(P, 20, regs), -1);
	ck_assert_int_eq(Plwp_getname(P, 10, name, sizeof(name)), 0);
	ck_assert_str_eq(name, "worker-of-15-by");
	ck_assert_int_eq(Plwp_getname(P, 30, small, sizeof(small)), 0);
	ck_assert_str_eq(small, "mai");
	ck_assert_int_eq(Plwp_getname(P, 20, name, sizeof(name)), -1);
	ck_assert_int_eq(Plwp_getname(P, 11, name, sizeof(name)), -1);
	Prelease(P, 0);
}
END_TEST

static prheader_t *bad_list(struct ps_prochandle *P, void *data)
{
	const prheader_t *wanted = data;
	prheader_t *header = calloc(1, sizeof(*header));

	(void)P;
	*header = *wanted;
	return header;
}

START_TEST(odd_headers_are_no_lists)
{
	const ps_ops_t ops = { .pop_lstatus = bad_list };
	static const prheader_t bad[] = { { -1, sizeof(lwpstatus_t) }, { 3, 8 }, { 3, -8 }, { 0, 0 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		prheader_t header = bad[i];
		struct ps_prochandle *P = Pgrab_ops(5, &header, &ops, 0);

		ck_assert_int_eq(Plwp_iter_all(P, see, NULL), -1);
		Prelease(P, 0);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { lists_are_joined_by_id, statuses_alone_do,
		a_core_is_told_by_ascending_id, no_lists_fail, the_representative_lwp_serves_a_process_of_one,
		registers_and_names, odd_headers_are_no_lists };

	return run_suite("lwps", tests, sizeof(tests) / sizeof(tests[0]));
}
