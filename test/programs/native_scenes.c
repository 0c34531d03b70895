/* Native stacks of every kind, with their truth.
 *
 * `native_scenes SCENE` runs under ptrace. On the way down, functions report what a correct walk
 * from the next stop must contain, one line each on standard output:
 *
 *   caller PC SP      some activation has this return address and this sp
 *   exact PC SP       the same, and it was interrupted at just this instruction
 *   depth N           there are at least N activations
 *   forget            the lines before are about another thread
 *
 * Then the scene stops with int3. Scenes named step_* stop twice: the lines before the first stop
 * hold at every instruction between the two. */
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))
#define STOP() __asm__ volatile("int3" ::: "memory")
/* Report the caller of the function that contains this, as the compiler knows it. */
#define SAY_CALLER() say("caller", __builtin_return_address(0), __builtin_dwarf_cfa())

static volatile int zero;
static volatile uintptr_t sink;

static NOINLINE void say(const char *what, const void *pc, const void *sp)
{
	char line[80];
	int n = snprintf(line, sizeof(line), "%s %p %p\n", what, pc, sp);

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(3);
}

/* --- frames that rbp, not sp, describes --- */

static NOINLINE void leaf(void *p)
{
	SAY_CALLER();
	sink += (uintptr_t)p;
	STOP();
	sink += zero;
}

static NOINLINE void aligned_alloca(size_t n)
{
	_Alignas(64) char buffer[128];
	char *more = alloca(n);

	/* No report: gcc takes the copy of the return address below the alignment for the real one
	 * here. */
	memset(buffer, zero, sizeof(buffer));
	memset(more, zero, n);
	sink += (uintptr_t)buffer % 64;
	leaf(more);
	sink += (uintptr_t)buffer[zero] + (uintptr_t)more[zero];
}

static NOINLINE void scene_drap(void)
{
	SAY_CALLER();
	aligned_alloca((size_t)(500 + zero));
	sink += zero;
}

/* --- signals --- */

static void handler(int signo, siginfo_t *info, void *context)
{
	ucontext_t uc;

	(void)info;
	memcpy(&uc, context, sizeof(uc));
	say("exact", (void *)uc.uc_mcontext.gregs[REG_RIP], (void *)uc.uc_mcontext.gregs[REG_RSP]);
	sink += (uintptr_t)signo;
	STOP();
	if (signo == SIGSEGV)
		_exit(0);
}

static void handle(int signo, int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = handler;
	sa.sa_flags = SA_SIGINFO | flags;
	sigaction(signo, &sa, NULL);
}

static NOINLINE void scene_signal(void)
{
	SAY_CALLER();
	handle(SIGUSR1, 0);
	raise(SIGUSR1);
	sink += zero;
}

static NOINLINE void scene_altstack(void)
{
	stack_t alt = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };

	SAY_CALLER();
	sigaltstack(&alt, NULL);
	handle(SIGUSR1, SA_ONSTACK);
	raise(SIGUSR1);
	sink += zero;
}

/* A function whose first instruction faults: the interrupted pc is the start of its CFI, and pc - 1
 * belongs to another function. */
__attribute__((naked)) static void fault_at_once(void)
{
	__asm__("movq (%rdi), %rax\n\tret");
}

static NOINLINE void scene_first_instruction(void)
{
	SAY_CALLER();
	handle(SIGSEGV, 0);
	((void (*)(void *))fault_at_once)((void *)(uintptr_t)zero);
	sink += zero;
}

/* The stop is the fault itself. */
static NOINLINE void scene_null_call(void)
{
	void (*nowhere)(void) = (void (*)(void))(uintptr_t)zero;

	SAY_CALLER();
	nowhere();
	sink += zero;
}

/* --- how a function can end and be cut up --- */

static NOINLINE __attribute__((noreturn)) void die(void)
{
	SAY_CALLER();
	STOP();
	_exit(0);
}

static NOINLINE __attribute__((noreturn)) void calls_last(void)
{
	SAY_CALLER();
	die();
}

static NOINLINE void scene_noreturn(void)
{
	SAY_CALLER();
	if (zero == 0)
		calls_last();
	sink += zero;
}

static NOINLINE __attribute__((cold)) void rare(void)
{
	SAY_CALLER();
	leaf(NULL);
	sink += zero;
}

static NOINLINE void has_cold_part(int n)
{
	char buffer[300];

	SAY_CALLER();
	memset(buffer, n, sizeof(buffer));
	if (__builtin_expect(buffer[zero] == 7, 0)) {
		sink += (uintptr_t)buffer[3];
		rare();
		sink += (uintptr_t)buffer[4];
	}
	sink += (uintptr_t)buffer[5];
}

