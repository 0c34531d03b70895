/* Descriptions of tracepoints: well-formed, damaged, and those of this kernel. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "probe/probe_syscalls.h"
#include "probe/probe_tracefs.h"
#include "support/run_suite.h"

static const char sample[] = "name: some_event\n"
			     "ID: 372\n"
			     "format:\n"
			     "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
			     "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
			     "\n"
			     "\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
			     "\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;\n"
			     "\tfield:__data_loc char[] cmd;\toffset:32;\tsize:4;\tsigned:0;\n"
			     "\tfield:__rel_loc u8[] bytes;\toffset:36;\tsize:4;\tsigned:0;\n"
			     "\tfield:unsigned char mac[6];\toffset:40;\tsize:6;\tsigned:0;\n"
			     "\tfield:struct thing what;\toffset:48;\tsize:24;\tsigned:0;\n"
			     "\tfield:long prev_state;\toffset:72;\tsize:8;\tsigned:1;\n"
			     "\n"
			     "print fmt: \"field:int x; offset:1;\", REC->x\n";

static struct probe_tracepoint event;

static enum res parse(const char *text, size_t n, struct fault *f)
{
	/* Bytes that end where their memory ends, so that a sanitizer sees what is read after them. */
	char *copy = malloc(n + 1);
	enum res res;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, n);
	copy = realloc(copy, n == 0 ? 1 : n);
	res = probe_tracefs_parse(copy, n, &event, f);
	free(copy);
	return res;
}

static void check_field(const char *name, uint32_t offset, uint32_t size, enum probe_field_form form,
    bool is_signed, bool is_text)
{
	const struct probe_field *field = probe_tracepoint_field(&event, name);

	ck_assert_msg(field != NULL, "%s", name);
	ck_assert_uint_eq(field->offset, offset);
	ck_assert_uint_eq(field->size, size);
	ck_assert_int_eq(field->form, form);
	ck_assert_int_eq(field->is_signed, is_signed);
	ck_assert_int_eq(field->is_text, is_text);
}

START_TEST(fields)
{
	ck_assert_int_eq(parse(sample, sizeof(sample) - 1, NULL), RES_OK);
	ck_assert_uint_eq(event.id, 372);
	ck_assert_uint_eq(event.n, 9);
	check_field("common_type", 0, 2, PROBE_FIELD_VALUE, false, false);
	check_field("common_pid", 4, 4, PROBE_FIELD_VALUE, true, false);
	check_field("prev_comm", 8, 16, PROBE_FIELD_BYTES, false, true);
	check_field("filename", 24, 8, PROBE_FIELD_VALUE, false, false);
	check_field("cmd", 32, 4, PROBE_FIELD_DATA_LOC, false, true);
	check_field("bytes", 36, 4, PROBE_FIELD_REL_LOC, false, false);
	check_field("mac", 40, 6, PROBE_FIELD_BYTES, false, false);
	check_field("what", 48, 24, PROBE_FIELD_BYTES, false, false);
	check_field("prev_state", 72, 8, PROBE_FIELD_VALUE, true, false);
	ck_assert_ptr_null(probe_tracepoint_field(&event, "x"));
	ck_assert_ptr_null(probe_tracepoint_field(&event, ""));
}
END_TEST

/* One field line in place of those of the sample. */
static enum res parse_line(const char *line, struct fault *f)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "name: x\nID: 1\nformat:\n\tfield:%s\n", line);

	return parse(text, (size_t)n, f);
}

START_TEST(unusual_fields)
{
	ck_assert_int_eq(parse_line("int x;\toffset:8;\tsize:4;", NULL), RES_OK);
	check_field("x", 8, 4, PROBE_FIELD_VALUE, false, false);
	ck_assert_int_eq(parse_line("char a[TASK_COMM_LEN];\toffset:8;\tsize:16;\tsigned:1;", NULL), RES_OK);
	check_field("a", 8, 16, PROBE_FIELD_BYTES, true, true);
	ck_assert_int_eq(parse_line("u32 a[4][8];\toffset:8;\tsize:128;\tsigned:0;", NULL), RES_OK);
	check_field("a", 8, 128, PROBE_FIELD_BYTES, false, false);
	ck_assert_int_eq(parse_line("char *p;\toffset:8;\tsize:8;\tsigned:0;", NULL), RES_OK);
	check_field("p", 8, 8, PROBE_FIELD_VALUE, false, false);
	ck_assert_int_eq(
	    parse_line("__data_loc unsigned long[] a;\toffset:8;\tsize:4;\tsigned:0;", NULL), RES_OK);
	check_field("a", 8, 4, PROBE_FIELD_DATA_LOC, false, false);
	ck_assert_int_eq(parse_line("u8 none[0];\toffset:65536;\tsize:0;\tsigned:0;", NULL), RES_OK);
	check_field("none", 65536, 0, PROBE_FIELD_BYTES, false, false);
}
END_TEST

