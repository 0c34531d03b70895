"""The main program has ended; a handler of atexit still runs."""
import atexit
import os
import truth

truth.watch(1)


@atexit.register
def c_last():
    os.read(truth.fd(), 1)
