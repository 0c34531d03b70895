"""Threads that each start a successor and end: stacks and thread states are reused at once."""
import os
import threading
import time
import truth


def successor():
    while True:
        try:
            return threading.Thread(target=successor).start()
        except (RuntimeError, threading.ThreadError):
            time.sleep(0.001)


for _ in range(4):
    threading.Thread(target=successor).start()
os.write(truth.OUT, b"!")
while True:
    time.sleep(1)
