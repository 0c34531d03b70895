"""Threads that wait for objects of the interpreter.   waits.py OUT [circle N | limited]

With "circle N" each of N threads holds an RLock and waits for that of the next one. With "limited" two do
so, but not for ever. OUT gets lines like those of states.py: what pystack must say of a thread.
"""
import ctypes
import os
import sys
import threading
import time

try:
    import queue
except ImportError:
    import Queue as queue
try:
    from concurrent.futures import Future
except ImportError:
    Future = None

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
GETTID, FUTEX = (186, ("202",)) if sys.maxsize > 1 << 32 else (224, ("240", "422"))  # x86-64, i386
libc = ctypes.CDLL(None)
said = []
tids = []
decoy = threading.Lock()
decoy.acquire()
held = threading.RLock()
held.acquire()


class Child(threading.Thread):
    """Its attributes are not found at the places of those of another class."""

    def __init__(self, target, args=()):
        self.first = self.second = decoy
        threading.Thread.__init__(self, target=target, args=args)
        self.daemon = True


class Notice(queue.Queue):
    pass


def say(words):
    tid = libc.syscall(GETTID)
    said.append("%d %s\n" % (tid, words))
    tids.append(tid)


def say_waits(kind, it, rest=""):
    say("waits for the %s at 0x%x%s" % (kind, id(it), rest))


def lock(it=decoy):
    say_waits("Lock", it)
    it.acquire()


def lock_and_decoys(first=decoy, second=decoy.acquire):
    it = threading.Lock()
    it.acquire()
    say_waits("Lock", it)
    with it:
        pass


def lock_of_queue():
    it = queue.Queue()
    it.mutex.acquire()
    say_waits("Lock", it.mutex)
    it.qsize()


def semaphore_of_c(local=decoy, bound=decoy.acquire):
    semaphore = ctypes.create_string_buffer(64)
    libc.sem_init(semaphore, 0, 0)
    say("(in futex; daemon)")
    libc.sem_wait(semaphore)


def rlock(it=held):
    say_waits("RLock", it, " held by %d" % os.getpid())
    with it:
        pass


def condition(it=threading.Condition()):
    with it:
        say_waits("Condition", it)
        it.wait()


def condition_again(it=threading.Condition(held)):
    # It has been notified, and waits for its lock.
    say_waits("RLock", held, " held by %d" % os.getpid())
    it._acquire_restore((1, libc.syscall(GETTID)) if sys.version_info >= (3,) else (1, None))


def event(it=threading.Event()):
    say_waits("Event", it)
    it.wait()


def semaphore():
    it = threading.BoundedSemaphore(1)
    it.acquire()
    say_waits("Semaphore", it)
    it.acquire()


def get(it=Notice()):
    say_waits("Queue", it)
    it.get()


def put():
    it = queue.Queue(1)
    it.put(1)
    say_waits("Queue", it)
    it.put(2)


def all_done():
    it = queue.LifoQueue()
    it.put(1)
    say_waits("Queue", it)
    it.join()


def limited_get(it=queue.Queue()):
    say_waits("Queue", it)
    it.get(timeout=100000)


def simple_get():
    it = queue.SimpleQueue()
    say_waits("Queue", it)
    it.get()


def barrier():
    it = threading.Barrier(2)
    say_waits("Barrier", it)
    it.wait()


def future():
    it = Future()
    say_waits("Future", it)
    it.result()


def join():
    say_waits("Thread", threads[0])
    threads[0].join()


def is_in_futex(tid):
    with open("/proc/self/task/%d/syscall" % tid) as f:
        words = f.read().split()
    return words[0] in FUTEX and words


def settle(n):
    """Return when all threads wait, and do not run from time to time."""
    before, now = None, []
    while len(tids) < n or before != now or False in now:
        before = now
        time.sleep(0.05)
        now = [is_in_futex(tid) for tid in list(tids)]


rlocks = []
holding = []


def link(i, n, limit):
    rlocks[i].acquire()
    holding.append((i, libc.syscall(GETTID)))
    while len(holding) < n:
        time.sleep(0.01)
    say_waits("RLock", rlocks[(i + 1) % n], " held by %d" % dict(holding)[(i + 1) % n])
    if limit:
        rlocks[(i + 1) % n].acquire(timeout=100000)
    else:
        rlocks[(i + 1) % n].acquire()


if sys.argv[2:]:
    n = int(sys.argv[3]) if sys.argv[2] == "circle" else 2
    rlocks.extend(threading.RLock() for i in range(n))
    threads = [Child(link, (i, n, sys.argv[2] == "limited")) for i in range(n)]
else:
    functions = [lock, lock_and_decoys, lock_of_queue, semaphore_of_c, rlock, condition, condition_again,
                 event, semaphore, get, put, all_done, join]
    if sys.version_info >= (3, 2):
        functions += [limited_get, barrier, future]
    if hasattr(queue, "SimpleQueue"):
        functions += [simple_get]
    threads = [Child(function) for function in functions + functions]  # the second time by hints
for thread in threads:
    thread.start()
settle(len(threads))
with open(sys.argv[1], "w") as f:
    f.write("".join(said))
os.write(OUT, b"!")
while True:
    byte = os.read(IN, 1)
    if not byte:
        os._exit(0)
    os.write(OUT, byte)
