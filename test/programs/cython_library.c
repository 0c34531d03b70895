/* Functions with names and comments as Cython makes them: what was compiled is made.pyx, which does
 * not exist. Each call is at the line that its comment says. */

int named_begin(int (*f)(void), int n);

static int (*callback)(void);

/* "made.pyx":3
 *
 * def inner(n):             # <<<<<<<<<<<<<<
 *     return f() + n
 */
static int __attribute__((noinline)) __pyx_pf_4made_inner(int n)
{
	int result = 0;

	/* "made.pyx":4
 *
 * def inner(n):
 *     return f() + n        # <<<<<<<<<<<<<<
 */
	result += callback();
	return result + n;
}

/* "pkg/other.pxi":7
 * def outer(n):             # <<<<<<<<<<<<<<
 */
static int __attribute__((noinline)) __pyx_pw_4made_1outer(int n)
{
	return __pyx_pf_4made_inner(n) + 1;
}

/* A helper, which is in no line of the source. */
static int __attribute__((noinline)) __Pyx_Call(int n)
{
	return __pyx_pw_4made_1outer(n) + 1; /* its line is noted by the test: HELPER */
}

int named_begin(int (*f)(void), int n)
{
	callback = f;
	return __Pyx_Call(n) + 1;
}
