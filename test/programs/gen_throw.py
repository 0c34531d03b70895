"""An exception thrown through suspended generators into the innermost one. While it runs, f_back of 3.9 omits the
callers, and 3.10 lists the suspended generators as running. The truth is written by hand."""
import os
import sys
import truth


def leaf():
    try:
        yield 1
    except KeyError:
        me = sys._getframe()
        # Up to 3.8 suspended generators are not on the chain; since 3.9 they are, in their caller's activation.
        over = [(g.gi_frame.f_code, g.gi_frame.f_lineno, "=") for g in generators if sys.version_info >= (3, 9)]
        frames = [(me.f_code, me.f_lineno + 1)] + over + callers
        os.read(truth.publish_frames(frames), 1)


def middle():
    yield from leaf()


def outer():
    generators.append(middle())
    yield from generators[0]


def thrower(generator):
    me = sys._getframe()
    callers.append((me.f_code, me.f_lineno + 2))
    callers.append((me.f_back.f_code, me.f_back.f_lineno))
    generator.throw(KeyError())


callers, generators = [], []
generator = outer()
next(generator)
generators.append(generator)
thrower(generator)
