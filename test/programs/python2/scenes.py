# -*- coding: utf-8 -*-
"""scenes.py in the syntax of Python 2, with the same arguments and the same meaning of names."""
import ctypes
import functools
import operator
import os
import signal
import sys
import threading
import time
import weakref
import xml.parsers.expat

import truth

SCENES = {}
WORK = os.path.dirname(os.path.abspath(truth.PATH))


def scene(f):
    SCENES[f.__name__.split("_", 1)[1]] = f
    return f


def c_leaf(*args):
    os.read(truth.fd(), 1)
    return 0


def p_leaf(*args):
    c = args
    os.read(truth.fd(), 1)
    return c


@scene
def s_map():
    def c_item(x):
        return p_leaf(x)
    return map(c_item, [1])


@scene
def s_filter():
    return filter(lambda x: p_leaf(x), (1, 2))


@scene
def s_sorted():
    return sorted([3], key=c_leaf)


@scene
def s_cmp():
    return sorted([3, 2], cmp=c_leaf)


@scene
def s_init():
    class Thing(object):
        def __init__(self, x):
            p_leaf(x)
    return Thing(1)


@scene
def s_oldstyle():
    class Thing:
        def __init__(self, x):
            self.x = x

        def __getattr__(self, name):
            if name == "anything":
                return p_leaf(name)
            raise AttributeError(name)

        def __cmp__(self, other):
            return self.anything
    return Thing(1) == Thing(2)


@scene
def s_new():
    class Meta(type):
        def __call__(cls, *args):
            return super(Meta, cls).__call__(*args)

    class Thing(object):
        __metaclass__ = Meta

        def __new__(cls, x):
            return p_leaf(x)
    return Thing(1)


@scene
def s_classbody():
    class Thing(object):
        p_leaf()
    return Thing


def module_file(name, text):
    path = os.path.join(WORK, name)
    with open(path, "w") as f:
        f.write(text)
    return path


@scene
def s_execfile():
    # Not by import, which would hold the import lock: Python 2 has one for all threads.
    execfile(module_file("scene_executed.py", "import os\nimport truth\nos.read(truth.fd(), 1)\n"), {})


@scene
def s_exec():
    exec "import os\nos.read(truth.fd(),\n 1)\n" in {"truth": truth}


@scene
def s_eval():
    eval("[p_leaf(i) for i in (1,)]")


@scene
def s_qsort():
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(c_leaf)
    array = (ctypes.c_int * 3)(3, 1, 2)
    ctypes.CDLL(None).qsort(array, ctypes.c_size_t(3), ctypes.c_size_t(4), compare)


@scene
def s_expat():
    """C code that puts its own frames on the chain, which no activation runs."""
    def c_start(name, attributes):
        if name == "inner":
            p_leaf()

    def c_text(text):
        inner = xml.parsers.expat.ParserCreate()
        inner.StartElementHandler = c_start
        inner.Parse("<outer><inner/></outer>", True)
    parser = xml.parsers.expat.ParserCreate()
    parser.CharacterDataHandler = c_text
    parser.Parse("<a>text</a>", True)


@scene
def s_partial():
    functools.partial(functools.partial(c_leaf, 1), 2)()


@scene
def s_reduce():
    reduce(c_leaf, [1, 2])


@scene
def s_apply():
    apply(apply, (p_leaf, (1,)))


@scene
def s_methodcaller():
    class Thing(object):
        def c_method(self):
            return p_leaf()
    operator.methodcaller("c_method")(Thing())


def numbers(n):
    for i in range(n):
        yield i
    p_leaf()


def delegating(n):
    for x in numbers(n):
        yield x


@scene
def s_generator():
    for _ in numbers(0):
        pass


@scene
def s_next():
    next(numbers(0))


@scene
def s_yieldfrom():
    return [x for x in delegating(200)]


@scene
def s_genexpr():
    return sum(p_leaf(x) for x in (1, 2))


@scene
def s_comprehension():
    return {k: [p_leaf(x)
                for x in (k,)]
            for k in (1, 2)}


def thrown_into():
    try:
        yield 1
    except KeyError:
        p_leaf()


@scene
def s_throw():
    generator = thrown_into()
    next(generator)
    generator.throw(KeyError())


@scene
def s_property():
    class Thing(object):
        @property
        def value(self):
            return p_leaf()
    return Thing().value


@scene
def s_operators():
    class Thing(object):
        def __lt__(self, other):
            return p_leaf()

        def __hash__(self):
            return sorted([Thing(), Thing()])
    return {Thing(): 1}


@scene
def s_multiline():
    value = max(
        1,
        len(str(
            os.read(
                truth.fd(),
                1
            )
        )),
        2,
    )
    return value


def starred(*args, **named):
    return p_leaf(args, named)


