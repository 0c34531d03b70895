/* Words that the dynamic linker sets to a function's address: those of this very program. */
#include "elf/slots.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "base/owned.h"
#include "support/run_suite.h"

struct seen {
	uint64_t base;
	void *function;
	unsigned n, right;
	bool stop;
};

static bool see(void *data, uint64_t vaddr)
{
	struct seen *s = data;
	void *word;

	memcpy(&word, (const void *)(uintptr_t)(s->base + vaddr), sizeof(word));
	s->n++;
	s->right += word == s->function;
	return !s->stop;
}

static int take_base(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	*(uint64_t *)data = info->dlpi_addr;
	return 1; /* the first one is the program */
}

static enum res slots_of(const char *name, struct seen *s)
{
	OWNED(fd_release) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf_image *img = NULL;
	struct fault f;
	enum res res;

	(void)dl_iterate_phdr(take_base, &s->base);
	ck_assert_int_eq(elf_image_open(fd, &img, &f), RES_OK);
	res = elf_slots_of(img, name, see, s);
	elf_image_close(img);
	return res;
}

START_TEST(of_a_function)
{
	struct seen s = { .function = (void *)(uintptr_t)getppid };

	ck_assert_int_ne(getppid(), 0); /* bound, if it is bound when it is first called */
	ck_assert_int_eq(slots_of("getppid", &s), RES_OK);
	ck_assert_uint_ge(s.n, 1);
	ck_assert_uint_eq(s.right, s.n);
}
END_TEST

START_TEST(of_no_function)
{
	struct seen s = { .function = NULL };

	ck_assert_int_eq(slots_of("getppi", &s), RES_OK);
	ck_assert_int_eq(slots_of("", &s), RES_OK);
	ck_assert_uint_eq(s.n, 0);
}
END_TEST

START_TEST(search_is_ended)
{
	struct seen s = { .function = (void *)(uintptr_t)getppid, .stop = true };

	ck_assert_int_eq(slots_of("getppid", &s), RES_FAIL);
	ck_assert_uint_eq(s.n, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slots");
	TCase *tcase = tcase_create("slots");

	tcase_add_test(tcase, of_a_function);
	tcase_add_test(tcase, of_no_function);
	tcase_add_test(tcase, search_is_ended);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
