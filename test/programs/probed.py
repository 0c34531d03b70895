"""Calls rmdir(2) from many places, and tells how often from each.   probed.py TRUTH

In the syntax common to all versions from 2.4 on. It waits for a byte, makes its calls in three threads, writes the
truth, echoes the byte and waits again. Truth file, a line for each pair: COUNT LEAF CALLER
"""
import os
import sys

try:
    import thread
except ImportError:
    import _thread as thread

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
ABSENT = "absent-directory"
told = {}


def tell(n, leaf, caller):
    lock.acquire()
    told[leaf, caller] = told.get((leaf, caller), 0) + n
    lock.release()


def leaf(x):
    try:
        os.rmdir(ABSENT)
    except OSError:
        pass
    return x


def other_leaf(x):
    try:
        os.rmdir(ABSENT)
    except OSError:
        pass
    return x


def by_loop(n):
    for i in range(n):
        leaf(i)
    tell(n, "leaf", "by_loop")


def by_map(n):
    list(map(leaf, range(n)))
    tell(n, "leaf", "by_map")


def by_sort(n):
    sorted(range(n), key=other_leaf)
    tell(n, "other_leaf", "by_sort")


def generator(n):
    for i in range(n):
        yield other_leaf(i)


def by_generator(n):
    for i in generator(n):
        pass
    tell(n, "other_leaf", "generator")


def deep(n, k):
    if k:
        deep(n, k - 1)
    else:
        for i in range(n):
            leaf(i)


def by_depth(n):
    deep(n, 20)
    tell(n, "leaf", "deep")


def by_text(n):
    code = "def made(f, n):\n    for i in range(n):\n        f(i)\n"
    for i in range(n):
        names = {}
        exec(compile(code.replace("made", "made_%d" % (i % 3)), "<made>", "exec"), names)
        names["made_%d" % (i % 3)](leaf, 2)
        tell(2, "leaf", "made_%d" % (i % 3))


def work(n, done):
    for f in by_loop, by_map, by_sort, by_generator, by_depth:
        for i in range(3):
            f(n)
    by_text(n // 10)
    os.write(done, "x".encode("ascii"))


lock = thread.allocate_lock()
os.write(OUT, "!".encode("ascii"))
echo = os.read(IN, 1)
ready, done = os.pipe()
for n in 100, 200, 300:
    thread.start_new_thread(work, (n, done))
for n in range(3):
    os.read(ready, 1)
truth = open(sys.argv[1], "w")
for names in told:
    truth.write("%d %s %s\n" % ((told[names],) + names))
truth.close()
os.write(OUT, echo)
os.read(IN, 1)
