"""Blocks in three functions, one after the other, that differ in name and line only; a byte takes it from one to the
next."""
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
