"""Threads that run all the time without holding Python's lock, beside others that wait.   sampled_kinds.py

Each of the first kind is in a function of its own. Two of them and what else the machine does share the processors.
"""
import hashlib
import os
import threading

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
ROUNDS = 200000  # so many that the time between two calls does not count


def runs():
    while True:
        hashlib.pbkdf2_hmac("sha256", b"x", b"y", ROUNDS)


def also_runs():
    while True:
        hashlib.pbkdf2_hmac("sha512", b"x", b"y", ROUNDS)


def waits():
    threading.Event().wait()


for function in runs, also_runs, runs, waits:
    thread = threading.Thread(target=function)
    thread.daemon = True
    thread.start()
os.write(OUT, b"!")
os.read(IN, 1)
