"""Threads that always run Python, each on one line of its own or one call deeper."""
import os
import sys
import truth


def called():
    pass


def p_spin():
    while True: called(); list(map(len, ((),)))


def c_start(_):
    p_spin()


def start():
    sorted([1], key=c_start)


if sys.version_info < (3, 2):
    sys.setcheckinterval(50)
else:
    sys.setswitchinterval(0.0005)
for i in range(int(sys.argv[2])):
    truth.start(start)
truth.watch(1)
os.read(truth.fd(), 1)