@scene
def s_multicall():
    starred(
        1, 2,
        *[3,
          4],
        **{}
    )


@scene
def s_with():
    class Manager(object):
        def __enter__(self):
            return self

        def __exit__(self, *exc):
            p_leaf()
    with Manager():
        1 + 1
        pass


@scene
def s_finally():
    try:
        try:
            raise ValueError
        except ValueError:
            raise KeyError
        finally:
            p_leaf()
    except KeyError:
        pass


def decorate(*_):
    def wrapping(f):
        @functools.wraps(f)
        def wrapper(*args):
            return f(
                *args)
        return wrapper
    return wrapping


@scene
def s_decorated():
    @decorate(1,
              2)
    @decorate(3)
    def target(x):
        return p_leaf(x)
    target(1)


@scene
def s_lambda():
    (lambda x: (lambda y:
                p_leaf(y))(x))(1)


@scene
def s_recursion():
    def p_down(n):
        if n:
            return p_down(n - 1)
        return p_leaf()
    p_down(60)


@scene
def s_deepmap():
    def c_down(n):
        if n:
            return map(c_down, [n - 1])
        return p_leaf()
    map(c_down, [40])


@scene
def s_del():
    class Thing(object):
        def __del__(self):
            p_leaf()

    def p_holder():
        thing = Thing()
        return None
    p_holder()


@scene
def s_weakref():
    class Thing(object):
        pass
    thing = Thing()
    ref = weakref.ref(thing, c_leaf)
    del thing
    return ref


@scene
def s_settrace():
    def c_tracer(frame, event, arg):
        if event == "call" and frame.f_code.co_name == "traced":
            p_leaf()

    def traced():
        return 1
    sys.settrace(c_tracer)
    traced()


@scene
def s_linetrace():
    """Stopped in a debugger: the line is the frame's own."""
    def c_tracer(frame, event, arg):
        if event == "line" and frame.f_code.co_name == "traced":
            p_leaf()
        return c_tracer

    def traced():
        a = 1

        return a
    sys.settrace(c_tracer)
    traced()


@scene
def s_setprofile():
    def c_profiler(frame, event, arg):
        if event == "c_call" and arg is len:
            p_leaf()

    def profiled():
        return len("x")
    sys.setprofile(c_profiler)
    profiled()


@scene
def s_files():
    """File names that are UTF-8, that are not, and that no file has."""
    text = "def run(f):\n    return f()\n"
    chain = p_leaf
    for name in ("plain.py", "datei_é.py", "ファイル.py", "𐐀.py", "new\nline.py", "\x1b]0;title\x07.py",
                 "byte\xff.py", "\xe9 latin.py", "cut\xe3\x83", "  [ a.py:1 (b) ]", ""):
        space = {}
        exec compile(text, name, "exec") in space
        chain = functools.partial(space["run"], chain)
    chain()


@scene
def s_longnames():
    text = "def " + "n" * 1000 + "(f):\n    f()\nrun = " + "n" * 1000
    space = {}
    exec compile(text, "/" + "d" * 2000 + ".py", "exec") in space
    space["run"](p_leaf)


@scene
def s_bigfunction():
    """Bytecode offsets and line steps that do not fit into a byte."""
    text = ["def big(f, x):"]
    text += ["    x = x + %d; x = (x,\n\n\n x)[1]" % i for i in range(3000)]
    text += ["\n" * 70000, "    (f(", "\n" * 300, "     x))", "    return f"]
    space = {}
    exec compile("\n".join(text), "<big>", "exec") in space
    space["big"](p_leaf, 1)


@scene
def s_loop():
    for i in range(100000):
        pass
    while True:
        if i: p_leaf()


def main():
    names = sys.argv[2:]
    if names:
        truth.watch(1)
        for name in names:
            SCENES[name]()
        return
    pthread = ctypes.CDLL(None)
    handle = ctypes.c_ulong()
    # A thread that never ran Python, and a thread made by C that calls Python.
    before = set(os.listdir("/proc/self/task"))
    start = ctypes.cast(pthread.pause, ctypes.c_void_p)
    pthread.pthread_create(ctypes.byref(handle), None, start, None)
    stranger, = set(os.listdir("/proc/self/task")) - before
    truth.expect(lambda: truth.sleeps(int(stranger)))
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(c_leaf)
    pthread.pthread_create(ctypes.byref(handle), None, callback, None)
    for name, f in SCENES.items():
        truth.start(f, name)
    truth.watch(len(SCENES) + 2)

    def c_handler(number, frame):
        p_leaf(number)
    signal.signal(signal.SIGUSR1, c_handler)
    pthread.pthread_kill(ctypes.c_ulong(threading.current_thread().ident), signal.SIGUSR1)
    while True:
        time.sleep(0.01)


if __name__ == "__main__":
    main()
