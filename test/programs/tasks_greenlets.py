"""Greenlets that wait, and some that run.   tasks_greenlets.py OUT [MODE]

With "gevent" they are gevent's, with "eventlet" eventlet's; with "many" there are more than pystack reads. With "busy"
the first thread makes greenlets and garbage until the descriptor is closed.

OUT gets lines:

    block TID NAME       what follows is the block of the greenlet, whose thread is TID
    line WORDS           words of a line of the output
    (others)             a line of the block: its remark, or a frame, innermost first

Then a byte goes to the second of the descriptors PYSTACK_TEST_FDS; until the first is closed, bytes are echoed.
"""
import ctypes
import gc
import os
import sys
import threading

import greenlet

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
GETTID = 186 if sys.maxsize > 1 << 32 else 224  # x86-64, i386
MODE = sys.argv[2] if len(sys.argv) > 2 else ""
libc = ctypes.CDLL(None)
said = []
running = []
kept = []  # of each greenlet: itself, and the thread that it is of


class Named(greenlet.greenlet):
    """Its objects may be switched to, have names, and more members than greenlets do."""
    name = None

    def __init__(self, run, name, parent=None):
        greenlet.greenlet.__init__(self, run, parent)
        self.name = name


def tid():
    return libc.syscall(GETTID)


def keep(one):
    kept.append((one, tid()))
    return one


def name_of(one):
    name = vars(one).get("name") if hasattr(one, "__dict__") else None
    return '"%s"' % name.replace('"', "\\x22").replace(";", "\\x3b") if name else "0x%x" % id(one)


def frames(frame):
    while frame is not None:
        yield "                [ %s:%d (%s) ]" % (frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back


def tell_one(one, thread, runs):
    if one.dead:
        return
    if runs:
        said.append("line greenlet %s (%s) runs in thread# %d" % (name_of(one), kind_of(one), thread))
        said.append("line runs greenlet %s)" % name_of(one))
        return
    said.append("block %d %s" % (thread, name_of(one)))
    parts = ["main greenlet"]
    if one.parent is not None:
        parts = ["of type " + type(one).__name__]
        if one.gr_frame is None:
            parts.append("not started")
        parts.append("child of greenlet " + name_of(one.parent))
    said.append("              (%s)" % "; ".join(parts))
    said.extend(frames(one.gr_frame))


def kind_of(one):
    return "main" if one.parent is None else type(one).__name__


def tell(running):
    """All greenlets but these are suspended, or have not started."""
    for one, thread in kept:
        tell_one(one, thread, one in running)
    with open(sys.argv[1], "w") as f:
        f.write("".join(line + "\n" for line in said))


def ready():
    os.write(OUT, b"!")


def echo():
    while True:
        byte = os.read(IN, 1)
        if not byte:
            os._exit(0)
        os.write(OUT, byte)


def up(*args):
    """Wait in the greenlet's parent."""
    return greenlet.getcurrent().parent.switch(*args)


def down(n, f):
    if n:
        return down(n - 1, f)
    return f()


def begin(one):
    keep(one).switch()
    return one


def in_python():
    down(5, up)


def in_c():
    list(map(lambda n: down(n, up), [3]))


def in_sort():
    sorted([2, 1], key=lambda n: down(n, in_sort_again))


def in_sort_again():
    sorted([2, 1], key=lambda n: up())


def generate():
    for n in range(3):
        yield n
        if n == 1:
            down(1, up)


def in_generator():
    for _ in generate():
        pass


def in_except():
    try:
        raise ValueError("kept while it waits")
    except ValueError:
        down(2, up)


def started_deep():
    down(10, lambda: up())
    down(4, up)


class Comparing(object):
    def __lt__(self, other):
        up()
        return True


def in_slot():
    return Comparing() < Comparing()


def wait_below(lock, release):
    """In a greenlet that is a child of another one, in a thread that runs its main greenlet."""
    running.append(keep(greenlet.getcurrent()))
    top = begin(Named(in_python, "top of a thread"))
    inner = Named(in_c, "inner; \"quoted\"")
    keep(inner)
    inner.switch()
    release()
    lock.acquire()
    del top


def wait_in_child(lock, release):
    """In a child of the main greenlet."""
    keep(greenlet.getcurrent())

    def wait():
        release()
        lock.acquire()
    one = keep(greenlet.greenlet(lambda: down(3, wait)))
    running.append(one)
    one.switch()


def threads():
    for function in wait_below, wait_in_child:
        lock, made = threading.Lock(), threading.Semaphore(0)
        lock.acquire()
        thread = threading.Thread(target=function, args=(lock, made.release))
        thread.daemon = True
        thread.start()
        made.acquire()


def plain():
    keep(greenlet.getcurrent())
    for run in in_python, in_c, in_sort, in_generator, in_except, in_slot:
        begin(greenlet.greenlet(run))
    deep = greenlet.greenlet(started_deep)
    down(20, lambda: begin(deep))
    list(map(lambda n: deep.switch(), [1]))
    parent = begin(Named(in_python, "parent"))
    keep(Named(in_c, "of a parent", parent))
    keep(greenlet.greenlet(in_python))
    ended = greenlet.greenlet(lambda: None)
    keep(ended).switch()
    # Into older lists of the collector, and out of all of them.
    gc.collect()
    if hasattr(gc, "freeze"):
        gc.freeze()
    begin(greenlet.greenlet(in_python))
    threads()
    last = keep(greenlet.greenlet(lambda: down(2, block)))
    running.append(last)
    last.switch()


def block():
    tell(running)
    ready()
    echo()


def with_gevent():
    import gevent
    import gevent.event

    hub = gevent.get_hub()
    event = gevent.event.Event()

    def wait(n):
        down(n, event.wait)

    def tell_and_wait():
        tell([hub])
        ready()
    keep(greenlet.getcurrent())
    keep(hub)
    for n in range(5):
        keep(gevent.spawn(wait, n))
    kept[-1][0].name = "the last one"
    keep(gevent.spawn(list, map(wait, [3])))
    gevent.sleep(0)
    keep(gevent.spawn_later(10000, wait, 1))
    hub.loop.run_callback(tell_and_wait)
    event.wait()


def with_eventlet():
    os.environ["EVENTLET_NO_GREENDNS"] = "yes"  # it needs no names of hosts
    import eventlet
    import eventlet.event
    import eventlet.hubs

    hub = eventlet.hubs.get_hub()
    event = eventlet.event.Event()

    def tell_and_wait():
        tell([hub.greenlet])
        ready()
    keep(greenlet.getcurrent())
    keep(hub.greenlet)
    for n in range(5):
        keep(eventlet.spawn(down, n, event.wait))
    eventlet.sleep(0)
    hub.schedule_call_global(0, tell_and_wait)
    event.wait()


def many():
    for _ in range(10100):
        one = greenlet.greenlet(up)
        one.switch()
        kept.append((one, None))
    ready()
    echo()


def busy():
    begin(greenlet.greenlet(in_c))
    tell([])

    def watch():
        ready()
        echo()
    thread = threading.Thread(target=watch)
    thread.daemon = True
    thread.start()
    while True:
        others = [greenlet.greenlet(in_python) for _ in range(20)]
        for other in others:
            other.switch()
        circle = []
        circle.append(circle)
        for other in others:
            other.switch()


{"": plain, "gevent": with_gevent, "eventlet": with_eventlet, "many": many, "busy": busy}[MODE]()
