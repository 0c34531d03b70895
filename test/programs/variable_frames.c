/* Two native stacks whose return addresses and their places are the same, and of which one has a
 * function that the other has not: the frame of vary() has any size, and in the larger one the
 * return address into through() is left over from before.
 *
 *   stack     the saved frame pointer that tells this is on the stack
 *   signal    it is one of the registers in the frame of a signal, on another stack
 *   boundary  it is at the end of 4 GB of addresses, and points beyond that
 *   far       far below two functions that are entered in turn all is the same
 *
 * It calls rmdir(2) on both in turn, 1000 times each. */
#include <alloca.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { CALLS = 1000, SMALL = 64, FAR = 20000, STACK = 1 << 16 };

static volatile uintptr_t frame;      /* where that of vary() ended */
static volatile uintptr_t leaf_frame; /* that of leaf() */
static int interrupt;

/* It has a frame pointer, so that vary()'s is on the stack only. */
static __attribute__((noipa)) void leaf(char *path)
{
	volatile char *room = alloca((size_t)(path[0] != 0 ? SMALL : 0));

	leaf_frame = (uintptr_t)__builtin_frame_address(0);
	room[0] = 0;
	(void)rmdir(path);
	room[0] = 0;
}

static __attribute__((noipa)) void vary(size_t n)
{
	char *room = alloca(n);

	frame = (uintptr_t)__builtin_frame_address(0);
	memcpy(room, "absent", sizeof("absent"));
	if (interrupt) {
		long result;

		/* In place: a function would have a frame. */
		__asm__ volatile("syscall"
				 : "=a"(result)
				 : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
				 : "rcx", "r11", "memory");
	} else {
		leaf(room);
	}
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

static __attribute__((noipa)) void handle(int number)
{
	(void)number;
	(void)rmdir("absent");
	__asm__ volatile("");
}

static void call_in_turn(int n)
{
	void (*const functions[])(size_t) = { through, vary };
	uintptr_t narrow = 0;
	size_t large = SMALL;

	for (int i = 0; i < n; i++) {
		call(functions[i % 2], large);
		if (i == 0)
			narrow = frame;
		else if (i == 1)
			large += frame - narrow;
	}
}

static void handle_on_another_stack(void)
{
	static char room[STACK];
	const stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };
	const struct sigaction action = { .sa_handler = handle, .sa_flags = SA_ONSTACK };

	interrupt = 1;
	(void)sigaltstack(&stack, NULL);
	(void)sigaction(SIGUSR1, &action, NULL);
	call_in_turn(2 * CALLS);
}

static void run_on(char *stack, size_t n, int calls)
{
	ucontext_t here, there;

	(void)getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = n;
	there.uc_link = &here;
	makecontext(&there, (void (*)(void))call_in_turn, 1, calls);
	(void)swapcontext(&here, &there);
}

/* Have leaf()'s frame pointer in the last 16 bytes before the boundary. */
static int run_at_boundary(void)
{
	enum { PAIR = 2 * sizeof(void *) };
	char *boundary = (char *)((uintptr_t)0x7a5 << 32), *stack = boundary - STACK;
	uintptr_t end = (uintptr_t)stack + STACK;

	if (mmap(stack, 2 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		-1, 0) != stack)
		return 1;
	run_on(stack, STACK, 2);
	run_on(stack, (size_t)(STACK + (end - leaf_frame) - PAIR), 2 * CALLS - 2);
	return 0;
}

static __attribute__((noipa)) void descend(void)
{
	char room[FAR];

	memset(room, 0, sizeof(room));
	memcpy(room, "absent", sizeof("absent"));
	leaf(room);
}

static __attribute__((noipa)) void through_far(size_t n)
{
	(void)n;
	descend();
	__asm__ volatile("");
}

static __attribute__((noipa)) void other(size_t n)
{
	(void)n;
	descend();
	__asm__ volatile("");
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "stack";

	if (strcmp(how, "signal") == 0) {
		handle_on_another_stack();
	} else if (strcmp(how, "boundary") == 0) {
		return run_at_boundary();
	} else if (strcmp(how, "far") == 0) {
		void (*const functions[])(size_t) = { through_far, other };

		for (int i = 0; i < 2 * CALLS; i++)
			call(functions[i % 2], 0);
	} else {
		call_in_turn(2 * CALLS);
	}
	return 0;
}
