# The interpreter reads this file from its standard input.
import os
import truth


def blocking(f):
    truth.watch(1)
    os.read(f(), 1)


blocking(
    lambda: truth.fd())
