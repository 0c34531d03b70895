"""Sleeps, computes, collects garbage and calls a library, each in a function of its own.
probed_kinds.py TRUTH

The library is TRUTH.so, a copy of libm: another file has taken its name since it was loaded. It has
the name alias.so, too. The program waits for a byte, does all that, echoes the byte and waits again.
"""
import ctypes
import gc
import os
import shutil
import sys
import time

clock = time.process_time if hasattr(time, "process_time") else time.clock
IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]


def nap():
    for i in range(20):
        time.sleep(0.01)


def spin():
    end = clock() + 0.5
    n = 0
    while clock() < end:
        n += 1
    return n


def collect():
    for i in range(7):
        gc.collect()


def load_copy(path):
    ctypes.CDLL("libm.so.6")
    with open("/proc/self/maps") as maps:
        libm = [line.split()[-1] for line in maps if "/libm.so" in line or "/libm-" in line][0]
    shutil.copy(libm, path)
    library = ctypes.CDLL(path)
    os.link(path, os.path.join(os.path.dirname(path), "alias.so"))
    shutil.copy(libm, path + ".new")
    os.rename(path + ".new", path)
    return library


def call(library):
    for i in range(9):
        library.fabs()


def descend(n):
    if n == 0:
        call(library)
    else:
        descend(n - 1)


library = load_copy(sys.argv[1] + ".so")
gc.disable()
os.write(OUT, b"!")
echo = os.read(IN, 1)
nap()
spin()
collect()
descend(500)
os.write(OUT, echo)
os.read(IN, 1)
