"""Threads that run Python all the time, each in its one line, sometimes a call deeper."""
import os
import sys
import threading
import truth


def called():
    pass


def p_spin():
    while True: called(); list(map(len, ((),)))


def c_start(_):
    p_spin()


def start():
    sorted([1], key=c_start)


sys.setswitchinterval(0.0005)
for i in range(int(sys.argv[2])):
    threading.Thread(target=start, daemon=True).start()
truth.watch(1)
os.read(truth.fd(), 1)
