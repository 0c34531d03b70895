"""A target:   scene.py KIND THREADS DEPTH [LIBRARY [FILE]]

THREADS threads, including the main one, wait DEPTH calls deep. Some of the calls go through map(), so that
native and Python frames alternate. KIND selects what the threads do:
  wait     all wait
  large    all wait; LIBRARY, a large library (many.S), is loaded
  naps     all sleep and wake, in C
  calls    all wait; ten more threads, not Python's, are in system calls that fail if interrupted
  spin-c   the main thread reads the clock in C, without the interpreter's lock; the others wait
  spin-py  the main thread reads the clock in Python; the others wait
LIBRARY (watch.c) records interruptions in FILE. Standard output is a pipe: it gets "r" once all threads are
in place.
"""
import ctypes
import gc
import os
import sys
import threading
import time

KIND, THREADS, DEPTH = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
NESTED = 300  # calls of map(): some versions allow only a few hundred nested C calls
EACH = max(5, DEPTH // NESTED)
gate = threading.Event()
arrived = threading.Semaphore(0)
library = None
if len(sys.argv) > 4:
    library = ctypes.CDLL(sys.argv[4])
if len(sys.argv) > 5:
    library.watch_note.argtypes = [ctypes.c_uint64, ctypes.c_uint64]
    if library.watch_open(sys.argv[5].encode()) != 0:
        sys.exit("cannot map " + sys.argv[5])


def wait_here():
    arrived.release()
    gate.wait()


def nap_here():
    arrived.release()
    library.watch_nap()


def spin_in_c():
    tell()
    library.watch_spin()


def spin_in_python():
    tell()
    gc.disable()
    clock, last = time.monotonic_ns, time.monotonic_ns()
    while True:
        now = clock()
        if now - last > 10000:
            library.watch_note(now, now - last)
            now = clock()
        last = now


def main_waits():
    tell()
    gate.wait()


def down(left, last):
    if left == 0:
        return last()
    if left % EACH == 0:
        return list(map(down, [left - 1], [last]))
    return down(left - 1, last)


def tell():
    for _ in range(THREADS - 1):
        arrived.acquire()
    os.write(1, b"r")


MAIN = {"wait": main_waits, "large": main_waits, "naps": main_waits, "calls": main_waits, "spin-c": spin_in_c,
        "spin-py": spin_in_python}
sys.setrecursionlimit(DEPTH * 3 + 1000)
sys.setswitchinterval(1)
if DEPTH > 500:
    threading.stack_size(512 << 20)
if KIND == "calls":
    library.watch_calls()
for _ in range(THREADS - 1):
    threading.Thread(target=down, args=(DEPTH, nap_here if KIND == "naps" else wait_here), daemon=True).start()
if DEPTH > 500:
    # The size of the main thread's stack was limited at its start; another thread's can be chosen.
    only = threading.Thread(target=down, args=(DEPTH, MAIN[KIND]), daemon=True)
    only.start()
    only.join()
else:
    down(DEPTH, MAIN[KIND])
