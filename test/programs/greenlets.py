"""Threads whose frames run in greenlets, or that have waiting greenlets. greenlets.py TRUTH

The interpreter's chain of frames is that of the running greenlet. Its outermost function is named c_greenlet_…, and
the frames that started it are unknown. If gevent is installed, its greenlets run too.
"""
import os

import greenlet
import truth

try:
    import gevent
except ImportError:
    gevent = None

SCENES = []


def scene(f):
    SCENES.append(f)
    return f


def p_leaf(*args):
    c = args
    os.read(truth.fd(), 1)
    return c


def c_leaf(*args):
    return p_leaf(args)


def p_down(n, f):
    if n:
        return p_down(n - 1, f)
    return f()


def up():
    greenlet.getcurrent().parent.switch()


@scene
def s_switched():
    def c_greenlet_one():
        p_down(3, p_leaf)
    p_down(2, greenlet.greenlet(c_greenlet_one).switch)


@scene
def s_nested():
    """Two levels, with C between the frames of the inner one."""
    def c_greenlet_inner():
        list(map(c_leaf, [1]))

    def c_greenlet_outer():
        p_down(3, greenlet.greenlet(c_greenlet_inner).switch)
    greenlet.greenlet(c_greenlet_outer).switch()


@scene
def s_sibling():
    def c_greenlet_first():
        second.switch()

    def c_greenlet_second():
        sorted([1, 2], key=c_leaf)
    second = greenlet.greenlet(c_greenlet_second)
    greenlet.greenlet(c_greenlet_first).switch()


@scene
def s_suspended():
    """A greenlet waits; its frames are not on the thread's chain."""
    def c_greenlet_waits():
        p_down(4, up)
    one = greenlet.greenlet(c_greenlet_waits)
    one.switch()
    p_leaf(one)


@scene
def s_resumed():
    """Started deep and resumed elsewhere: the frames that started it are gone, and their part of the stack is reused."""
    def c_greenlet_resumed():
        p_down(4, up)
        p_leaf()

    def c_resume(n):
        return list(map(c_resume, [n - 1])) if n else one.switch()
    one = greenlet.greenlet(c_greenlet_resumed)
    sorted([1], key=lambda x: p_down(20, one.switch))
    c_resume(8)


@scene
def s_resumed_from_higher():
    """Started in frames that have ended."""
    def c_greenlet_high():
        p_down(4, up)
        p_leaf()
    one = greenlet.greenlet(c_greenlet_high)
    p_down(30, one.switch)
    one.switch()


if gevent is not None:
    @scene
    def s_gevent():
        def c_greenlet_spawned():
            gevent.sleep(0)
            list(map(c_leaf, [1]))
        gevent.spawn(c_greenlet_spawned).join()


def main():
    for f in SCENES:
        truth.start(f, f.__name__)
    truth.watch(len(SCENES) + 1)

    def c_greenlet_main():
        p_leaf()
    p_down(3, greenlet.greenlet(c_greenlet_main).switch)


main()
