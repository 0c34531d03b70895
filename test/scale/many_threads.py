"""Threads that wait, each a few calls deep.   many_threads.py N.   Writes "r" once all are in place."""
import os
import sys
import threading

gate, arrived = threading.Event(), threading.Semaphore(0)


def wait(depth):
    if depth:
        return wait(depth - 1)
    arrived.release()
    gate.wait()


n = int(sys.argv[1])
threading.stack_size(64 << 10)
for _ in range(n - 1):
    threading.Thread(target=wait, args=(3,), daemon=True).start()
for _ in range(n - 1):
    arrived.acquire()
os.write(1, b"r")
gate.wait()
