# Read by the interpreter from its standard input.
import os
import truth


def blocking(f):
    truth.watch(1)
    os.read(f(), 1)


blocking(
    lambda: truth.fd())
