/* Functions with the linker's names of C++ and Rust ones. Each calls the next, the last one f. */
typedef int callback(void);

int named_begin(callback *f, int n);
static int last(callback *f, int n) __asm__("_ZN3lib5TableixERK1A");
static int second(callback *f, int n) __asm__("_ZN3lib4call17h0123456789abcdefE");
static int first(callback *f, int n) __asm__("_RINvC1a3fooAhj4_E");

static __attribute__((noinline, used)) int last(callback *f, int n)
{
	return f() + n;
}

static __attribute__((noinline, used)) int second(callback *f, int n)
{
	return last(f, n) + 1;
}

static __attribute__((noinline, used)) int first(callback *f, int n)
{
	return second(f, n) + 1;
}

int named_begin(callback *f, int n)
{
	return first(f, n) + 1;
}
