"""A process whose stacks do not change.   still.py LIBRARY MODE

MODE has "runs": a thread runs in LIBRARY; "tasks": a loop of asyncio waits; "calls": a thread calls
getppid(2) again and again. "ready" is printed when all threads are where they stay.
"""
import asyncio
import ctypes
import os
import sys
import threading
import time

LIBRARY, MODE = sys.argv[1:3]
NEVER = os.pipe()[0]
threads = []


def wait(number, text):
    values = [number, text, {"key": text}]
    os.read(NEVER, len(values))


def deep(n, text):
    if n:
        return deep(n - 1, text)
    return wait(n, text)


def by_call_back(x):
    wait(7, "sorted")
    return x


def sorting():
    sorted([2, 1], key=by_call_back)


class Waiting:
    def __init__(self):
        wait(8, "made")


def running():
    ctypes.CDLL(LIBRARY).stay()


def calling():
    while True:
        os.getppid()
        time.sleep(0.002)


async def awaited():
    await asyncio.get_running_loop().create_future()


async def awaiting(name):
    await awaited()


async def main():
    await asyncio.gather(*[awaiting(name) for name in ("one", "two")])


def loop():
    asyncio.run(main())


def start(f, *args):
    thread = threading.Thread(target=f, args=args, name=f.__name__, daemon=True)
    thread.start()
    threads.append(thread)


def at_rest(thread):
    """Has it run between two looks?"""
    def look():
        with open("/proc/self/task/%d/schedstat" % thread.native_id) as f:
            return f.read()
    before = look()
    time.sleep(0.05)
    return look() == before


start(deep, 20, "deep")
start(sorting)
start(Waiting)
if "tasks" in MODE:
    start(loop)
while not all([at_rest(thread) for thread in threads]):
    pass
if "runs" in MODE:
    start(running)
    while at_rest(threads[-1]):
        pass
if "calls" in MODE:
    start(calling)
print("ready", flush=True)
wait(9, "main")
