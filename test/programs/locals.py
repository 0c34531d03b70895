"""Frames with variables of all kinds, whose values are told.   locals.py TRUTH [busy]

In the syntax common to all versions from 2.4 on. Each scene is a thread that ends in `stop`, which tells the
variables of its callers and blocks. TRUTH gets lines: "thread TID"; for each frame, innermost first, "frame
FUNCTION", then "is NAME = VALUE", or "has NAME" if the value has no fixed text. With "busy" the first thread is
blocked in a frame whose list another thread changes all the time. Then a byte goes to the second of the descriptors
PYSTACK_TEST_FDS; until the first is closed, bytes are echoed.
"""
import os
import sys
import time

try:
    import thread
except ImportError:
    import _thread as thread
try:
    import ctypes

    libc = ctypes.CDLL(None)
except ImportError:
    libc = None

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
GETTID = 186
if getattr(sys, "maxsize", sys.maxint if sys.version_info < (3,) else 0) <= 1 << 31:
    GETTID = 224
NEVER = os.pipe()[0]
PLAIN = [type(None), bool, int, float, complex, str, type(u"")]
if sys.version_info < (3,):
    PLAIN.append(type(1 << 70))
else:
    PLAIN.append(type("".encode()))
OPTIMIZED = 1  # of co_flags
spaces = {}  # of class bodies that run, by name: from 3.13 on f_locals may be something else
NEW = sys.version_info >= (3,)
told = []
scenes = []
failed = []


def scene(f):
    scenes.append(f)
    return f


def is_plain(value):
    if type(value) in (tuple, list):
        return not [one for one in value if not is_plain(one)]
    if type(value) is dict:
        return is_plain(list(value.items()))
    return type(value) in PLAIN


def line(name, value):
    if not is_plain(value):
        return "has " + name
    text = repr(value)
    if not NEW and type(value) is type(u""):
        text = "u'%s'" % value.encode("utf-8")  # beyond ASCII it is not escaped
    if len(text) > 150:
        return "has " + name
    return "is %s = %s" % (name, text)


def escaped(name):
    return name.replace("\\", "\\\\").replace("\n", "\\x0a")


def variables(frame, hidden):
    """In the order in which the code object has them."""
    code, values = frame.f_code, frame.f_locals
    if not code.co_flags & OPTIMIZED:
        if values is frame.f_globals:
            return []
        values = spaces.get(code.co_name, values)
        found = [(escaped(name), values[name]) for name in values.keys()]
        if sys.version_info >= (3, 12):
            found = [(name, value) for name, value in found if name not in hidden]
            found += [(name, hidden[name]) for name in code.co_varnames if name in hidden]
        return found
    names = list(code.co_varnames)
    names += [name for name in code.co_cellvars + code.co_freevars if name not in names]
    return [(name, values[name]) for name in names if name in values]


def tell(frame, hidden):
    lines = ["thread %d" % (libc and libc.syscall(GETTID) or os.getpid())]
    while frame is not None:
        lines.append("frame " + frame.f_code.co_name)
        lines += [line(name, value) for name, value in variables(frame, hidden)]
        frame = frame.f_back
    told.append("\n".join(lines) + "\n")


def stop(*_, **hidden):
    tell(sys._getframe(1), hidden)
    os.read(NEVER, 1)


@scene
def arguments():
    def called(one, two=u"caf\xe9", *rest, **named):
        number = -(1 << 100)
        gone = 1
        text = "\n                [ x.py:1 (y) ]\n = 'quoted' \"twice\" \\ \t"
        nothing = None
        yes = True
        real = 0.1
        both = 1 + 2.5j
        pair = (1, "two")
        some = [1, [2, [3]], ()]
        table = {"key": 1}
        del gone
        stop(one, two, rest, named, number, text, nothing, yes, real, both, pair, some, table)

    called(1, *[u"\u043f\u043e\u0442\u043e\u043a", 7], **{"key": "value"})


@scene
def closures():
    outer = 1
    later = 2

    def middle(kept, plain):
        own = 3

        def inner(last):
            late = outer + kept + own
            stop(late, last)
            return never, outer

        plain += 1
        inner(4)
        never = 5
        return never

    middle(6, later)
    outer = 8


@scene
def class_bodies():
    free = 5

    class Outer(object):
        first = 1
        locals()["odd\n                [ x.py:1 (y) ]"] = 2

        class Inner(object):
            second = first = "in"
            spaces["Inner"] = locals()
            third = [stop(i=i) for i in (free,)]


@scene
def generators():
    def yields(n):
        before = n * 2
        for i in (1, 2):
            stop(before, i)
            yield i

    def walks(source):
        for one in source:
            yield one

    list(walks(x for x in yields(4)))


@scene
def comprehensions():
    k = 3
    [stop(j, k) for j in (7,)]


@scene
def recursion(n=5):
    half = n // 2
    if n == 0:
        stop()
    recursion(n - 1)
    return half


@scene
def executed():
    names = {"a": 1}
    code = compile("b = 2\nstop()", "<text>", "exec")
    eval(code, globals(), names)


@scene
def lambdas():
    (lambda a, b=2: stop(a, b))(1)


@scene
def handlers():
    try:
        raise KeyError("missing")
    except KeyError:
        caught = sys.exc_info()[1]
        try:
            stop(caught)
        finally:
            pass


KEYWORDS = """
@scene
def keywords():
    def only(a, *, b=2, **more):
        stop(a, b, more)
    only(1, b=3, c=4)
"""

COROUTINES = """
@scene
def coroutines():
    async def inner(a):
        stop(a)
    async def outer(b):
        c = b + 1
        await inner(c)
    try:
        outer(1).send(None)
    except StopIteration:
        pass
"""

TYPES = """
@scene
def types():
    class Box[T]:
        size = 1
        def held[U](self, a: U) -> T:
            stop(a)
    Box().held(7)
    def walrus():
        [(last := n) for n in (1, 2)]
        stop(last)
    walrus()
"""

if sys.version_info >= (3, 0):
    eval(compile(KEYWORDS, __file__, "exec"))
if sys.version_info >= (3, 5):
    eval(compile(COROUTINES, __file__, "exec"))
if sys.version_info >= (3, 12):
    eval(compile(TYPES, __file__, "exec"))


def ready():
    f = open(sys.argv[1], "wb")
    text = "".join(told)
    if not isinstance(text, bytes if NEW else str):
        text = text.encode("utf-8")
    f.write(text)
    f.close()
    os.write(OUT, "!".encode())


def echo():
    while True:
        byte = os.read(IN, 1)
        if not byte:
            return
        os.write(OUT, byte)


def changes(shared, table, n):
    while True:
        n = m = n + 1
        shared[:] = [n * 1000003] * 9
        table.clear()
        table["key"] = n
        same = [str(n)] * 5
        same = None


def busy():
    shared, table = [0] * 9, {}
    for _ in (1, 2):
        thread.start_new_thread(changes, (shared, table, 0))
    ready()
    echo()


if sys.argv[2:] == ["busy"]:
    busy()
    sys.exit(0)
for start in scenes:
    thread.start_new_thread(start, ())
while len(told) < len(scenes):
    time.sleep(0.01)
ready()
echo()
