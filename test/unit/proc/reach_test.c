/* The child that can be left behind, and the files for which it is used. A made-up table says which
 * file systems wait. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/owned.h"
#include "base/refused.h"
#include "base/vec.h"
#include "proc/aside.h"
#include "proc/reach.h"
#include "support/run_suite.h"

/* Long enough for any child that does answer. */
enum { PATIENT_MS = 60000, HASTY_MS = 1 };

static char folder[64], file[96], other[96];
static const char content[] = "what the file holds";

/* The request that the system refuses. */
enum { NOTHING, NO_PIPE, NO_MEMORY_FILE, NO_CHILD, NO_CONTENT };
static int refuse = NOTHING;

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static bool is_refused(int what, int error)
{
	if (refuse == what)
		errno = error;
	return refuse == what;
}

int pipe2(int ends[2], int flags)
{
	return is_refused(NO_PIPE, EMFILE) ? -1 : NEXT(pipe2)(ends, flags);
}

int memfd_create(const char *name, unsigned flags)
{
	return is_refused(NO_MEMORY_FILE, ENFILE) ? -1 : NEXT(memfd_create)(name, flags);
}

pid_t fork(void)
{
	return is_refused(NO_CHILD, EAGAIN) ? -1 : NEXT(fork)();
}

ssize_t sendfile(int to, int from, off_t *off, size_t n)
{
	return is_refused(NO_CONTENT, EIO) ? -1 : NEXT(sendfile)(to, from, off, n);
}

/* The refusals that were counted. */
static struct {
	int n, error;
	char path[96];
} counted;

void refused_file(const char *verb, int fd, const char *path)
{
	char self[32];

	ck_assert_str_eq(verb, "open");
	counted.n++;
	counted.error = errno;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (path != NULL)
		(void)snprintf(counted.path, sizeof(counted.path), "%s", path);
	else
		counted.path[readlink(self, counted.path, sizeof(counted.path) - 1)] = 0;
	errno = counted.error;
}

/* --- the child --- */

static void never(void *data)
{
	(void)data;
	for (;;)
		(void)pause();
}

static void at_once(void *data)
{
	(void)data;
}

static void say_twice(void *data)
{
	(void)aside_say(data, sizeof(int));
	(void)aside_say(data, sizeof(int));
}

static void use_both(void *data)
{
	char byte = 0;
	bool ok = read(ASIDE_IN, &byte, 1) == 1 && write(ASIDE_OUT, &byte, 1) == 1;

	(void)data;
	/* It has no other descriptors. */
	for (int fd = ASIDE_SAY + 1; fd < 64; fd++)
		ok = ok && fcntl(fd, F_GETFD) < 0;
	(void)aside_say(&ok, sizeof(ok));
}

START_TEST(what_a_child_says)
{
	struct aside_left left = VEC_EMPTY;
	struct aside a;
	int number = 42, heard = 0;

	ck_assert(aside_start(&a, -1, -1, say_twice, &number));
	ck_assert_int_eq(aside_hear(&a, &heard, sizeof(heard), PATIENT_MS), ASIDE_HEARD);
	ck_assert_int_eq(heard, 42);
	ck_assert_int_eq(aside_hear(&a, &heard, sizeof(heard), PATIENT_MS), ASIDE_HEARD);
	ck_assert_int_eq(aside_hear(&a, &heard, sizeof(heard), PATIENT_MS), ASIDE_ENDED);
	aside_end(&a, true, &left);
	ck_assert_int_eq(kill(a.pid, 0), -1);
	ck_assert(aside_start(&a, -1, -1, at_once, NULL));
	ck_assert_int_eq(aside_hear(&a, &heard, sizeof(heard), PATIENT_MS), ASIDE_ENDED);
	aside_end(&a, true, &left);
}
END_TEST

