"""Threads that live for a moment. Each is called like the function that it runs, and leaves its stack, and its
id of pthread_self(), to one of the other name.   brief.py OUT
"""
import os
import threading
import time
import truth


def even():
    time.sleep(0.0005)


def odd():
    time.sleep(0.0005)


def starter():
    while True:
        for function in (even, odd):
            thread = threading.Thread(target=function, name=function.__name__)
            thread.start()
            thread.join()


for _ in range(4):
    threading.Thread(target=starter, name="starter").start()
os.write(truth.OUT, b"!")
while True:
    time.sleep(1)
