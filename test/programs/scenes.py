"""Ways into Python, each a function that blocks at its innermost point. scenes.py TRUTH [NAME...]

Without names, each scene runs in a thread of its own and main runs a signal handler. With names, these run
in main, where the first one blocks.
The names of functions have a meaning: c_x is entered from C, p_x by a plain Python call (see truth.py).
"""
import asyncio
import ctypes
import functools
import gc
import os
import signal
import sys
import threading
import types
import weakref

import c_library
import truth

try:
    from xml.parsers import expat
except ImportError:  # the interpreter has no standard library
    expat = None

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
    return list(map(c_item, [1]))


@scene
def s_sorted():
    return sorted([3], key=c_leaf)


@scene
def s_init():
    class Thing:
        def __init__(self, x):
            p_leaf(x)
    return Thing(1)


@scene
def s_new():
    class Meta(type):
        def __call__(cls, *args):
            return super().__call__(*args)

    class Thing(metaclass=Meta):
        def __new__(cls, x):
            return p_leaf(x)
    return Thing(1)


@scene
def s_hotinit():
    class Thing:
        def __init__(self, n):
            if n == 99:
                p_leaf(n)
    for i in range(100):
        Thing(i)


def module_file(name, text):
    path = os.path.join(WORK, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


@scene
def s_import():
    module_file("scene_imported.py", "import os\nimport truth\nos.read(truth.fd(), 1)\n")
    sys.path.append(WORK)
    import scene_imported
    return scene_imported


@scene
def s_exec():
    exec("import os\nos.read(truth.fd(),\n 1)\n", {"truth": truth})


@scene
def s_eval():
    eval("[p_leaf(i) for i in (1,)]")


@scene
def s_qsort():
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(c_leaf)
    array = (ctypes.c_int * 3)(3, 1, 2)
    c_library.load().qsort(array, ctypes.c_size_t(3), ctypes.c_size_t(4), compare)


if expat is not None:
    @scene
    def s_expat():
        parser = expat.ParserCreate()
        parser.StartElementHandler = c_leaf
        parser.Parse("<root/>", True)


@scene
def s_partial():
    functools.partial(functools.partial(c_leaf, 1), 2)()


@scene
def s_reduce():
    functools.reduce(c_leaf, [1, 2])


@scene
def s_lru():
    @functools.lru_cache(maxsize=None)
    def c_cached(x):
        return p_leaf(x)
    c_cached(1)


def numbers(n):
    for i in range(n):
        yield i
    p_leaf()


def delegating(n):
    yield from numbers(n)


@scene
def s_generator():
    for _ in numbers(0):
        pass


@scene
def s_hotgenerator():
    for _ in numbers(1000):
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


class Await:
    def __await__(self):
        p_leaf()
        yield


async def outer():
    await middle()


async def middle():
    await Await()


@scene
def s_coroutine():
    outer().send(None)


@scene
def s_asyncio():
    async def main():
        task = asyncio.ensure_future(outer())
        await task
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())


@scene
def s_asyncgen():
    async def agen():
        yield 1
        p_leaf()

    async def consume():
        async for _ in agen():
            pass
    consume().send(None)


@scene
def s_getattr():
    class Thing:
        def __getattr__(self, name):
            return p_leaf(name)
    return Thing().anything


@scene
def s_property():
    class Thing:
        @property
        def value(self):
            return p_leaf()
    return Thing().value


@scene
def s_operators():
    class Thing:
        def __lt__(self, other):
            return p_leaf()

        def __hash__(self):
            return sorted([Thing(), Thing()])
    return {Thing(): 1}


@scene
def s_descriptor():
    class Field:
        def __set_name__(self, owner, name):
            p_leaf()

    class Owner:
        field = Field()
    return Owner


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
        **{},
    )


@scene
def s_with():
    class Manager:
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
def s_decorator():
    @p_leaf
    def never():
        pass


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
            return list(map(c_down, [n - 1]))
        return p_leaf()
    list(map(c_down, [40]))


@scene
def s_del():
    class Thing:
        def __del__(self):
            p_leaf()

    def p_holder():
        thing = Thing()
        return None
    p_holder()


@scene
def s_del_last():
    class Thing:
        def __del__(self):
            p_leaf()

    def c_holder(n):
        thing = Thing()
        return None
    list(map(c_holder, [1]))


@scene
def s_weakref():
    class Thing:
        pass
    thing = Thing()
    ref = weakref.ref(thing, c_leaf)
    del thing
    return ref