START_TEST(child_has_what_it_is_given)
{
	struct aside_left left = VEC_EMPTY;
	int in[2], out[2];
	struct aside a;
	char byte = 'x';
	bool ok = false;

	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(write(in[1], "y", 1), 1);
	ck_assert(aside_start(&a, in[0], out[1], use_both, NULL));
	ck_assert_int_eq(aside_hear(&a, &ok, sizeof(ok), PATIENT_MS), ASIDE_HEARD);
	ck_assert(ok);
	ck_assert_int_eq(read(out[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'y');
	aside_end(&a, true, &left);
}
END_TEST

/* A reader of this process's output must not wait for a child that cannot die. */
START_TEST(child_that_never_answers)
{
	struct aside_left left = VEC_EMPTY;
	struct aside a;
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert(aside_start(&a, -1, -1, never, NULL));
	ck_assert_int_eq(aside_hear(&a, &byte, 1, HASTY_MS), ASIDE_LATE);
	(void)close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 0);
	aside_end(&a, false, &left);
	/* Children are waited for eventually, so no zombies remain. */
	while (left.n > 0)
		aside_reap(&left);
	ck_assert_int_eq(kill(a.pid, 0), -1);
	vec_free(&left);
}
END_TEST

/* --- files --- */

static void make_files(void)
{
	int fd;

	/* A device without a major number, because for others no table is read. */
	(void)snprintf(folder, sizeof(folder), "/dev/shm/pystack-reach-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(file, sizeof(file), "%s/file", folder);
	(void)snprintf(other, sizeof(other), "%s/other", folder);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, sizeof(content)), sizeof(content));
	(void)close(fd);
}

static void remove_files(void)
{
	(void)unlink(file);
	(void)unlink(other);
	(void)rmdir(folder);
}

/* The mounts in the text, in which %u:%u is the device of the files. */
static struct reach reach_of(const char *table)
{
	struct reach r = { .proc = -1, .root = -1, .prefix = "", .ms = PATIENT_MS, .tabled = true };
	char *text = NULL;
	struct stat st;

	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_int_ge(asprintf(&text, "1 0 8:1 / / rw - ext4 s rw\n2 1 %u:%u / /dev/shm rw - %s\n",
			     major(st.st_dev), minor(st.st_dev), table),
	    0);
	ck_assert_int_eq(mounts_parse(text, &r.table), RES_OK);
	ck_assert_uint_ge(r.table.at.n, 2);
	return r;
}

static bool is_copy(int fd)
{
	struct stat st, real;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(stat(file, &real), 0);
	return st.st_ino != real.st_ino || st.st_dev != real.st_dev;
}

static void check_content(int fd)
{
	char buf[sizeof(content) + 1];

	ck_assert_int_eq(pread(fd, buf, sizeof(buf), 0), sizeof(content));
	ck_assert_str_eq(buf, content);
}

static void check_identity(const struct reach_file *is)
{
	struct stat st;

	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(is->dev, st.st_dev);
	ck_assert_uint_eq(is->inode, st.st_ino);
}

