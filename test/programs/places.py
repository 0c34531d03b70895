"""Blocks in one of three functions that differ only in name and line. A byte makes it go on to the next
one."""
import os
import truth


def first(n):
    os.read(n, 1)


def second(n):
    os.read(n, 1)


def third(n):
    os.read(n, 1)


truth.fd()
for place in first, second, third, third:
    place(truth.IN)
    os.write(truth.OUT, b"x")