static void check_damaged(const char *line)
{
	struct fault f = { 0 };

	event.id = 4711;
	ck_assert_msg(parse_line(line, &f) == RES_FAIL, "%s", line);
	ck_assert_uint_eq(event.id, 4711);
	ck_assert_msg(strstr(f.text, "no field of an event") != NULL, "%s", f.text);
}

START_TEST(damaged_fields)
{
	char long_name[200] = "int ";

	check_damaged("");
	check_damaged(";");
	check_damaged("int x");
	check_damaged("x; offset:8; size:4; signed:0;"); /* a type or a name, but not both */
	check_damaged("int x*; offset:8; size:4; signed:0;");
	check_damaged("int [4]; offset:8; size:4; signed:0;");
	check_damaged("int x; offset:; size:4; signed:0;");
	check_damaged("int x; offset:-8; size:4; signed:0;");
	check_damaged("int x; offset:65537; size:0; signed:0;");
	check_damaged("int x; offset:65535; size:2; signed:0;");
	check_damaged("int x; offset:4294967304; size:4; signed:0;");
	check_damaged("int x; offset:99999999999999999999999; size:4; signed:0;");
	check_damaged("int x; offset:8; size:4; signed:2;");
	check_damaged("int x; offset:8; size:4; signed:0");
	check_damaged("int x; offset:8;");
	check_damaged("__data_loc char[] x; offset:8; size:8; signed:0;");
	memset(long_name + 4, 'a', 64);
	memcpy(long_name + 68, "; offset:8; size:4;", sizeof("; offset:8; size:4;"));
	check_damaged(long_name);
}
END_TEST

static void check_refused(const char *text, const char *why)
{
	struct fault f = { 0 };

	ck_assert_msg(parse(text, strlen(text), &f) == RES_FAIL, "%s", text);
	ck_assert_msg(strstr(f.text, why) != NULL, "%s", f.text);
}

START_TEST(damaged_descriptions)
{
	char many[32768] = "ID: 1\n";
	size_t n = strlen(many);

	check_refused("", "no ID");
	check_refused("name: x\n", "no ID");
	check_refused("ID: \n", "no number");
	check_refused("ID: 65536\n", "no number");
	check_refused("ID: 1 2\n", "no number");
	check_refused("ID: \x1b[2J\n", "\\x1b[2J: no number");
	check_refused("print fmt: \nID: 1\n", "no ID");
	for (int i = 0; i <= PROBE_FIELDS_MAX; i++)
		n +=
		    (size_t)snprintf(many + n, sizeof(many) - n, "\tfield:int f%d;\toffset:8;\tsize:4;\n", i);
	check_refused(many, "more than 128 fields");
}
END_TEST

static void check_sane(void)
{
	ck_assert_uint_le(event.id, UINT16_MAX);
	ck_assert_uint_le(event.n, PROBE_FIELDS_MAX);
	for (size_t i = 0; i < event.n; i++) {
		const struct probe_field *field = &event.fields[i];

		ck_assert_uint_le((uint64_t)field->offset + field->size, PROBE_TRACEPOINT_MAX);
		ck_assert_uint_lt(strnlen(field->name, sizeof(field->name)), sizeof(field->name));
		ck_assert_int_ne(field->name[0], '\0');
		if (field->form == PROBE_FIELD_VALUE)
			ck_assert(field->size != 0 && field->size <= 8);
	}
}

