/* Functions with the linker's names of C++ and Rust ones. Each calls the next, the last one f; into that
 * another was put. Each notes the line of its call. */
typedef int callback(void);

#define CALL(i, call) (named_lines[i] = __LINE__, (call))

volatile int named_lines[4];

int named_begin(callback *f, int n);
static int last(callback *f, int n) __asm__("_ZN3lib5TableixERK1A");
static int second(callback *f, int n) __asm__("_ZN3lib4call17h0123456789abcdefE");
static int first(callback *f, int n) __asm__("_RINvC1a3fooAhj4_E");

static inline __attribute__((always_inline)) int put_in(callback *f, int n)
{
	return CALL(0, f()) + n;
}

static __attribute__((noinline, used)) int last(callback *f, int n)
{
	return CALL(1, put_in(f, n)) + 2;
}

static __attribute__((noinline, used)) int second(callback *f, int n)
{
	return CALL(2, last(f, n)) + 1;
}

static __attribute__((noinline, used)) int first(callback *f, int n)
{
	return second(f, n) + 1;
}

int named_begin(callback *f, int n)
{
	return CALL(3, first(f, n)) + 1;
}
