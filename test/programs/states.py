"""Threads that wait in ways that are known.   states.py OUT [gil | end | mutexes | crossed]

With "mutexes" two threads each hold a mutex of the C library and wait for the other's. With "crossed" one
of them holds the interpreter's lock instead. With "gil" the first thread holds the interpreter's lock, in a garbage collection, and another one waits for the
lock. With "end" the only thread is at the end of the interpreter.

OUT gets lines: a thread's TID, a blank, and what pystack must say of it, or "called NAME". Then a byte goes to the
second of the descriptors PYSTACK_TEST_FDS; until the first is closed, bytes are echoed.
"""
import ctypes
import gc
import mmap
import os
import select
import struct
import sys
import threading
import time

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
GETTID = 186 if sys.maxsize > 1 << 32 else 224  # x86-64, i386
libc = ctypes.CDLL(None)
POLL = "ppoll" if sys.version_info >= (3, 15) else "poll"
said = []
never = os.pipe()[0]


def say(words):
    tid = libc.syscall(GETTID)
    name = threading.current_thread().name
    if not isinstance(name, bytes):
        name = name.encode("utf-8")
    said.append(b"".join([str(tid).encode(), b" called ", name, b"\n"]))
    said.append(("%d %s\n" % (tid, words)).encode())


def reads():
    say("in read; daemon")
    os.read(never, 1)


def polls():
    say("in ppoll, time-out " if POLL == "ppoll" else "in poll, time-out 600 s")  # ppoll stores what is left
    select.poll().poll(600000)


def polls_for_ever():
    say("in " + POLL)
    select.poll().poll()


def waits():
    say("in epoll_wait, time-out 1000.5 s")
    while True:
        try:
            select.epoll().poll(1000.5)
        except IOError:  # --stop interrupts the call, and Python 2.7 does not resume it
            pass


def has_symbol(name):
    """Is it known where this variable of the interpreter is? From 3.7 on it does not need symbols."""
    with open("/proc/self/maps") as f:
        files = set(line.split()[5] for line in f if "/libpython" in line or "/python" in line)
    return sys.version_info >= (3, 7) or any(b"\0" + name + b"\0" in open(path, "rb").read() for path in files)


def wants_gil():
    known = has_symbol(b"gil_cond" if sys.version_info >= (3, 2) else b"interpreter_lock")
    say("waits for the GIL held by %d" % os.getpid() if known else "")
    while True:
        pass


pages = []


def code(number):
    """A function that makes a system call of i386."""
    page = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                     mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\xb8" + struct.pack("<i", number) + b"\xcd\x80\xc3")  # mov number, %eax; int $0x80; ret
    pages.append(page)
    at = ctypes.addressof(ctypes.c_char.from_buffer(page))
    libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(mmap.PAGESIZE), mmap.PROT_READ | mmap.PROT_EXEC)
    return ctypes.CFUNCTYPE(ctypes.c_int)(at)


def has_calls_of_i386():
    child = os.fork()
    if child == 0:
        code(20)()  # getpid
        os._exit(0)
    return sys.maxsize > 1 << 32 and os.waitpid(child, 0)[1] == 0


def pauses():
    say("in pause")
    code(29)()


def publish():
    with open(sys.argv[1], "wb") as f:
        f.write(b"".join(said))


def holds_gil(*unused):
    publish()
    echo(ctypes.PyDLL(None).read)


def echo(read, ends=(IN, OUT), write=os.write, leave=os._exit, byte=ctypes.create_string_buffer(1)):
    write(ends[1], b"!")
    while read(ends[0], byte, 1) == 1:
        write(ends[1], byte.raw)
    leave(0)


class AtEnd(object):
    def __del__(self, echo=echo, read=libc.read):  # names of modules are gone
        echo(read)


mutexes = [ctypes.create_string_buffer(64), ctypes.create_string_buffer(64)]
held = []


def locks(first):
    libc.pthread_mutex_lock(mutexes[first])
    held.append(libc.syscall(GETTID))
    while len(held) < 2:
        time.sleep(0.01)
    other = [tid for tid in held if tid != libc.syscall(GETTID)][0]
    say("in futex; waits for the mutex at 0x%x held by %d" % (ctypes.addressof(mutexes[1 - first]), other))
    libc.pthread_mutex_lock(mutexes[1 - first])


def locks_and_wants_gil():
    libc.pthread_mutex_lock(mutexes[0])
    held.append(libc.syscall(GETTID))
    wants_gil()


if sys.argv[2:] == ["crossed"]:
    thread = threading.Thread(target=locks_and_wants_gil)
    thread.daemon = True
    thread.start()
    while len(said) < 2:
        time.sleep(0.01)
    say("waits for the mutex at 0x%x held by %d" % (ctypes.addressof(mutexes[0]), held[0]))
    publish()
    lock = ctypes.PyDLL(None).pthread_mutex_lock
    os.write(OUT, b"!")
    lock(mutexes[0])
if sys.argv[2:] == ["mutexes"]:
    for first in 0, 1:
        thread = threading.Thread(target=locks, args=(first,))
        thread.daemon = True
        thread.start()
    while len(said) < 4:
        time.sleep(0.01)
    publish()
    echo(libc.read)
if sys.argv[2:] == ["gil"]:
    thread = threading.Thread(target=wants_gil)
    thread.daemon = True
    thread.start()
    while not said:
        time.sleep(0.01)
    if sys.version_info >= (3, 3) and has_symbol(b"collecting"):
        say("collecting garbage" if sys.version_info >= (3, 15) else "collecting garbage ?")
        gc.callbacks.append(holds_gil)
        gc.collect()
    say("holds the GIL")
    holds_gil()
if sys.argv[2:] == ["end"]:
    say("finalizing" if sys.version_info >= (3, 7) else "")
    publish()
    sys.at_end = AtEnd()
    sys.exit(0)
threads = [reads, polls, polls_for_ever, waits] + [pauses] * has_calls_of_i386()
# Names of one, two and four bytes a character.
names = [u"ascii", u"caf\xe9", u"\u043f\u043e\u0442\u043e\u043a", u"thread \U0001f9f5 of many characters", u"pauses"]
for function, name in zip(threads, names):
    thread = threading.Thread(target=function, name=name if sys.version_info >= (3,) else name.encode("utf-8"))
    thread.daemon = True
    thread.start()
while len(said) < 2 * len(threads):
    time.sleep(0.01)
say("in read")
publish()
echo(libc.read)
