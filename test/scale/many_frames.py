"""One thread, N Python frames deep.   many_frames.py N.   Writes "r" at the bottom."""
import os
import sys
import threading


def down(left):
    if left:
        return down(left - 1)
    os.write(1, b"r")
    threading.Event().wait()


n = int(sys.argv[1])
sys.setrecursionlimit(n + 1000)
down(n)
