/* The search for separate debug files, in a fake file system of generated images. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bound.h"
#include "base/strbuf.h"
#include "elf/debugfile.h"
#include "support/elf_builder.h"
#include "support/run_suite.h"

static const uint8_t id_one[4] = { 0xab, 0xcd, 0xef, 0x01 };
static const uint8_t id_two[4] = { 0xab, 0xcd, 0xef, 0x02 };

/* One file at one path, and a record of every path that was opened. */
struct disk {
	const char *path;
	struct elf_builder file;
	struct strbuf asked;
	off_t claims; /* size of the file, sparse after its bytes; 0: the size of its bytes */
	struct fault fault;
};

static int open_disk(void *data, const char *path)
{
	struct disk *d = data;
	int fd;

	strbuf_fmt(&d->asked, "%s\n", path);
	if (d->path == NULL || strcmp(path, d->path) != 0)
		return -1;
	fd = elf_builder_fd(&d->file, d->file.n);
	ck_assert(d->claims == 0 || ftruncate(fd, d->claims) == 0);
	return fd;
}

static void make(struct elf_builder *b, const uint8_t *id, const char *link, uint32_t crc)
{
	elf_builder_start(b, ET_DYN);
	if (id != NULL) {
		size_t n;
		uint64_t off = elf_builder_build_id(b, id, 4, &n);

		elf_builder_segment(b, PT_NOTE, PF_R, off, off, n, 4);
	}
	if (link != NULL) {
		uint64_t off = elf_builder_add(b, link, strlen(link) + 1, 4);

		(void)elf_builder_add(b, &crc, sizeof(crc), 4);
		(void)elf_builder_section(b, ".gnu_debuglink", SHT_PROGBITS, 0, off, b->n - off);
	}
	elf_builder_finish(b);
}

/* Search for the debug file of an image with this id and link. True: one was found. */
static bool search(struct disk *d, const uint8_t *id, const char *link, uint32_t crc, const char *path)
{
	struct elf_builder b;
	struct elf_image *img = NULL, *debug = NULL;
	int fd;
	bool found;

	make(&b, id, link, crc);
	fd = elf_builder_fd(&b, b.n);
	ck_assert_int_eq(elf_image_open(fd, &img, NULL), RES_OK);
	(void)close(fd);
	strbuf_reset(&d->asked);
	found =
	    elf_debugfile_open(img, path, &(struct elf_disk){ open_disk, d }, &debug, &d->fault) == RES_OK;
	ck_assert(found == (debug != NULL));
	elf_image_close(debug);
	elf_image_close(img);
	elf_builder_free(&b);
	return found;
}

/* In place of base's: is the time over? */
static bool time_over;

bool bound_passed(enum bound_part part)
{
	return time_over && part == BOUND_FILES;
}

static void disk_free(struct disk *d)
{
	elf_builder_free(&d->file);
	strbuf_free(&d->asked);
}

START_TEST(by_build_id)
{
	struct disk d = { .path = "/usr/lib/debug/.build-id/ab/cdef01.debug", .asked = STRBUF_EMPTY };

	make(&d.file, id_one, NULL, 0);
	ck_assert(search(&d, id_one, NULL, 0, "/usr/bin/prog"));
	ck_assert_str_eq(strbuf_text(&d.asked), "/usr/lib/debug/.build-id/ab/cdef01.debug\n");
	ck_assert(search(&d, id_one, NULL, 0, NULL));
	ck_assert(!search(&d, id_two, NULL, 0, "/usr/bin/prog"));
	ck_assert(!search(&d, NULL, NULL, 0, "/usr/bin/prog"));
	disk_free(&d);
}
END_TEST

START_TEST(a_wrong_file_under_the_right_name_is_refused)
{
	struct disk d = { .path = "/usr/lib/debug/.build-id/ab/cdef01.debug", .asked = STRBUF_EMPTY };

	make(&d.file, id_two, NULL, 0);
	ck_assert(!search(&d, id_one, NULL, 0, "/usr/bin/prog"));
	elf_builder_free(&d.file);
	make(&d.file, NULL, NULL, 0);
	ck_assert(!search(&d, id_one, NULL, 0, "/usr/bin/prog"));
	disk_free(&d);
}
END_TEST

