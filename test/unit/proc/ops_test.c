/* Made-up processes: what the handle copies, and how files are opened. */
#include <libproc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/ops.h"
#include "support/run_suite.h"
#include "support/self_process.h"

START_TEST(functions_are_copied)
{
	ps_ops_t ops = { 0 };
	int data = 0;
	struct ps_prochandle *P = Pgrab_ops(12, &data, &ops, PGRAB_RDONLY);

	memset(&ops, 0xff, sizeof(ops));
	ck_assert_int_eq(Pstate(P), PS_STOP);
	ck_assert_int_eq(P->pid, 12);
	ck_assert_ptr_eq(P->data, &data);
	ck_assert_ptr_null(Ppsinfo(P));
	Prelease(P, 0);
}
END_TEST

static int odd_maps(struct ps_prochandle *P, prmap_t **maps, ssize_t *n, void *data)
{
	const ssize_t *wanted = data;

	(void)P;
	*maps = NULL;
	*n = *wanted;
	return 0;
}

START_TEST(impossible_numbers_of_mappings_are_refused)
{
	const ps_ops_t ops = { .pop_read_maps = odd_maps };
	ssize_t wanted[] = { -1, 1, 1L << 40 };

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct ps_prochandle *P = Pgrab_ops(12, &wanted[i], &ops, 0);

		ck_assert_ptr_null(handle_objects(P));
		Prelease(P, 0);
	}
}
END_TEST

static int full_name(struct ps_prochandle *P, prmap_t **maps, ssize_t *n, void *data)
{
	(void)P;
	(void)data;
	*maps = calloc(1, sizeof(**maps));
	(*maps)->pr_vaddr = 0x1000;
	(*maps)->pr_size = 0x1000;
	(*maps)->pr_mflags = MA_EXEC;
	memset((*maps)->pr_mapname, '/', PRMAPSZ);
	*n = 1;
	return 0;
}

START_TEST(names_without_end_get_one)
{
	const ps_ops_t ops = { .pop_read_maps = full_name };
	struct ps_prochandle *P = Pgrab_ops(12, NULL, &ops, 0);

	ck_assert_uint_eq(strlen(handle_objects(P)->objects.at[0].path), PRMAPSZ - 1);
	Prelease(P, 0);
}
END_TEST

START_TEST(device_and_inode_prove_a_file)
{
	char path[SELF_NAME];
	struct proc_map m = { .path = path };
	struct stat st;
	bool proven = true;
	int fd;

	ck_assert(self_path(path));
	ck_assert_int_eq(stat(path, &st), 0);
	fd = ops_files.open_mapping(NULL, &m, &proven, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert(!proven);
	(void)close(fd);

	m.dev = st.st_dev;
	m.inode = st.st_ino;
	fd = ops_files.open_mapping(NULL, &m, &proven, NULL);
	ck_assert(proven);
	(void)close(fd);

	m.inode++;
	fd = ops_files.open_mapping(NULL, &m, &proven, NULL);
	ck_assert(!proven);
	(void)close(fd);
}
END_TEST

START_TEST(only_regular_files_by_absolute_path)
{
	struct fault f = { .text = "" };
	char device[] = "/dev/null", relative[] = "Makefile";
	struct proc_map m = { .path = device };
	bool proven;

	ck_assert_int_eq(ops_files.open_mapping(NULL, &m, &proven, &f), -1);
	ck_assert_str_eq(f.text, "not a regular file");
	m.path = relative;
	ck_assert_int_eq(ops_files.open_mapping(NULL, &m, &proven, &f), -1);
	ck_assert_int_eq(ops_files.open_path(NULL, "/dev/zero"), -1);
	ck_assert_int_eq(ops_files.open_path(NULL, "/no/such/file"), -1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { functions_are_copied, impossible_numbers_of_mappings_are_refused,
		names_without_end_get_one, device_and_inode_prove_a_file,
		only_regular_files_by_absolute_path };

	return run_suite("ops", tests, sizeof(tests) / sizeof(tests[0]));
}
