/* many_mappings N: a process with N mappings more than usual: every other page has other rights, so
 * that the kernel cannot merge them. Writes "r" to its standard output and waits to be killed. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const size_t page = 4096, n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	char *at = mmap(NULL, (n + 1) * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return 1;
	for (size_t i = 1; i < n; i += 2) {
		if (mprotect(at + i * page, page, PROT_NONE) != 0)
			return 1;
	}
	if (write(1, "r", 1) != 1)
		return 1;
	for (;;)
		(void)pause();
}
