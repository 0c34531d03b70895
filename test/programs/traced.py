"""Triggers the tracers' probes until it is terminated: removes a directory, writes to descriptor 9, calls a
function."""
import os
import time
import truth


def remove(path):
    os.mkdir(path)
    os.rmdir(path)


def put(n):
    os.write(n, b"x")


def called():
    pass


null = os.open(os.devnull, os.O_WRONLY)
os.dup2(null, 9)
truth.ALONE = True
truth.fd()
end = time.time() + 120
while time.time() < end:
    remove(os.path.abspath("folder"))
    put(9)
    called()
    for n in range(100000):  # a sampling script must find it running
        pass
    time.sleep(0.002)
