"""Two threads compute at a time, and then the program sleeps.   probed_gil.py TRUTH

It waits for a byte, does that, echoes the byte and waits again.
"""
import os
import threading
import time

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]


def spin():
    end = time.monotonic() + 0.3
    n = 0
    while time.monotonic() < end:
        n += 1


def nap():
    time.sleep(0.1)


os.write(OUT, b"!")
echo = os.read(IN, 1)
other = threading.Thread(target=spin)
other.start()
spin()
other.join()
nap()
os.write(OUT, echo)
os.read(IN, 1)
