"""Tasks of asyncio that wait in ways that are known.   tasks.py OUT [MODE]

With "circle" tasks await each other, and a coroutine seems to await itself. With "many" there are more tasks than
pystack reads. With "uvloop" the loops are uvloop's, with "python" the tasks those written in Python. With "short_ones"
the first thread runs tasks that end soon, one after another.

OUT gets lines, of which all that follow the first belong to it:

    runs TID NAME        the thread runs the task: it has no block
    task NAME            the task has a block
    says WORDS           its remark has these words
    waiter NAME          a task that awaits it
    [ file:line (name) ] a frame, innermost first
    is NAME = VALUE      a variable of the frame

Then a byte goes to the second of the descriptors PYSTACK_TEST_FDS; until the first is closed, bytes are echoed.
"""
import asyncio
import ctypes
import gc
import os
import sys
import threading
import time
import types

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
GETTID = 186 if sys.maxsize > 1 << 32 else 224  # x86-64, i386
MODE = sys.argv[2] if len(sys.argv) > 2 else ""
TOLD = "words", "table", "number", "prefix"  # variables
libc = ctypes.CDLL(None)
said = []
kept = []
loops = []
running = []  # the task of the first thread
awaited = {}  # a task: the tasks that await it
words = {}  # a task: what is said of it


def name_of(task):
    if not hasattr(task, "get_name"):
        return "0x%x" % id(task)
    return '"%s"' % task.get_name().replace('"', "\\x22").replace(";", "\\x3b")


def begin(coro, name, by=()):
    task = asyncio.get_event_loop().create_task(coro)
    if hasattr(task, "set_name"):
        task.set_name(name)
    kept.append(task)
    awaited.setdefault(task, []).extend(by)
    return task


def frames(awaitable):
    """The frames of a coroutine and of all that it awaits, outermost first."""
    while True:
        kind = type(awaitable).__name__
        if kind in ("async_generator_asend", "async_generator_athrow", "coroutine_wrapper", "anext_awaitable"):
            awaitable = [o for o in gc.get_referents(awaitable) if hasattr(o, "cr_frame") or hasattr(o, "ag_frame")
                         or hasattr(o, "gi_frame") or "async_generator_asend" in type(o).__name__][0]
            continue
        for frame, inner in ("cr_frame", "cr_await"), ("ag_frame", "ag_await"), ("gi_frame", "gi_yieldfrom"):
            if hasattr(awaitable, frame):
                break
        else:
            return
        f = getattr(awaitable, frame)
        yield ["[ %s:%d (%s) ]" % (f.f_code.co_filename, f.f_lineno, f.f_code.co_name),
               *("is %s = %r" % (name, f.f_locals[name]) for name in TOLD if name in f.f_locals)]
        awaitable = getattr(awaitable, inner)


def tell():
    for task in kept:
        said.append("task " + name_of(task))
        if task in words:
            said.append("says " + words[task])
        said.extend("waiter " + name_of(other) for other in awaited[task])
        for lines in reversed(list(frames(task._coro if hasattr(task, "_coro") else task.get_coro()))):
            said.extend(lines)
    with open(sys.argv[1], "w") as f:
        f.write("".join(line + "\n" for line in said))


def echo(read=libc.read, byte=ctypes.create_string_buffer(1)):
    os.write(OUT, b"!")
    while read(IN, byte, 1) == 1:
        os.write(OUT, byte.raw)
    os._exit(0)


async def waits(event):
    words = ["waits", 1.5]
    await event.wait()
    del words


async def calls(event):
    table = {"calls": len(kept)}

    def uses():
        return table

    await waits(event)
    del uses


@types.coroutine
def yields(event):
    yield from calls(event)


async def generates(event):
    number = len(kept) << 70
    yield 1
    await yields(event)
    del number
    yield 2


async def iterates(event):
    async for _ in generates(event):
        pass


async def awaits(task):
    await task


async def gathers(*tasks):
    await asyncio.gather(*tasks)


async def waits_for_any(tasks):
    await asyncio.wait(tasks)


async def shields(task):
    await asyncio.shield(task)


async def has_time(task):
    await asyncio.wait_for(task, 100000)


