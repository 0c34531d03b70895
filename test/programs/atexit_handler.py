"""An atexit handler runs after the main program has ended."""
import atexit
import os
import truth

truth.watch(1)


@atexit.register
def c_last():
    os.read(truth.fd(), 1)
