"""Recursion 100,000 deep (20,000 in a debug build). Up to 3.10 each call is a C call too and needs a large stack."""
import os
import sys
import threading
import truth

# With trampolines each call is a C call, and CPython limits their number.
# A debug build would take seconds for the full depth.
DEBUG = hasattr(sys, "gettotalrefcount")
DEPTH = 3000 if truth.trampolines() else 20000 if DEBUG else 100000


def p_down(n):
    if n == 0:
        os.read(truth.fd(), 1)
        return
    p_down(n - 1)


def main():
    p_down(DEPTH)


sys.setrecursionlimit(DEPTH + 1000)
if sys.version_info < (3, 11):
    truth.watch(2)
    threading.stack_size(1 << 30)
    truth.start(main)
    truth.stop()
else:
    truth.watch(1)
    main()