START_TEST(by_debuglink_in_three_places)
{
	static const char *const places[] = { "/usr/bin/prog.dbg", "/usr/bin/.debug/prog.dbg",
		"/usr/lib/debug/usr/bin/prog.dbg" };
	struct disk d = { .asked = STRBUF_EMPTY };
	uint32_t crc;

	make(&d.file, NULL, NULL, 0);
	crc = (uint32_t)crc32_z(0, d.file.bytes, d.file.n);
	for (size_t i = 0; i < 3; i++) {
		d.path = places[i];
		ck_assert(search(&d, NULL, "prog.dbg", crc, "/usr/bin/prog"));
		ck_assert(!search(&d, NULL, "prog.dbg", crc + 1, "/usr/bin/prog"));
	}
	ck_assert_str_eq(strbuf_text(&d.asked),
	    "/usr/bin/prog.dbg\n/usr/bin/.debug/prog.dbg\n/usr/lib/debug/usr/bin/prog.dbg\n");
	ck_assert(!search(&d, NULL, "prog.dbg", crc, NULL));
	ck_assert(!search(&d, NULL, "prog.dbg", crc, "prog"));
	d.path = "/prog.dbg";
	ck_assert(search(&d, NULL, "prog.dbg", crc, "/prog"));
	disk_free(&d);
}
END_TEST

START_TEST(build_ids_outrank_the_crc)
{
	struct disk d = { .path = "/usr/bin/prog.dbg", .asked = STRBUF_EMPTY };
	uint32_t crc;

	make(&d.file, id_two, NULL, 0);
	crc = (uint32_t)crc32_z(0, d.file.bytes, d.file.n);
	ck_assert(!search(&d, id_one, "prog.dbg", crc, "/usr/bin/prog"));
	ck_assert(search(&d, id_two, "prog.dbg", crc + 1, "/usr/bin/prog"));
	ck_assert(search(&d, NULL, "prog.dbg", crc, "/usr/bin/prog"));
	disk_free(&d);
}
END_TEST

START_TEST(no_time_for_the_crc)
{
	struct disk d = { .path = "/usr/bin/prog.dbg", .asked = STRBUF_EMPTY };
	uint32_t crc;

	make(&d.file, NULL, NULL, 0);
	crc = (uint32_t)crc32_z(0, d.file.bytes, d.file.n);
	time_over = true;
	ck_assert(!search(&d, NULL, "prog.dbg", crc, "/usr/bin/prog"));
	ck_assert_str_eq(d.fault.text,
	    "/usr/bin/prog.dbg is not used: it has no build-id, and its checksum takes too long to verify");
	time_over = false;
	ck_assert(search(&d, NULL, "prog.dbg", crc, "/usr/bin/prog"));
	disk_free(&d);
}
END_TEST

/* A sparse file takes no space, but as long to read as a full one. */
START_TEST(a_huge_file_is_not_summed_up)
{
	struct disk d = { .path = "/usr/bin/prog.dbg", .asked = STRBUF_EMPTY, .claims = (off_t)20 << 30 };

	make(&d.file, NULL, NULL, 0);
	ck_assert(!search(&d, NULL, "prog.dbg", 0, "/usr/bin/prog"));
	ck_assert_ptr_nonnull(strstr(d.fault.text, "/usr/bin/prog.dbg is not used: "));
	/* An equal build-id is still accepted. */
	elf_builder_free(&d.file);
	make(&d.file, id_one, NULL, 0);
	ck_assert(search(&d, id_one, "prog.dbg", 0, "/usr/bin/prog"));
	disk_free(&d);
}
END_TEST

START_TEST(links_that_lead_elsewhere_are_not_followed)
{
	static const char *const names[] = { "../../etc/passwd", "/etc/passwd", "", ".", ".." };
	struct disk d = { .asked = STRBUF_EMPTY };

	make(&d.file, NULL, NULL, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert(!search(&d, NULL, names[i], 0, "/usr/bin/prog"));
		ck_assert_str_eq(strbuf_text(&d.asked), "");
	}
	/* A link to the image itself is not accepted either. */
	ck_assert(!search(&d, NULL, "prog", 0, "/usr/bin/prog"));
	ck_assert_str_eq(strbuf_text(&d.asked), "/usr/bin/.debug/prog\n/usr/lib/debug/usr/bin/prog\n");
	disk_free(&d);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("elf/debugfile");
	TCase *tc = tcase_create("debugfile");

	tcase_add_test(tc, by_build_id);
	tcase_add_test(tc, a_wrong_file_under_the_right_name_is_refused);
	tcase_add_test(tc, by_debuglink_in_three_places);
	tcase_add_test(tc, no_time_for_the_crc);
	tcase_add_test(tc, build_ids_outrank_the_crc);
	tcase_add_test(tc, a_huge_file_is_not_summed_up);
	tcase_add_test(tc, links_that_lead_elsewhere_are_not_followed);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
