/* The table of mounts: real lines, unusual ones, and lines made to be misread. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "proc/mounts.h"
#include "support/run_suite.h"

static struct mounts parse(const char *text)
{
	struct mounts m;
	char *copy = strdup(text);

	ck_assert_ptr_nonnull(copy);
	ck_assert_int_eq(mounts_parse(copy, &m), RES_OK);
	return m;
}

static const char usual[] = "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n"
			    "22 27 0:21 / /proc rw - proc proc rw\n"
			    "40 27 0:50 / /home rw shared:7 master:1 - nfs4 server:/export/home rw,hard\n"
			    "41 40 254:0 /srv /home/local rw - ext4 /dev/vda rw\n";

START_TEST(path_has_the_longest_mount)
{
	struct mounts m = parse(usual);

	ck_assert_uint_eq(m.at.n, 4);
	ck_assert(m.waits);
	ck_assert_str_eq(mounts_of_path(&m, "/usr/bin/python3")->point, "/");
	ck_assert_str_eq(mounts_of_path(&m, "/")->point, "/");
	ck_assert_str_eq(mounts_of_path(&m, "/home")->point, "/home");
	ck_assert_str_eq(mounts_of_path(&m, "/home/a/lib.so")->source, "server:/export/home");
	ck_assert_str_eq(mounts_of_path(&m, "/home/local/lib.so")->type, "ext4");
	/* Not below /home: */
	ck_assert_str_eq(mounts_of_path(&m, "/homes/lib.so")->point, "/");
	ck_assert_ptr_null(mounts_of_path(&m, "home/a"));
	ck_assert(mounts_of_path(&m, "/home/x")->waits);
	ck_assert(!mounts_of_path(&m, "/home/local/x")->waits);
	ck_assert_str_eq(mounts_of_dev(&m, makedev(0, 50))->point, "/home");
	ck_assert_ptr_null(mounts_of_dev(&m, makedev(0, 51)));
	mounts_clear(&m);
}
END_TEST

START_TEST(later_mount_hides_the_earlier)
{
	struct mounts m = parse("1 0 8:1 / / rw - ext4 a rw\n2 1 0:9 / /x rw - fuse.sshfs b rw\n"
				"3 2 8:2 / /x rw - xfs c rw\n");

	ck_assert_str_eq(mounts_of_path(&m, "/x/y")->type, "xfs");
	mounts_clear(&m);
}
END_TEST

START_TEST(names_are_decoded)
{
	struct mounts m =
	    parse("5 1 0:9 / /a\\040b\\011c\\012d\\134e\\04 rw - fuse.x\\040y so\\134urce rw\n");

	ck_assert_uint_eq(m.at.n, 1);
	ck_assert_str_eq(m.at.at[0].point, "/a b\tc\nd\\e\\04");
	ck_assert_str_eq(m.at.at[0].type, "fuse.x y");
	ck_assert_str_eq(m.at.at[0].source, "so\\urce");
	ck_assert_ptr_eq(mounts_of_path(&m, "/a b\tc\nd\\e\\04/f"), &m.at.at[0]);
	mounts_clear(&m);
}
END_TEST

START_TEST(types)
{
	struct mounts m = parse("1 0 0:1 / /a rw - btrfs s rw\n2 0 0:2 / /b rw - cifs s rw\n"
				"3 0 0:3 / /c rw - fuseblk s rw\n4 0 0:4 / /d rw - never-heard-of s rw\n"
				"5 0 0:5 / /e rw - tmpfs s rw\n6 0 8:1 / /f rw - gfs2 s rw\n");
	static const bool waits[] = { false, true, true, true, false, true };

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		ck_assert_int_eq(m.at.at[i].waits, waits[i]);
	mounts_clear(&m);
}
END_TEST

