"""An exception thrown through suspended generators into the innermost. While it runs, f_back of 3.9 leaves the
callers out and that of 3.10 lists suspended generators as well; which frames really run is known by hand."""
import os
import sys
import truth


def leaf(generator):
    try:
        yield 1
    except KeyError:
        me = sys._getframe()
        frames = [(me.f_code, me.f_lineno + 1)] + callers
        os.read(truth.publish_frames(frames), 1)


def middle(generator):
    yield from leaf(generator)


def thrower(generator):
    me = sys._getframe()
    callers.append((me.f_code, me.f_lineno + 2))
    callers.append((me.f_back.f_code, me.f_back.f_lineno))
    generator.throw(KeyError())


callers = []
generator = middle(None)
next(generator)
thrower(generator)
