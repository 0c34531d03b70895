"""Threads that wait in ways that are known.   states.py OUT

OUT gets a line for each: the thread's TID, a blank, and what pystack must say of it. Then a byte goes to the
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
    said.append("%d %s\n" % (libc.syscall(GETTID), words))


def reads():
    say("in read")
    os.read(never, 1)


def polls():
    say("in ppoll, time-out " if POLL == "ppoll" else "in poll, time-out 600 s")  # ppoll stores what is left
    select.poll().poll(600000)


def polls_for_ever():
    say("in " + POLL)
    select.poll().poll()


def waits():
    say("in epoll_wait, time-out 1000.5 s")
    select.epoll().poll(1000.5)


threads = [reads, polls, polls_for_ever, waits]
for function in threads:
    thread = threading.Thread(target=function)
    thread.daemon = True
    thread.start()
while len(said) < len(threads):
    time.sleep(0.01)
say("in read")
with open(sys.argv[1], "w") as f:
    f.write("".join(said))
os.write(OUT, b"!")
while True:
    byte = os.read(IN, 1)
    if not byte:
        break
    os.write(OUT, byte)
