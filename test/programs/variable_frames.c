/* Two native stacks whose return addresses and their places are the same, and of which one has a
 * function that the other has not: the frame of vary() has any size, and in the larger one the
 * return address into through() is left over from before.
 *
 * It calls rmdir(2) on both in turn, 1000 times each. */
#include <alloca.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { CALLS = 1000, SMALL = 64 };

static volatile uintptr_t frame; /* where that of vary() ended */

/* It has a frame pointer, so that vary()'s is on the stack only. */
static __attribute__((noipa)) void leaf(char *path)
{
	volatile char *room = alloca((size_t)(path[0] != 0 ? SMALL : 0));

	room[0] = 0;
	(void)rmdir(path);
	room[0] = 0;
}

static __attribute__((noipa)) void vary(size_t n)
{
	char *room = alloca(n);

	frame = (uintptr_t)__builtin_frame_address(0);
	memcpy(room, "absent", sizeof("absent"));
	leaf(room);
}

static __attribute__((noipa)) void through(size_t n)
{
	(void)n;
	vary(SMALL);
	__asm__ volatile("");
}

/* Both are called by the same instruction. */
static __attribute__((noipa)) void call(void (*function)(size_t), size_t n)
{
	function(n);
	__asm__ volatile("");
}

int main(void)
{
	void (*const functions[])(size_t) = { through, vary };
	uintptr_t narrow = 0;
	size_t large = SMALL;

	for (int i = 0; i < 2 * CALLS; i++) {
		call(functions[i % 2], large);
		if (i == 0)
			narrow = frame;
		else if (i == 1)
			large += frame - narrow;
	}
	return 0;
}
