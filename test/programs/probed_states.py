"""Starts threads that stay or end, or makes the list of its thread states endless and calls rmdir(2).

probed_states.py HOW

It waits for a byte, does that, echoes the byte and waits again.
"""
import ctypes
import os
import sys
import threading

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
release = threading.Event()


def start_one():
    thread = threading.Thread(target=release.wait)
    thread.daemon = True
    thread.start()


def start_threads():
    for i in range(5):
        start_one()


def end_threads():
    """The last of them may still be about to exit at the end."""
    for i in range(50):
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()


def call():
    try:
        os.rmdir("absent-directory")
    except OSError:
        pass


def make_endless():
    """Let the next state after this one be itself: members `prev` and `next` come first."""
    get = ctypes.pythonapi.PyThreadState_Get
    get.restype = ctypes.c_void_p
    state = get()
    following = ctypes.c_void_p.from_address(state + ctypes.sizeof(ctypes.c_void_p))
    was = following.value
    following.value = state
    for i in range(6):
        call()
    following.value = was
    for i in range(3):
        call()


os.write(OUT, b"!")
echo = os.read(IN, 1)
{"threads": start_threads, "exits": end_threads, "endless": make_endless}[sys.argv[1]]()
os.write(OUT, echo)
os.read(IN, 1)
