"""Sleeps, computes and collects garbage, each in a function of its own.   probed_kinds.py TRUTH

It waits for a byte, does all that, echoes the byte and waits again.
"""
import gc
import os
import time

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]


def nap():
    for i in range(20):
        time.sleep(0.01)


def spin():
    end = time.process_time() + 0.5
    n = 0
    while time.process_time() < end:
        n += 1
    return n


def collect():
    for i in range(7):
        gc.collect()


gc.disable()
os.write(OUT, b"!")
echo = os.read(IN, 1)
nap()
spin()
collect()
os.write(OUT, echo)
os.read(IN, 1)
