"""busy.py in the syntax of Python 2. For test/fidelity/check.py: argv = the file for its description, and a program's name.

A comment `#: a !b` lists the functions of this file that the line can call: a from Python or from C, b only from C.
A function with `#: anywhere` on its def line can be called from every line. Functions with the same name share their
callees only if a comment says so. No line calls other functions.
"""
import ctypes
import dis
import functools
import json

import os
import re
import signal
import sys
import threading
import types

WORD = re.compile("[a-z]+")
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
QSORT = ctypes.CDLL(None).qsort
roots = {}


def native_id():
    return ctypes.CDLL(None).syscall(186 if sys.maxsize > 1 << 32 else 224)  # gettid


def leaf(n):
    return n * 3 % 7


def middle(n):
    a = leaf(n)  #: leaf
    # The tables have the first call on the second line.
    b = (leaf(n + 1) +  #: leaf
         1 +  #: leaf
         leaf(n + 2))  #: leaf
    return a + b


def recurse(n):
    if n == 0:
        return middle(n)  #: middle
    return recurse(n - 1) + 1  #: recurse


def keywords(*args, **more):
    return middle(len(args) + len(more))  #: middle


def calls(n):
    for i in range(n):
        recurse(5 + i % 20)  #: recurse
        keywords(1, 2, *(3, 4), b=5, **{"c": 6})  #: keywords


def compare(a, b):
    return leaf(a[0]) - leaf(b[0])  #: leaf


COMPARE_C = COMPARE(compare)


def key(n):
    return leaf(-n)  #: leaf


def add(a, b):
    return middle(a) + b  #: middle


def replaced(match):
    return str(leaf(len(match.group())))  #: leaf


def callbacks(n):
    bound = functools.partial(add, 1)
    array = (ctypes.c_int * 8)(5, 3, 8, 1, 9, 2, 7, 4)
    for i in range(n):
        sorted([5, 3, 8, 1], key=key)  #: !key
        list(map(middle, (1, 2, 3)))  #: !middle
        functools.reduce(add, (1, 2, 3))  #: !add
        bound(2)  #: !add
        QSORT(array, 8, 4, COMPARE_C)  #: !compare
        WORD.sub(replaced, "ab 12 cde")  #: !replaced
        max((3, 1, 2), key=lambda v: leaf(v))  #: !<lambda> leaf
        list(filter(key, [1, 2, 3]))  #: !key
        exec(STATEMENTS, {"leaf": leaf, "middle": middle})  #: !<module>


STATEMENTS = compile("leaf(1)\nmiddle(2)\nx = [middle(i) for i in (1, 2)]\n", "<string>", "exec")


def count(n):
    for i in range(n):
        yield leaf(i)  #: leaf


def chain(n):
    for i in count(n):  #: count
        yield i
    yield leaf(n)  #: leaf
    for i in (leaf(i) for i in count(n)):  #: <genexpr> count leaf
        yield i


def collect(n):
    total = 0
    while True:
        got = yield total
        total += leaf(got)  #: leaf


def generators(n):
    for i in range(n):
        for j in chain(4):  #: chain
            leaf(j)  #: leaf
        sum(chain(3))  #: !chain
        [leaf(j) for j in count(3)]  #: count leaf
        {j: leaf(j) for j in chain(2)}  #: chain leaf <dictcomp>
        sum(leaf(j) for j in chain(2))  #: !<genexpr> chain leaf
        sink = collect(0)
        next(sink)  #: !collect
        sink.send(3)  #: !collect
        sink.close()  #: !collect


class Descriptor(object):
    def __get__(self, it, kind=None):
        return leaf(1)  #: leaf

    def __set__(self, it, value):
        leaf(value)  #: leaf


class Meta(type):
    def __call__(cls, *args):
        return super(Meta, cls).__call__(*args)  #: !__init__


class Old:
    def __init__(self, n):
        self.n = leaf(n)  #: leaf

    def __cmp__(self, other):
        return leaf(self.n) - leaf(other.n)  #: leaf

    def __nonzero__(self):
        return leaf(0) == 0  #: leaf

    def __getslice__(self, a, b):
        return middle(b)  #: middle


class Plain(object):
    def __init__(self, n):
        self.n = leaf(n)  #: leaf

    @property
    def half(self):
        return leaf(self.n)  #: leaf

    def __getattr__(self, name):
        return leaf(len(name))  #: leaf

    def __getitem__(self, i):
        return middle(i)  #: middle

    def __len__(self):
        return leaf(7)  #: leaf

    def __eq__(self, other):
        return leaf(self.n) == leaf(other.n)  #: leaf

    def __hash__(self):
        return leaf(self.n)  #: leaf

    def __lt__(self, other):
        return self.half < other.half  #: half

    def __iter__(self):
        return iter(count(3))

    def __contains__(self, it):
        return it == leaf(1)  #: leaf

    def __call__(self, n):
        return middle(n)  #: middle

    def __enter__(self):
        return leaf(1)  #: leaf

    def __exit__(self, *why):
        leaf(2)  #: leaf
        return True

    def __str__(self):
        return "%d" % leaf(self.n)  #: leaf

    def __add__(self, other):
        return Plain(other)  #: __init__


