"""Threads that wait in ways that are known.   states.py OUT

OUT gets lines: a thread's TID, a blank, and what pystack must say of it, or "called NAME". Then a byte goes to the
second of the descriptors PYSTACK_TEST_FDS; until the first is closed, bytes are echoed.
"""
import ctypes
import os
import select
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


threads = [reads, polls, polls_for_ever, waits]
# Names of one, two and four bytes a character.
names = [u"ascii", u"caf\xe9", u"\u043f\u043e\u0442\u043e\u043a", u"thread \U0001f9f5 of many characters"]
for function, name in zip(threads, names):
    thread = threading.Thread(target=function, name=name if sys.version_info >= (3,) else name.encode("utf-8"))
    thread.daemon = True
    thread.start()
while len(said) < 2 * len(threads):
    time.sleep(0.01)
say("in read")
with open(sys.argv[1], "wb") as f:
    f.write(b"".join(said))
os.write(OUT, b"!")
while True:
    byte = os.read(IN, 1)
    if not byte:
        break
    os.write(OUT, byte)
