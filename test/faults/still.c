/* A library in which a thread runs, and still always has the same stack. */
void stay(void);

void stay(void)
{
	__asm__ volatile("0: jmp 0b");
}
