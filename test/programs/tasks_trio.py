"""Tasks of Trio that wait in ways that are known.   tasks_trio.py OUT

OUT gets lines as those of tasks.py.
"""
import ctypes
import os
import sys

import trio

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
libc = ctypes.CDLL(None)
said = []


def name_of(task):
    return '"%s"' % task.name


def frames(awaitable):
    while awaitable is not None:
        if hasattr(awaitable, "cr_frame"):
            f, awaitable = awaitable.cr_frame, awaitable.cr_await
        else:
            f, awaitable = awaitable.gi_frame, awaitable.gi_yieldfrom
        yield "[ %s:%d (%s) ]" % (f.f_code.co_filename, f.f_lineno, f.f_code.co_name)


def tell(task, running):
    if task is running:
        said.insert(0, "runs %d %s" % (libc.gettid(), name_of(task)))
    else:
        said.append("task " + name_of(task))
        if task.parent_nursery is not None:
            said.append("waiter " + name_of(task.parent_nursery.parent_task))
        said.extend(reversed(list(frames(task.coro))))
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            tell(child, running)


def echo(read=libc.read, byte=ctypes.create_string_buffer(1)):
    os.write(OUT, b"!")
    while read(IN, byte, 1) == 1:
        os.write(OUT, byte.raw)
    os._exit(0)


async def waits(event):
    await event.wait()


async def calls(event):
    await waits(event)


async def has_children(event):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(calls, event, name="child 1")
        nursery.start_soon(waits, event, name="child 2")
        await trio.sleep(100000)


async def main():
    event = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(has_children, event, name="parent")
        nursery.start_soon(calls, event, name="only child")
        await trio.sleep(0.1)
        tell(trio.lowlevel.current_root_task(), trio.lowlevel.current_task())
        with open(sys.argv[1], "w") as f:
            f.write("".join(line + "\n" for line in said))
        echo()


trio.run(main)
