"""The child of a fork waits for RLocks: for one whose holder it does not have, and for one that a thread of its own
holds.   forked_locks.py OUT

OUT gets lines like those of states.py, first one of the child.
"""
import ctypes
import os
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")  # 3.12 and newer warn about the other thread
IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
GETTID, FUTEX = (186, ("202",)) if sys.maxsize > 1 << 32 else (224, ("240", "422"))  # x86-64, i386
libc = ctypes.CDLL(None)
never = os.pipe()[0]
left, own = threading.RLock(), threading.RLock()
waiting = []


def hold(lock, held):
    with lock:
        held.append(libc.syscall(GETTID))
        os.read(never, 1)


def idle(started):
    started.append(True)
    os.read(never, 1)


def wait(lock):
    waiting.append(libc.syscall(GETTID))
    with lock:
        pass


def start(function, *args):
    threading.Thread(target=function, args=args).start()


def start_and_wait(function, *args):
    done = []
    start(function, *(args + (done,)))
    while not done:
        time.sleep(0.01)
    return done[0]


def is_in_futex(tid):
    with open("/proc/self/task/%d/syscall" % tid) as f:
        return f.read().split()[0] in FUTEX


def child():
    start_and_wait(idle)  # gets the stack, and so the id, of the thread that holds `left`
    holder = start_and_wait(hold, own)
    start(wait, left)
    while len(waiting) < 1:
        time.sleep(0.01)
    start(wait, own)
    while len(waiting) < 2 or not all(is_in_futex(tid) for tid in waiting):
        time.sleep(0.05)
    # The RLock of Python 2 is written in Python.
    known = " held by %d)" % holder if sys.version_info >= (3,) else ")"
    with open(sys.argv[1], "w") as f:
        f.write("%d called MainThread\n" % os.getpid())
        f.write("%d waits for the RLock at 0x%x)\n" % (waiting[0], id(left)))
        f.write("%d waits for the RLock at 0x%x%s\n" % (waiting[1], id(own), known))
    os.write(OUT, b"!")
    os.read(IN, 1)


start_and_wait(hold, left)
if os.fork() == 0:
    child()
    os._exit(0)
os.wait()
