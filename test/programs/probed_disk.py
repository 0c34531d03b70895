"""Writes a file to the disk.   probed_disk.py TRUTH

It waits for a byte, does that, echoes the byte and waits again.
"""
import os
import sys

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]


def save(path):
    with open(path, "wb") as out:
        out.write(b"x" * 65536)
        out.flush()
        os.fsync(out.fileno())


os.write(OUT, b"!")
echo = os.read(IN, 1)
save(sys.argv[1] + ".data")
os.write(OUT, echo)
os.read(IN, 1)
