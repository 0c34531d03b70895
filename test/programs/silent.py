"""A thread in a library on another file system: silent.py LIBRARY. The library writes a byte when it runs."""
import ctypes
import sys
import threading

library = ctypes.CDLL(sys.argv[1])


def other():
    threading.Event().wait()


def inside():
    library.silent_wait()


threading.Thread(target=other, daemon=True).start()
inside()
