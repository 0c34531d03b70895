/* Functions for return probes. Each call must stay a call, with a frame of its own: so a volatile
 * variable is set before it and used after it.
 *
 * uretprobed_call ──> middle ──> uretprobed_inner ──> itself, `depth` times ──> the callback
 * uretprobed_twice ──> chooses ──> uretprobed_inner, from one of two places
 * uretprobed_likely ──> uretprobed_inner
 * uretprobed_pointer ──> a function, through a pointer
 * uretprobed_busy ──> uretprobed_inner, again and again */
typedef int callback(void);

int uretprobed_inner(callback *call, int depth);
int uretprobed_call(callback *call, int depth);
int uretprobed_twice(callback *call, int second);
int uretprobed_likely(callback *call, int n);
int uretprobed_pointer(callback *call, int n);
int uretprobed_busy(callback *call, int n);

int uretprobed_inner(callback *call, int depth)
{
	volatile int kept = depth;

	if (depth > 0)
		return uretprobed_inner(call, depth - 1) + kept;
	return call() + kept;
}

__attribute__((noinline)) static int middle(callback *call, int depth)
{
	volatile char large[200];

	large[depth] = 1;
	return uretprobed_inner(call, depth) + large[depth];
}

int uretprobed_call(callback *call, int depth)
{
	volatile char large[300];

	large[depth] = 1;
	return middle(call, depth) + large[depth];
}

__attribute__((noinline)) static int chooses(callback *call, int second)
{
	volatile char large[400];

	large[second] = 1;
	if (second)
		return uretprobed_inner(call, 0) + large[second];
	return uretprobed_inner(call, 0) - large[second];
}

int uretprobed_twice(callback *call, int second)
{
	volatile int kept = second;

	return chooses(call, second) + kept;
}

int uretprobed_likely(callback *call, int n)
{
	volatile char large[500];

	large[n] = 1;
	return uretprobed_inner(call, 0) + large[n];
}

static int by_pointer(callback *call, int n)
{
	volatile int kept = n;

	return call() + kept;
}

int (*volatile uretprobed_hidden)(callback *call, int n) = by_pointer;

int uretprobed_pointer(callback *call, int n)
{
	volatile char large[600];

	large[n] = 1;
	return uretprobed_hidden(call, n) + large[n];
}

static int one(void)
{
	return 1;
}

__attribute__((noinline)) static int again_and_again(int n)
{
	volatile char large[700];

	for (large[0] = 1;; n += uretprobed_inner(one, 0))
		large[0]++;
}

int uretprobed_busy(callback *call, int n)
{
	n += call();
	return again_and_again(n) + 1;
}
