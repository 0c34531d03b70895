"""Calls back through a library, whose functions the test puts return probes on.   uretprobed.py LIBRARY FUNCTION N

Each callback writes a byte, the one that was read last, and waits for the next.
"""
import ctypes
import os
import sys

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
last = b"!"


@ctypes.CFUNCTYPE(ctypes.c_int)
def wait():
    global last
    os.write(OUT, last)
    last = os.read(IN, 1)
    return 1


library = ctypes.CDLL(sys.argv[1])
function = getattr(library, sys.argv[2])
while True:
    function(wait, int(sys.argv[3]))