/* Any prefix, and any description with some bytes changed, is refused or sane. */
START_TEST(random_damage)
{
	char text[sizeof(sample)];
	unsigned seed = 1;

	for (size_t n = 0; n < sizeof(sample); n++) {
		if (parse(sample, n, NULL) == RES_OK)
			check_sane();
	}
	for (int run = 0; run < 20000; run++) {
		memcpy(text, sample, sizeof(sample));
		for (int k = 0; k < 1 + run % 4; k++)
			text[(size_t)rand_r(&seed) % (sizeof(text) - 1)] =
			    (char)(run % 2 == 0 ? rand_r(&seed)
						: sample[(size_t)rand_r(&seed) % (sizeof(sample) - 1)]);
		if (parse(text, sizeof(text) - 1, NULL) == RES_OK)
			check_sane();
	}
}
END_TEST

static char top[] = "/tmp/probe_tracefs_test.XXXXXX";

static void put(const char *name, const char *text, size_t n)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, n, file), n);
	ck_assert_int_eq(fclose(file), 0);
}

static void make_dir(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
}

static void teardown(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", top);
	ck_assert_int_eq(system(command), 0);
	(void)strcpy(top + strlen(top) - 6, "XXXXXX");
}

static bool collect(void *data, const char *category, const char *name)
{
	char *text = data;
	size_t n = strlen(text);

	(void)snprintf(text + n, 256 - n, "%s:%s ", category, name);
	return strcmp(name, "last") != 0;
}

START_TEST(a_made_tracefs)
{
	const char *const paths[] = { "/nonexistent", top };
	struct probe_tracefs t;
	char long_name[400], list[1000], text[256] = "";

	make_dir("events");
	make_dir("events/cat");
	make_dir("events/cat/some-event");
	put("events/cat/some-event/format", sample, sizeof(sample) - 1);
	put("format", sample, sizeof(sample) - 1);
	memset(long_name, 'a', 399);
	long_name[399] = '\0';
	(void)snprintf(list, sizeof(list),
	    "cat:some-event\nno colon\n:x\nx:\n../x:y\n%s:x\nx:%s\na:b\nc:last\nd:e\n", long_name, long_name);
	put("available_events", list, strlen(list));
	ck_assert_int_eq(probe_tracefs_open_at(paths, 2, &t, NULL), RES_OK);
	ck_assert_str_eq(t.path, top);
	ck_assert_int_eq(probe_tracefs_find(&t, "cat", "some-event", &event, NULL), RES_OK);
	ck_assert_uint_eq(event.n, 9);
	ck_assert_int_eq(probe_tracefs_find(&t, "cat", "other", &event, NULL), RES_NONE);
	ck_assert_int_eq(probe_tracefs_find(&t, "cat", "", &event, NULL), RES_NONE);
	ck_assert_int_eq(probe_tracefs_find(&t, "..", "..", &event, NULL), RES_NONE);
	ck_assert_int_eq(probe_tracefs_find(&t, "cat/..", "some-event", &event, NULL), RES_NONE);
	ck_assert_int_eq(probe_tracefs_find(&t, long_name, "x", &event, NULL), RES_NONE);
	ck_assert_int_eq(probe_tracefs_each(&t, collect, text, NULL), RES_OK);
	ck_assert_str_eq(text, "cat:some-event a:b c:last ");
	probe_tracefs_close(&t);
	ck_assert_int_eq(t.dir, -1);
	probe_tracefs_close(&t);
}
END_TEST