START_TEST(local_file_is_opened)
{
	struct reach r = reach_of("tmpfs s rw");
	struct reach_file is;
	int fd = reach_open(&r, file, &is);

	ck_assert_int_ge(fd, 0);
	ck_assert(!is_copy(fd));
	check_content(fd);
	check_identity(&is);
	(void)close(fd);
	ck_assert(reach_look(&r, file, &is));
	ck_assert_int_eq(reach_open(&r, other, NULL), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(reach_open(&r, folder, NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	reach_clear(&r);
}
END_TEST

START_TEST(far_file_is_copied)
{
	struct reach r = reach_of("nfs4 server:/x rw");
	struct reach_file is = { 0 };
	struct notice silent;
	int fd = reach_open(&r, file, &is);

	ck_assert_int_ge(fd, 0);
	ck_assert(is_copy(fd));
	check_content(fd);
	check_identity(&is);
	(void)close(fd);
	is = (struct reach_file){ 0 };
	ck_assert(reach_look(&r, file, &is));
	check_identity(&is);
	/* A core may be too large to copy. */
	is = (struct reach_file){ 0 };
	fd = reach_open_itself(&r, file, &is);
	ck_assert_int_ge(fd, 0);
	ck_assert(!is_copy(fd));
	check_identity(&is);
	(void)close(fd);
	ck_assert_int_eq(reach_open(&r, other, NULL), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert(!r.late);
	ck_assert_int_eq(mkfifo(other, 0600), 0);
	ck_assert_int_eq(reach_open(&r, other, NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert(!reach_unanswered(&r, 0, &silent));
	reach_clear(&r);
}
END_TEST

/* A failure in the child, or to create it, shows in no call of this process, so it is counted
 * separately. */
START_TEST(failure_of_the_child_is_counted)
{
	static const int errors[] = { EMFILE, ENFILE, EAGAIN, EIO };
	struct reach r = reach_of("nfs4 server:/x rw");
	OWNED(fd_release) int keep = open(file, O_RDONLY | O_CLOEXEC);
	OWNED(fd_release) int self = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[16];

	(void)snprintf(name, sizeof(name), "%d", keep);
	for (int i = NO_PIPE; i <= NO_CONTENT; i++) {
		int fd;

		memset(&counted, 0, sizeof(counted));
		refuse = i;
		fd = i % 2 == 0 ? reach_open(&r, file, NULL) : reach_open_link(&r, self, name, 0, NULL);
		refuse = NOTHING;
		ck_assert_int_eq(fd, -1);
		ck_assert_int_eq(errno, errors[i - NO_PIPE]);
		ck_assert(!r.late);
		ck_assert_int_eq(counted.n, 1);
		ck_assert_int_eq(counted.error, errors[i - NO_PIPE]);
		ck_assert_str_eq(counted.path, file);
	}
	reach_clear(&r);
}
END_TEST

/* The link is on a local file system, its target is not. */
START_TEST(link_into_a_far_file_system)
{
	struct reach r = reach_of("fuse.sshfs host: rw");
	char link[] = "/tmp/pystack-reach-XXXXXX", path[96];
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(link));
	(void)snprintf(path, sizeof(path), "%s/link", link);
	ck_assert_int_eq(symlink(file, path), 0);
	fd = reach_open(&r, path, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert(is_copy(fd));
	check_content(fd);
	(void)close(fd);
	(void)unlink(path);
	(void)rmdir(link);
	reach_clear(&r);
}
END_TEST

START_TEST(silent_file_system_is_asked_once)
{
	struct reach r = reach_of("nfs4 server:/x rw");
	struct stat st;
	struct notice silent;

	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert(reach_dev_waits(&r, st.st_dev));
	ck_assert(!reach_dev_silent(&r, st.st_dev));
	reach_dev_fall_silent(&r, st.st_dev, 0x1000);
	ck_assert(reach_dev_silent(&r, st.st_dev));
	ck_assert_int_eq(reach_open(&r, file, NULL), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert(r.late);
	ck_assert(reach_unanswered(&r, 0, &silent));
	ck_assert_int_eq(silent.code, NOTICE_SILENT);
	ck_assert(silent.failed);
	ck_assert_str_eq(silent.file, "/dev/shm");
	ck_assert_str_eq(silent.type, "nfs4");
	ck_assert_str_eq(silent.source, "server:/x");
	ck_assert(!reach_unanswered(&r, 1, &silent));
	/* Other file systems are still used. */
	ck_assert_int_ge(reach_open(&r, "/etc/passwd", NULL), 0);
	ck_assert(!r.late);
	reach_clear(&r);
}
END_TEST

static void check_too_large(struct reach *r, const char *path)
{
	memset(&counted, 0, sizeof(counted));
	ck_assert_int_eq(reach_open(r, path, NULL), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(counted.error, EFBIG);
	ck_assert_str_eq(counted.path, path);
}

/* The limit of one file, and that of all together. */
START_TEST(copies_are_limited)
{
	struct reach r = reach_of("nfs4 server:/x rw");
	int fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(ftruncate(fd, (off_t)REACH_COPY_MAX + 1), 0);
	(void)close(fd);
	check_too_large(&r, other);
	r.copied = REACH_COPIES_MAX - sizeof(content);
	fd = reach_open(&r, file, NULL);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert_uint_eq(r.copied, REACH_COPIES_MAX);
	check_too_large(&r, file);
	reach_clear(&r);
}
END_TEST

static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

/* Missing files are looked up often. */
START_TEST(no_child_is_left_behind)
{
	struct reach r = reach_of("nfs4 server:/x rw");

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(reach_open(&r, other, NULL), -1);
	ck_assert(!has_children());
	reach_clear(&r);
}
END_TEST

/* A new handle of the same process does not wait again, and takes over the list of children. */
START_TEST(silence_is_inherited)
{
	struct reach old = reach_of("nfs4 server:/x rw"), new = reach_of("nfs4 server:/x rw");
	struct stat st;
	struct notice silent;

	ck_assert_int_eq(stat(file, &st), 0);
	reach_dev_fall_silent(&old, st.st_dev, 0x1000);
	reach_dev_fall_silent(&old, makedev(0, 0xffff0), 0x2000);
	ck_assert(vec_push(&old.left, 1));
	reach_inherit(&new, &old);
	ck_assert_uint_eq(old.left.n, 0);
	ck_assert_uint_eq(new.left.n, 1);
	reach_clear(&old);
	ck_assert_int_eq(reach_open(&new, file, NULL), -1);
	ck_assert(new.late);
	ck_assert(reach_dev_silent(&new, makedev(0, 0xffff1)));
	ck_assert(reach_unanswered(&new, 0, &silent));
	ck_assert_str_eq(silent.source, "server:/x");
	ck_assert(reach_unanswered(&new, 1, &silent));
	ck_assert_int_eq(silent.code, NOTICE_SILENT_UNKNOWN);
	ck_assert_ptr_null(silent.file);
	ck_assert_uint_eq(silent.va, 0x2000);
	reach_clear(&new);
}
END_TEST

START_TEST(link_of_proc)
{
	struct reach r = reach_of("nfs4 server:/x rw");
	struct reach_file is, not_it = { .dev = 1, .inode = 1 };
	OWNED(fd_release) int keep = open(file, O_RDONLY | O_CLOEXEC);
	OWNED(fd_release) int self = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[16];
	int fd;

	(void)snprintf(name, sizeof(name), "%d", keep);
	ck_assert(reach_look(&r, file, &is));
	fd = reach_open_link(&r, self, name, 0, &is);
	ck_assert_int_ge(fd, 0);
	ck_assert(is_copy(fd));
	check_content(fd);
	(void)close(fd);
	ck_assert_int_eq(reach_open_link(&r, self, name, 0, &not_it), -1);
	ck_assert_int_eq(errno, ENOENT);
	reach_clear(&r);
}
END_TEST

/* Devices in no table: the kernel's memory files are near, other devices are unknown. */
START_TEST(device_without_a_mount)
{
	struct reach r = reach_of("tmpfs s rw");
	OWNED(fd_release) int fd = memfd_create("reach", MFD_CLOEXEC);
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert(!reach_dev_waits(&r, st.st_dev));
	ck_assert(!reach_dev_waits(&r, makedev(8, 200)));
	ck_assert(!reach_dev_waits(&r, 0));
	ck_assert(reach_dev_waits(&r, makedev(0, 0xffff0)));
	reach_clear(&r);
}
END_TEST

/* A program, or another machine that has the disk, may answer for a disk too. */
START_TEST(disk_that_waits)
{
	struct reach r = reach_of("tmpfs s rw\n3 1 8:200 / /mnt rw - fuseblk /dev/sdm8 rw\n"
				  "4 1 8:201 / /new rw - ext4 /dev/sdm9 rw");

	ck_assert(reach_dev_waits(&r, makedev(8, 200)));
	ck_assert(!reach_dev_waits(&r, makedev(8, 201)));
	reach_clear(&r);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reach");
	TCase *child = tcase_create("child"), *files = tcase_create("files");

	tcase_add_test(child, what_a_child_says);
	tcase_add_test(child, child_has_what_it_is_given);
	tcase_add_test(child, child_that_never_answers);
	tcase_add_checked_fixture(files, make_files, remove_files);
	tcase_add_test(files, local_file_is_opened);
	tcase_add_test(files, far_file_is_copied);
	tcase_add_test(files, failure_of_the_child_is_counted);
	tcase_add_test(files, link_into_a_far_file_system);
	tcase_add_test(files, silent_file_system_is_asked_once);
	tcase_add_test(files, copies_are_limited);
	tcase_add_test(files, no_child_is_left_behind);
	tcase_add_test(files, silence_is_inherited);
	tcase_add_test(files, link_of_proc);
	tcase_add_test(files, device_without_a_mount);
	tcase_add_test(files, disk_that_waits);
	tcase_set_timeout(files, 60);
	suite_add_tcase(suite, child);
	suite_add_tcase(suite, files);
	return run_made_suite(suite);
}
