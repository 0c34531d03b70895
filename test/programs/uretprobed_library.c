/* Functions for return probes. uretprobed_call calls back from the innermost of three calls of
 * uretprobed_inner, each of which is at one place only; uretprobed_twice calls it from two places, uretprobed_busy again and again. */
typedef int callback(void);

int uretprobed_inner(callback *call, int depth);
int uretprobed_call(callback *call, int depth);
int uretprobed_twice(callback *call, int second);
int uretprobed_busy(callback *call, int n);

int uretprobed_inner(callback *call, int depth)
{
	volatile int kept = depth;

	if (depth > 0)
		return uretprobed_inner(call, depth - 1) + kept;
	return call() + kept;
}

int uretprobed_call(callback *call, int depth)
{
	volatile char large[200];

	large[depth] = 1;
	return uretprobed_inner(call, depth) + large[depth];
}

int uretprobed_twice(callback *call, int second)
{
	volatile int kept = second;

	if (second)
		return uretprobed_inner(call, 0) + kept;
	return uretprobed_inner(call, 0) - kept;
}

static int one(void)
{
	return 1;
}

int uretprobed_busy(callback *call, int n)
{
	for (n = call();; n += uretprobed_inner(one, 0))
		continue;
}