START_TEST(what_lacks)
{
	const char *const paths[] = { top, "/nonexistent" };
	struct probe_tracefs t = { 4711, NULL };
	struct fault f = { 0 };

	ck_assert_int_eq(probe_tracefs_open_at(paths, 2, &t, &f), RES_FAIL);
	ck_assert_msg(
	    strstr(f.text, "mount -t tracefs tracefs /tmp/probe_tracefs_test.") != NULL, "%s", f.text);
	ck_assert_int_eq(probe_tracefs_open_at(paths + 1, 1, &t, &f), RES_FAIL);
	ck_assert_msg(strstr(f.text, "no tracefs") != NULL, "%s", f.text);
	make_dir("events");
	ck_assert_int_eq(probe_tracefs_open_at(paths, 2, &t, NULL), RES_OK);
	ck_assert_int_eq(probe_tracefs_each(&t, collect, NULL, &f), RES_FAIL);
	ck_assert_int_eq(f.sys, ENOENT);
	probe_tracefs_close(&t);
	if (geteuid() != 0) {
		ck_assert_int_eq(chmod(top, 0), 0);
	} else {
		ck_assert_int_eq(chmod(top, 0700), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	ck_assert_int_eq(probe_tracefs_open_at(paths, 2, &t, &f), RES_FAIL);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(chmod(top, 0700), 0);
	ck_assert_msg(strstr(f.text, "mount -o remount,mode=750,gid=") != NULL, "%s", f.text);
	ck_assert_int_eq(f.sys, EACCES);
}
END_TEST

static bool open_real(struct probe_tracefs *t)
{
	struct fault f;

	if (probe_tracefs_open(t, &f) == RES_OK)
		return true;
	printf("SKIP: %s\n", f.text);
	return false;
}

struct real {
	const struct probe_tracefs *t;
	unsigned n;
};

static bool check_real(void *data, const char *category, const char *name)
{
	struct real *real = data;
	struct fault f = { 0 };
	char path[512], id[32];
	enum res res = probe_tracefs_find(real->t, category, name, &event, &f);

	ck_assert_msg(res == RES_OK || res == RES_NONE, "%s:%s: %s", category, name, f.text);
	(void)snprintf(path, sizeof(path), "events/%s/%s/id", category, name);
	/* Events of other tracers come and go. */
	if (res == RES_NONE || fileio_head(real->t->dir, path, id, sizeof(id)) <= 0)
		return true;
	ck_assert_uint_eq(strtoul(id, NULL, 10), event.id);
	check_sane();
	real->n++;
	return true;
}

START_TEST(events_of_this_kernel)
{
	struct probe_tracefs t;
	struct real real = { &t, 0 };
	struct fault f = { 0 };

	if (!open_real(&t))
		return;
	ck_assert_msg(probe_tracefs_each(&t, check_real, &real, &f) == RES_OK, "%s", f.text);
	ck_assert_uint_gt(real.n, 100);
	ck_assert_int_eq(probe_tracefs_find(&t, "sched", "sched_switch", &event, NULL), RES_OK);
	ck_assert_ptr_nonnull(probe_tracepoint_field(&event, "next_pid"));
	ck_assert(probe_tracepoint_field(&event, "prev_comm")->is_text);
	ck_assert_int_eq(probe_tracefs_find(&t, "sched", "sched_swich", &event, NULL), RES_NONE);
	probe_tracefs_close(&t);
}
END_TEST

/* Each system call that the kernel traces is in the table and takes as many arguments there. */
START_TEST(system_calls_of_this_kernel)
{
	const struct arch *arch = arch_of_host(false);
	struct probe_tracefs t;
	struct probe_syscall call;
	unsigned n = 0;

	if (!open_real(&t))
		return;
	for (size_t i = 0; probe_syscall_at(arch, i, &call); i++) {
		char name[64];
		size_t first = 0;

		(void)snprintf(name, sizeof(name), "sys_enter_%s", call.name);
		if (!call.known || probe_tracefs_find(&t, "syscalls", name, &event, NULL) != RES_OK)
			continue;
		while (first < event.n && strcmp(event.fields[first++].name, "__syscall_nr") != 0)
			continue;
		/* Newer kernels add the strings behind the arguments. */
		while (event.n > first && event.fields[event.n - 1].form != PROBE_FIELD_VALUE)
			event.n--;
		ck_assert_msg(event.n - first == call.n_args, "%s", call.name);
		n++;
	}
	if (n == 0)
		printf("SKIP: this kernel does not trace system calls by name\n");
	else
		ck_assert_uint_gt(n, 300);
	probe_tracefs_close(&t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("probe_tracefs");
	TCase *formats = tcase_create("formats"), *files = tcase_create("files"),
	      *real = tcase_create("real");

	tcase_add_test(formats, fields);
	tcase_add_test(formats, unusual_fields);
	tcase_add_test(formats, damaged_fields);
	tcase_add_test(formats, damaged_descriptions);
	tcase_add_test(formats, random_damage);
	tcase_add_checked_fixture(files, setup, teardown);
	tcase_add_test(files, a_made_tracefs);
	tcase_add_test(files, what_lacks);
	tcase_add_test(real, events_of_this_kernel);
	tcase_add_test(real, system_calls_of_this_kernel);
	tcase_set_timeout(real, 60);
	suite_add_tcase(suite, formats);
	suite_add_tcase(suite, files);
	suite_add_tcase(suite, real);
	return run_made_suite(suite);
}
