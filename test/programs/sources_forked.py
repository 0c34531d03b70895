"""A child process whose code is older than its file, which is older than the child.   sources_forked.py TRUTH

TRUTH gets the child's id. Then a byte goes to the second of the descriptors PYSTACK_TEST_FDS; until the first is
closed, bytes are echoed.
"""
import ctypes
import os
import signal
import sys
import time

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
NAME = os.path.join(os.getcwd(), "forked.py")
TEXT = "def f():\n    stop()\n"


def write(when):
    with open(NAME, "w") as f:
        f.write(TEXT)
    os.utime(NAME, (when, when))


def pass_time():
    """The clocks of files and processes differ by two ticks at most."""
    until = time.time() + 0.1
    while time.time() < until:
        time.sleep(0.01)


def stop():
    os.write(made[1], b"!")
    while True:
        signal.pause()


space = {"stop": stop}
eval(compile(TEXT, NAME, "exec"), space)
pass_time()
write(time.time())
pass_time()
made = os.pipe()
child = os.fork()
if child == 0:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    space["f"]()
os.read(made[0], 1)
with open(sys.argv[1], "w") as out:
    out.write("%d\n" % child)
os.write(OUT, b"!")
while True:
    byte = os.read(IN, 1)
    if not byte:
        break
    os.write(OUT, byte)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