START_TEST(overlay_is_what_it_lies_over)
{
	struct mounts m = parse("1 0 8:1 / / rw - ext4 s rw\n2 1 0:2 / /far rw - nfs s rw\n"
				"3 1 0:3 / /a rw - overlay o rw,lowerdir=/l1:/l2,upperdir=/u,workdir=/w\n"
				"4 1 0:4 / /b rw - overlay o rw,lowerdir=/l1:/far/l2,upperdir=/u\n"
				"5 1 0:5 / /c rw - overlay o rw,lowerdir+=/l1,lowerdir+=/far/l\n"
				"6 1 0:6 / /d rw - overlay o rw,lowerdir=l1:l2\n"
				"7 1 0:7 / /e rw - overlay o rw,workdir=/far/w\n");
	static const bool waits[] = { false, true, false, true, true, false, false };

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		ck_assert_int_eq(m.at.at[i].waits, waits[i]);
	mounts_clear(&m);
}
END_TEST

/* A container's table does not have the file systems of its layers. */
START_TEST(overlay_over_mounts_of_another)
{
	struct mounts inside = parse("1 0 0:3 / / rw - overlay o rw,lowerdir=/l1:/far/l2,upperdir=/u\n"
				     "2 1 0:4 / /b rw - overlay o rw,lowerdir=/l1:/l2,upperdir=/u\n"
				     "3 1 0:5 / /c rw - tmpfs t rw\n");
	struct mounts outside = parse("1 0 8:1 / / rw - ext4 d rw\n2 1 0:2 / /far rw - nfs4 s rw\n");

	ck_assert(inside.overlays && !outside.overlays);
	ck_assert(!inside.waits && !inside.at.at[0].waits);
	mounts_judge_overlays(&inside, &outside);
	ck_assert(inside.waits && inside.at.at[0].waits);
	ck_assert(!inside.at.at[1].waits && !inside.at.at[2].waits);
	mounts_clear(&inside);
	mounts_clear(&outside);
}
END_TEST

START_TEST(damaged_lines_are_left_out)
{
	static const char *const lines[] = { "", "1", "1 2 3", "1 2 8:1 / /x rw", "1 2 8:1 / /x rw -",
		"1 2 8:1 / /x rw - ext4", "1 2 8 / /x rw - ext4 s rw", "1 2 8: / /x rw - ext4 s rw",
		"1 2 :1 / /x rw - ext4 s rw", "1 2 -8:1 / /x rw - ext4 s rw",
		"1 2 99999999999999999999:1 / /x rw - ext4 s rw", "1 2 8:1 / x rw - ext4 s rw",
		"1 2 8:1 / \\057x\\0 rw - ext4 s", "        ", "\\", "- - - - - - -" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct mounts m = parse(lines[i]);

		/* The last but three is whole but for its options, of which nothing is wanted. */
		ck_assert_uint_le(m.at.n, strstr(lines[i], "\\057") != NULL);
		ck_assert(mounts_of_path(&m, "/y") == NULL);
		mounts_clear(&m);
	}
}
END_TEST

START_TEST(own_table)
{
	struct mounts m;

	ck_assert_int_eq(mounts_read(AT_FDCWD, "/proc/self/mountinfo", &m), RES_OK);
	ck_assert_ptr_nonnull(mounts_of_path(&m, "/proc/self"));
	ck_assert_str_eq(mounts_of_path(&m, "/proc/self")->type, "proc");
	mounts_clear(&m);
	ck_assert_int_eq(mounts_read(AT_FDCWD, "/proc/self/no-such-file", &m), RES_FAIL);
	ck_assert_uint_eq(m.at.n, 0);
	ck_assert_ptr_null(mounts_of_path(&m, "/"));
	mounts_clear(&m);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { path_has_the_longest_mount, later_mount_hides_the_earlier,
		names_are_decoded, types, overlay_is_what_it_lies_over, overlay_over_mounts_of_another,
		damaged_lines_are_left_out, own_table };

	return run_suite("mounts", tests, sizeof(tests) / sizeof(tests[0]));
}