static NOINLINE void scene_cold(void)
{
	SAY_CALLER();
	has_cold_part(zero + 7);
	sink += zero;
}

/* --- code that nothing describes --- */

static NOINLINE void scene_jit(void)
{
	/* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret */
	static const unsigned char code[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
	void *area = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void (*run)(void (*)(void *));

	if (area == MAP_FAILED)
		_exit(3);
	SAY_CALLER();
	memcpy(area, code, sizeof(code));
	memcpy(&run, &area, sizeof(run));
	run(leaf);
	sink += zero;
}

/* Has a frame pointer, and calls code that has none. */
void enter_made(void *code);
__asm__(".text\n"
	".p2align 4\n"
	".globl enter_made\n"
	".type enter_made, @function\n"
	"enter_made:\n"
	".cfi_startproc\n"
	"	push %rbp\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset 6, -16\n"
	"	mov %rsp, %rbp\n"
	".cfi_def_cfa_register 6\n"
	"	push %rbx\n"
	".cfi_offset 3, -24\n"
	"	push %rax\n"
	"	call *%rdi\n"
	"	add $8, %rsp\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	".cfi_def_cfa 7, 8\n"
	"	ret\n"
	".cfi_endproc\n"
	".size enter_made, . - enter_made\n");

static NOINLINE void scene_jit_bare(void)
{
	static const unsigned char code[] = { 0xcc, 0x90, 0xc3 }; /* int3; nop; ret */
	void *area = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		_exit(3);
	SAY_CALLER();
	memcpy(area, code, sizeof(code));
	enter_made(area);
	sink += zero;
}

/* --- many frames --- */

enum { DEEP = 300000 };

static NOINLINE int down(int n)
{
	volatile char buffer[150];

	buffer[zero] = (char)n;
	if (n == 0)
		STOP();
	else
		sink += (uintptr_t)down(n - 1);
	return buffer[zero];
}

static void *deep_thread(void *arg)
{
	say("forget", NULL, NULL);
	SAY_CALLER();
	say("depth", (void *)(uintptr_t)DEEP, NULL);
	sink += (uintptr_t)down(DEEP);
	return arg;
}

static void on_thread(void *(*start)(void *), size_t stack)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, stack);
	if (pthread_create(&thread, &attr, start, NULL) != 0)
		_exit(3);
	pthread_join(thread, NULL);
}

static NOINLINE void scene_deep(void)
{
	on_thread(deep_thread, (size_t)256 << 20);
}

static void *plain_thread(void *arg)
{
	say("forget", NULL, NULL);
	SAY_CALLER();
	leaf(arg);
	return arg;
}

static NOINLINE void scene_thread(void)
{
	on_thread(plain_thread, 1 << 20);
}

/* --- every instruction of a piece of work --- */

static int compare(const void *a, const void *b)
{
	int x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x - y;
}

static NOINLINE __attribute__((unused)) size_t with_drap(size_t n)
{
	_Alignas(64) char buffer[64];
	char *more = alloca(n);

	memset(buffer, (int)n, sizeof(buffer));
	memset(more, (int)n, n);
	return strlen(strerror((int)n)) + (size_t)buffer[n % 64] + (size_t)more[n / 2];
}

/* Lazily bound calls, functions chosen at load time, the vdso, DRAP, callbacks, floating point. */
static NOINLINE void scene_step_work(void)
{
	int numbers[6] = { 4, 1, 3, 2, 9, 7 };
	struct timespec now;
	char text[64];

	SAY_CALLER();
	STOP();
	qsort(numbers, 6, sizeof(numbers[0]), compare);
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "%d %.3f %s", numbers[2], (double)now.tv_sec / 3, "x");
	sink += strlen(text) + (size_t)getppid();
#ifndef WITH_FRAME_POINTERS
	/* gcc 12 leaves the rule for rbp unchanged after the epilogue of such a function has popped
	 * rbp. Then a caller with a frame pointer cannot be found. */
	sink += with_drap((size_t)(30 + zero));
#endif
	free(malloc(100));
	STOP();
	sink += zero;
}

static const struct {
	const char *name;
	void (*run)(void);
} scenes[] = {
	{ "drap", scene_drap },
	{ "signal", scene_signal },
	{ "altstack", scene_altstack },
	{ "first_instruction", scene_first_instruction },
	{ "null_call", scene_null_call },
	{ "noreturn", scene_noreturn },
	{ "cold", scene_cold },
	{ "jit", scene_jit },
	{ "jit_bare", scene_jit_bare },
	{ "deep", scene_deep },
	{ "thread", scene_thread },
	{ "step_work", scene_step_work },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		if (strcmp(argv[1], scenes[i].name) == 0) {
			SAY_CALLER();
			scenes[i].run();
			return 0;
		}
	}
	return 2;
}