def scene(loop, prefix, goes_on=False):
    """Tasks in all ways to await. They are waiting once the loop has run for a moment."""
    asyncio.set_event_loop(loop)
    if MODE == "python":
        loop.set_task_factory(lambda loop, coro, **more: asyncio.tasks._PyTask(coro, loop=loop, **more))

    def add(coro, name, *by):
        return begin(coro, prefix + name, by)

    async def build():
        event = asyncio.Event()
        add(iterates(event), "iterates")
        bottom = add(calls(event), "bottom")
        left, right = add(awaits(bottom), "left"), add(awaits(bottom), "right")
        awaited[bottom] = [left, right]
        top = add(gathers(left, right), "top; \"quoted\"")
        awaited[left], awaited[right] = [top], [top]
        any_of = [add(waits(event), "any-%d" % i) for i in range(2)]
        waiter = add(waits_for_any(any_of), "waiter")
        shielded = add(calls(event), "shielded")
        shield = add(shields(shielded), "shield")
        awaited.update({any_of[0]: [waiter], any_of[1]: [waiter], shielded: [shield]})
        words[left] = "awaits task " + name_of(bottom)
        # From 3.14 on these know no current task that is written in Python.
        if MODE != "python" or sys.version_info < (3, 14):
            timed = add(waits(event), "timed")
            awaited[timed] = [add(has_time(timed), "has time")]
            if sys.version_info >= (3, 11):
                add(in_group(event, prefix), "group")
        await asyncio.sleep(0.05)
        return event

    event = loop.run_until_complete(build())
    if not goes_on:
        words[add(waits(event), "created")] = "not started"


async def in_group(event, prefix):
    async with asyncio.TaskGroup() as group:
        me = asyncio.current_task()
        for i in range(2):
            task = group.create_task(calls(event))
            task.set_name("%sin group %d" % (prefix, i))
            kept.append(task)
            awaited[task] = [me]


def new_loop():
    if MODE == "uvloop":
        import uvloop
        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def in_thread(prefix, runs_on):
    loop = new_loop()
    scene(loop, prefix, runs_on)
    loops.append(loop)
    if runs_on:
        ready.set()
        loop.run_forever()


async def blocks():
    if MODE not in ("circle", "many"):
        words[begin(waits(asyncio.Event()), "created")] = "not started"
    said.append("runs %d %s" % (libc.syscall(GETTID), name_of(running[0])))
    tell()
    echo()


async def circle():
    event = asyncio.Event()
    tasks = []

    async def next_of(i):
        await asyncio.sleep(0.01)
        await tasks[(i + 1) % 3]

    for i in range(3):
        tasks.append(begin(next_of(i), "circle-%d" % i))
    for i in range(3):
        awaited[tasks[(i + 1) % 3]] = [tasks[i]]
    await asyncio.sleep(0.1)
    coro = calls(event)
    spoiled = asyncio.get_event_loop().create_task(coro)
    await asyncio.sleep(0.1)
    spoil(coro)
    await blocks()
    del spoiled


def spoil(coro):
    """Let the innermost coroutine await itself."""
    while type(coro.cr_await).__name__ == "coroutine":
        coro = coro.cr_await
    # Up to 3.10 a frame is an object of its own.
    where = coro.cr_frame if sys.version_info < (3, 11) else coro
    size = sys.getsizeof(where) // ctypes.sizeof(ctypes.c_size_t)
    slots = (ctypes.c_size_t * size).from_address(id(where))
    inner = id(coro.cr_await)
    for i in range(2, size):
        if slots[i] & ~3 == inner:
            slots[i] = slots[i] & 3 | id(coro)


async def many():
    event = asyncio.Event()
    others = [asyncio.get_event_loop().create_task(waits(event)) for _ in range(10500)]
    await asyncio.sleep(0.1)
    await blocks()
    del others


async def short(number):
    for _ in range(3):
        sum(range(500))


async def short_ones():
    tell()
    os.write(OUT, b"!")
    number = 0
    while True:
        number += 1
        await asyncio.get_event_loop().create_task(short(number), name="short %d" % number)


ready = threading.Event()
main_loop = new_loop()
if MODE in ("circle", "many", "short_ones"):
    asyncio.set_event_loop(main_loop)
    running.append(main_loop.create_task(globals()[MODE]()))
    main_loop.run_until_complete(running[0])
ended = threading.Thread(target=in_thread, args=("ended ", False))
ended.start()
ended.join()
threading.Thread(target=in_thread, args=("thread ", True), daemon=True).start()
ready.wait()
time.sleep(0.5)
scene(main_loop, "", True)
stopped = new_loop()
scene(stopped, "stopped ")
asyncio.set_event_loop(main_loop)
running.append(main_loop.create_task(blocks()))
main_loop.run_until_complete(running[0])
