"""One thread that always runs Python, some calls deep, and never blocks."""
import os
import truth


def p_spin():
    os.write(truth.OUT, b"!")
    n = 0
    while True:
        n += 1


def p_down(depth):
    if depth == 0:
        p_spin()
    p_down(depth - 1)


p_down(5)
