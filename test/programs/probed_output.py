"""Does things whose names and numbers a test knows. probed_output.py TRUTH

The program waits for a byte, imports modules that do not exist, collects garbage of each
generation, changes its thread's name, removes the directory at address 1, writes
to /dev/null and to a descriptor that is not open, echoes the byte and waits again.
"""
import gc
import os
import sys

try:
    import ctypes
except ImportError:
    ctypes = None

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]


def load(name):
    try:
        __import__(name)
    except ImportError:
        pass


def collect(generation):
    gc.collect(generation)


def rename(name):
    with open("/proc/self/comm", "w") as comm:
        comm.write(name)


def no_path():
    if ctypes is not None:
        ctypes.CDLL(None).rmdir(ctypes.c_void_p(1))


def put(n):
    os.write(null, b"x" * n)
    try:
        os.write(99, b"x" * n)
    except OSError:
        pass


null = os.open(os.devnull, os.O_WRONLY)
gc.disable()
with open(sys.argv[1], "w") as truth:
    truth.write("" if ctypes is None else "ctypes")
os.write(OUT, b"!")
echo = os.read(IN, 1)
for i in range(5):
    load("absent_module_%d" % i)
    collect(i % 3)
    rename("name-%d" % i)
    no_path()
    put(1000 * i)
os.write(OUT, echo)
os.read(IN, 1)
