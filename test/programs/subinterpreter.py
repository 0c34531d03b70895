"""A second interpreter in the only thread: its frames run above those of the first, on one native stack."""
import os
import sys
import truth

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

# Its innermost line is that of the read, which writes the truth. It gets the frames of the first as text.
SCRIPT = """import os, sys
sys.argv = ["", %r]
import truth
class Code:
    def __init__(self, filename, name):
        self.co_filename, self.co_name = filename, name
def inner():
    os.read(truth.publish_frames(own() + OUTER, %r), 1)
def own():
    frames, f = [], sys._getframe(1)
    while f:
        frames.append((f.f_code, f.f_lineno))
        f = f.f_back
    return frames
OUTER = [(Code(*names), line) for names, line in %r]
inner()
"""


def main():
    identity = interpreters.create()
    me = sys._getframe()
    outer = [((f.f_code.co_filename, f.f_code.co_name), f.f_lineno) for f in (me, me.f_back)]
    outer[0] = outer[0][0], me.f_lineno + 1
    print(interpreters.run_string(identity, SCRIPT % (truth.PATH, "%d,0" % identity, outer)))


main()
