"""A target:   scene.py KIND THREADS DEPTH [LIBRARY [FILE]]

THREADS threads, the main one among them, wait DEPTH calls deep, some of the calls through map(), so that native and
Python frames alternate. KIND says what the main thread does instead of waiting as the others do:
  wait     nothing else        spin-c   looks at the clock in C, without the interpreter's lock
  large    nor does it; LIBRARY is a large one (many.S), which is loaded and nothing else
  naps     nor do the others: they sleep and wake, in C
  calls    waits; ten threads more, not Python's, are in calls that fail when interrupted
  spin-py  looks at the clock in Python
What it notices goes to FILE by way of LIBRARY (lwp_history.c). Its standard output is a pipe: "r" once all is as it should be.
"""
import ctypes
import gc
import os
import sys
import threading
import time

KIND, THREADS, DEPTH = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
NESTED = 300  # activations of map(): some versions allow few hundred nested calls of C
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
    # A main thread's stack has a limit that was set before; another one's has not.
    only = threading.Thread(target=down, args=(DEPTH, MAIN[KIND]), daemon=True)
    only.start()
    only.join()
else:
    down(DEPTH, MAIN[KIND])