class Made(Plain):
    __metaclass__ = Meta
    place = Descriptor()


class Dying(object):
    def __del__(self):  #: anywhere
        leaf(3)  #: leaf


def local_death():
    it = Dying()
    return leaf(id(it))  #: leaf


def classes(n):
    for i in range(n):
        a, b = Plain(i), Plain(i + 1)  #: __init__
        made = Made(3)  #: __call__
        made.place  #: __get__
        made.place = 4  #: __set__
        a.half  #: half
        a.missing  #: __getattr__
        a[i]  #: __getitem__
        len(a)  #: __len__
        a == b  #: __eq__
        {a: 1, b: 2}  #: !__hash__ !__eq__
        sorted([a, b])  #: !__lt__
        list(a)  #: !__iter__ !count !__len__
        1 in a  #: __contains__
        a(i)  #: __call__
        str(a)  #: !__str__
        a + 1  #: __add__
        with a:  #: __enter__ __exit__
            leaf(i)  #: leaf __exit__
        c, d = Old(i), Old(i + 1)  #: __init__
        c < d  #: __cmp__
        not c  #: __nonzero__
        c[0:2]  #: __getslice__
        sorted([c, d])  #: !__cmp__
        local_death()  #: local_death
        Dying()


def fail(n):
    if n == 0:
        raise ValueError(leaf(n))  #: leaf
    fail(n - 1)  #: fail


def tidy(n):
    try:
        fail(n)  #: fail
    finally:
        leaf(n)  #: leaf


def wrapped(n):
    try:
        tidy(n)  #: tidy
    except ValueError as e:
        raise KeyError(leaf(n), e)  #: leaf


def exceptions(n):
    for i in range(n):
        try:
            wrapped(i % 5)  #: wrapped
        except KeyError:
            middle(i)  #: middle
        list(map(swallow, (1, 2, 3)))  #: !swallow


def swallow(n):
    try:
        fail(n)  #: fail
    except ValueError:
        return leaf(n)  #: leaf


def on_alarm(number, frame):  #: anywhere
    middle(number)  #: middle


def signals(n):
    callbacks(n)  #: callbacks
    calls(n)  #: calls
    generators(n)  #: generators


def catch():
    while True:
        try:
            yield leaf(1)  #: leaf
        except ValueError:
            middle(1)  #: middle
        except KeyError:
            break
    leaf(2)  #: leaf


def throws(n):
    for i in range(n):
        it = catch()
        next(it)  #: !catch
        it.throw(ValueError())  #: !catch
        it.throw(ValueError())  #: !catch
        try:
            it.throw(KeyError())  #: !catch
        except StopIteration:
            pass


def everything(n):
    calls(n)  #: calls
    callbacks(n)  #: callbacks
    generators(n)  #: generators
    classes(n)  #: classes
    exceptions(n)  #: exceptions


PROGRAMS = {f.__name__: f for f in (calls, callbacks, generators, classes, exceptions, everything, signals, throws)}


def lines_of(code, out):
    entry = out.setdefault("%s\t%s" % (code.co_filename, code.co_name), [])
    lines = {line for _, line in dis.findlinestarts(code)} | {code.co_firstlineno}
    entry.append(sorted(lines))
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            lines_of(const, out)


def describe(path):
    codes = {}
    with open(__file__) as source:
        lines_of(compile(source.read(), __file__, "exec"), codes)
    lines_of(STATEMENTS, codes)
    bootstrap = threading.Thread.__dict__["_Thread__bootstrap"], threading.Thread.__dict__["_Thread__bootstrap_inner"]
    for f in bootstrap + (threading.Thread.__dict__["run"],):
        lines_of(f.__code__, codes)
    with open(path + ".new", "w") as out:
        json.dump({"version": list(sys.version_info[:2]), "codes": codes, "roots": roots}, out)
    os.rename(path + ".new", path)


def worker(program):
    roots[native_id()] = program.__name__
    while True:
        program(3)  #: calls callbacks generators classes exceptions everything


def run(path, name):
    workers = [calls, callbacks, generators, classes, exceptions] if name == "threads" else []
    if workers:
        sys.setcheckinterval(10)
    for program in workers:
        thread = threading.Thread(target=worker, args=(program,))
        thread.daemon = True
        thread.start()
    while len(roots) < len(workers):
        pass
    program = PROGRAMS.get(name, everything)
    if name == "signals":
        signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0005)
    describe(path)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        program(3)  #: calls callbacks generators classes exceptions everything signals throws


run(sys.argv[1], sys.argv[2])  #: run