def only_here(f):
    """Hooks such as gc's are global: let f block only in the thread that installed it."""
    me = threading.get_ident()

    @functools.wraps(f)
    def c_hook(a, b):
        if threading.get_ident() == me:
            f(a, b)
    return c_hook


@scene
def s_gc():
    gc.callbacks.append(only_here(p_leaf))
    gc.collect()


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
def s_setprofile():
    def c_profiler(frame, event, arg):
        if event == "c_call" and arg is len:
            p_leaf()

    def profiled():
        return len("x")
    sys.setprofile(c_profiler)
    profiled()


def renamed(code, name):
    if sys.version_info >= (3, 8):
        code = code.replace(co_name=name)
    else:
        code = types.CodeType(
            code.co_argcount, code.co_kwonlyargcount, code.co_nlocals, code.co_stacksize, code.co_flags,
            code.co_code, code.co_consts, code.co_names, code.co_varnames, code.co_filename, name,
            code.co_firstlineno, code.co_lnotab, code.co_freevars, code.co_cellvars)
    return types.FunctionType(code, globals())


@scene
def s_names():
    def latin_é(f):
        return f()

    def bmp_名前(f):
        return f()

    def astral_𐐀(f):
        return f()
    inner = astral_𐐀
    odd = renamed(astral_𐐀.__code__, "a\nb\x1b[31m\x7f\x9b[ x.py:1 (y) ]")
    bidi = renamed(astral_𐐀.__code__, "\u202eabc\u2028\ufeff\u061c")
    lone = renamed(astral_𐐀.__code__, "lone\udc80\ud800.")
    latin_é(lambda: bmp_名前(lambda: inner(lambda: odd(lambda: bidi(lambda: lone(p_leaf))))))


@scene
def s_files():
    """Source files whose names need one, two and four bytes per character, and names that no file has."""
    text = "def run(f):\n    return f()\n"
    chain = p_leaf
    for name in ("plain.py", "datei_é.py", "ファイル.py", "𐐀.py"):
        path = module_file(name, text)
        space = {}
        with open(path, encoding="utf-8") as f:
            exec(compile(f.read(), path, "exec"), space)
        chain = functools.partial(space["run"], chain)
    for name in ("new\nline.py", "\x1b]0;title\x07.py", "right\u202eleft", "new\\x0aline.py", "byte\udcff.py",
                 "  [ a.py:1 (b) ]", ""):
        if truth.trampolines() and "\udcff" in name:
            continue  # CPython cannot write this name to its perf map
        space = {}
        exec(compile(text, name, "exec"), space)
        chain = functools.partial(space["run"], chain)
    chain()


@scene
def s_longnames():
    text = "def " + "n" * 1000 + "(f):\n    f()\nrun = " + "n" * 1000
    space = {}
    exec(compile(text, "/" + "d" * 2000 + "é.py", "exec"), space)
    space["run"](p_leaf)


@scene
def s_bigfunction():
    """Bytecode offsets and line steps, in both directions, that do not fit into a byte."""
    text = ["def big(f, x):"]
    text += ["    x = x + %d; x = (x,\n\n\n x)[1]" % i for i in range(3000)]
    text += ["\n" * 70000, "    (f(", "\n" * 300, "     x))", "    return f"]
    space = {}
    exec(compile("\n".join(text), "<big>", "exec"), space)
    space["big"](p_leaf, 1)


@scene
def s_negativeline():
    """The call's line is far before the lines of its arguments."""
    text = "def up(f):\n    f(" + "\n" * 400 + "1,\n2)\n"
    space = {}
    exec(compile(text, "<up>", "exec"), space)
    space["up"](p_leaf)


@scene
def s_loop():
    for i in range(100000):
        pass
    while True:
        if i: p_leaf()


def thrown_into():
    try:
        yield 1
    except KeyError:
        p_leaf()


def between():
    yield from thrown_into()


def over():
    yield from between()


# 3.9 and 3.10 link suspended generators wrongly during a throw: see gen_throw.py.
if not (3, 9) <= sys.version_info < (3, 11):
    @scene
    def s_throw():
        generator = over()
        next(generator)
        generator.throw(KeyError())


def main():
    names = sys.argv[2:]
    if names:
        truth.watch(1)
        for name in names:
            SCENES[name]()
        return
    pthread = c_library.load()
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
    signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)


if __name__ == "__main__":
    main()
