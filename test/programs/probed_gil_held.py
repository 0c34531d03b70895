"""A thread keeps the GIL, in C code that sleeps or computes, while another wants it.   probed_gil_held.py TRUTH HOW

It waits for a byte, does that, echoes the byte and waits again. TRUTH has the ids of both threads.
"""
import ctypes
import os
import sys
import threading
import time

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
gettid = {8: 186, 4: 224}[ctypes.sizeof(ctypes.c_void_p)]
library = ctypes.PyDLL(None)  # its functions are called with the GIL
ids = {}
done = threading.Event()


def compute(us):
    """The sum of a range is one call of C code."""
    end = time.time() + us / 1e6
    while time.time() < end:
        sum(range(200000))


keep = {"asleep": library.usleep, "computing": compute}[sys.argv[2]]


def keeping():
    ids["keeping"] = library.syscall(gettid)
    while len(ids) < 2:
        time.sleep(0.001)
    for i in range(25):
        keep(20000)
        time.sleep(0.002)
    done.set()


def wanting():
    ids["wanting"] = library.syscall(gettid)
    while not done.is_set():
        time.sleep(0.001)


os.write(OUT, b"!")
echo = os.read(IN, 1)
threads = [threading.Thread(target=keeping), threading.Thread(target=wanting)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with open(sys.argv[1], "w") as truth:
    truth.write("%d %d\n" % (ids["keeping"], ids["wanting"]))
os.write(OUT, echo)
os.read(IN, 1)
