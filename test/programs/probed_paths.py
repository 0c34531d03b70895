"""Calls rmdir(2) on two native paths with the same Python frames.   probed_paths.py TRUTH

On the first path C code calls middle(), which calls inner(); on the second middle() is called, and C
code calls inner(). Then on one path with different words left on the stack. It waits for a byte,
makes its calls, echoes the byte and waits again.
"""
import functools
import os

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
target = []


def inner():
    try:
        os.rmdir("absent-directory")
    except OSError:
        pass


def middle():
    target[0]()


def outer(call):
    call()


def stale():
    try:
        os.rmdir("absent-directory")
    except OSError:
        pass


os.write(OUT, b"!")
echo = os.read(IN, 1)
for i in range(3000):
    target[:] = [inner if i % 3 else functools.partial(inner)]
    outer(functools.partial(middle) if i % 3 else middle)
for i in range(1000):
    [sorted, repr, str, min][i % 4]([i, i + 1, "%d" % i][:2])
    stale()
os.write(OUT, echo)
os.read(IN, 1)
