/* A function that calls rmdir(2) once, and needs nothing of the C library: it is mapped without a
 * dynamic linker. */
long LEAF(const char *path);

long LEAF(const char *path)
{
	volatile char large[64];
	long result;

	large[0] = 1;
#ifdef __x86_64__
	__asm__ volatile("syscall" : "=a"(result) : "a"(84L), "D"(path) : "rcx", "r11", "memory");
#else
	result = path[0];
#endif
	return result + large[0];
}
