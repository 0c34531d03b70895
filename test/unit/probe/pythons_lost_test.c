/* Processes that map Python while the ring is full are counted as not observed. */
#include <check.h>
#include <stdio.h>

#include "support/run_suite.h"

#ifdef WITH_LIBBPF
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe/probe.h"

enum { SIZE = 4096, TRIES = 1 << 20 };

/* This process is not observed: it maps and unmaps a file like that, and reads no records. */
START_TEST(ring_full)
{
	static const struct probe_spec_abi spec = { .kind = PROBE_AT_SYSCALL, .syscall = 0, .syscall32 = -1 };
	const struct probe_config config = {
		.specs = &spec, .n_specs = 1, .buffer = PROBE_BUFFER_MIN, .find_pythons = true
	};
	char dir[] = "/tmp/pystack-test-XXXXXX", path[64];
	uint64_t losses[PROBE_LOSSES] = { 0 };
	struct probe_session *s;
	struct fault f;
	uint32_t pid;
	int fd;

	if (probe_session_open(&config, &s, &f) != RES_OK) {
		printf("SKIP: %s\n", f.text);
		return;
	}
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/libpython3.so", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	ck_assert_msg(probe_session_attach(s, NULL, 0, &f) == RES_OK, "%s", f.text);
	for (int i = 0; losses[PROBE_LOST_PYTHON] == 0 && i < TRIES; i++) {
		void *at = mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		ck_assert_ptr_ne(at, MAP_FAILED);
		ck_assert_int_eq(munmap(at, SIZE), 0);
		probe_session_losses(s, losses);
	}
	ck_assert_uint_gt(losses[PROBE_LOST_PYTHON], 0);
	ck_assert_uint_eq(losses[PROBE_LOST_PROCESS], 0);
	ck_assert_int_eq(probe_session_read(s, 0, &(const struct probe_reader){ .data = NULL }, &f), RES_OK);
	ck_assert(probe_session_python(s, &pid));
	probe_session_close(s);
	(void)close(fd);
	(void)unlink(path);
	(void)rmdir(dir);
}
END_TEST
#endif

int main(void)
{
#ifdef WITH_LIBBPF
	return run_suite("lost Pythons", (const TTest *const[]){ ring_full }, 1);
#else
	(void)printf("SKIP: built without libbpf\n");
	return 0;
#endif
}
