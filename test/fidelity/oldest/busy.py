"""busy.py in the syntax common to all versions from 2.4 on, for those without another one (2.4 to 2.6, 3.0 to 3.5).
See busy.py for the meaning of the comments.
"""
import dis
import os
import re
import sys
import types

WORD = re.compile("[a-z]+")
STATEMENTS = compile("leaf(1)\nmiddle(2)\nx = [middle(i) for i in (1, 2)]\n", "<string>", "exec")


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
        keywords(1, 2, *(3, 4), **{"c": 6})  #: keywords


def key(n):
    return leaf(-n)  #: leaf


def replaced(match):
    return str(leaf(len(match.group())))  #: leaf


def callbacks(n):
    for i in range(n):
        sorted([5, 3, 8, 1], key=key)  #: !key
        list(map(middle, (1, 2, 3)))  #: !middle
        WORD.sub(replaced, "ab 12 cde")  #: !replaced
        sorted((3, 1, 2), key=lambda v: leaf(v))  #: !<lambda> leaf
        list(filter(key, [1, 2, 3]))  #: !key
        eval(STATEMENTS, {"leaf": leaf, "middle": middle})  #: !<module>


def count(n):
    for i in range(n):
        yield leaf(i)  #: leaf


def chain(n):
    for i in count(n):  #: count
        yield i
    yield leaf(n)  #: leaf
    for i in (leaf(i) for i in count(n)):  #: <genexpr> count leaf
        yield i


def generators(n):
    for i in range(n):
        for j in chain(4):  #: chain
            leaf(j)  #: leaf
        sum(chain(3))  #: !chain
        [leaf(j) for j in count(3)]  #: count leaf <listcomp>
        sum([leaf(j) for j in chain(2)])  #: chain leaf <listcomp>
        sum((leaf(j) for j in chain(2)))  #: !<genexpr> chain leaf


class Descriptor(object):
    def __get__(self, it, kind=None):
        return leaf(1)  #: leaf

    def __set__(self, it, value):
        leaf(value)  #: leaf


class Classic:
    def __init__(self, n):
        self.n = leaf(n)  #: leaf

    def __call__(self, n):
        return middle(n)  #: middle


class Plain(object):
    place = Descriptor()

    def __init__(self, n):
        self.n = leaf(n)  #: leaf

    def half(self):
        return leaf(self.n)  #: leaf
    half = property(half)

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

    def __contains__(self, it):
        return it == leaf(1)  #: leaf

    def __call__(self, n):
        return middle(n)  #: middle

    def __str__(self):
        return "%d" % leaf(self.n)  #: leaf

    def __add__(self, other):
        return Plain(other)  #: __init__


class Dying(object):
    def __del__(self):  #: anywhere
        leaf(3)  #: leaf


def local_death():
    it = Dying()
    return leaf(id(it))  #: leaf


def classes(n):
    for i in range(n):
        a, b = Plain(i), Plain(i + 1)  #: __init__
        Classic(i)(3)  #: __init__ __call__
        a.place  #: __get__
        a.place = 4  #: __set__
        a.half  #: half
        a.missing  #: __getattr__
        a[i]  #: __getitem__
        len(a)  #: __len__
        a == b  #: __eq__
        {a: 1, b: 2}  #: !__hash__ !__eq__
        sorted([a, b])  #: !__lt__
        1 in a  #: __contains__
        a(i)  #: __call__
        str(a)  #: !__str__
        a + 1  #: __add__
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
    except ValueError:
        raise KeyError(leaf(n))  #: leaf


def swallow(n):
    try:
        fail(n)  #: fail
    except ValueError:
        return leaf(n)  #: leaf


def exceptions(n):
    for i in range(n):
        try:
            wrapped(i % 5)  #: wrapped
        except KeyError:
            middle(i)  #: middle
        list(map(swallow, (1, 2, 3)))  #: !swallow


def everything(n):
    calls(n)  #: calls
    callbacks(n)  #: callbacks
    generators(n)  #: generators
    classes(n)  #: classes
    exceptions(n)  #: exceptions


def lines_of(code, out):
    lines = [line for _, line in dis.findlinestarts(code)] + [code.co_firstlineno]
    out.setdefault("%s\t%s" % (code.co_filename, code.co_name), []).append(lines)
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            lines_of(const, out)


def describe(path):
    codes = {}
    source = open(__file__)
    lines_of(compile(source.read(), __file__, "exec"), codes)
    source.close()
    lines_of(STATEMENTS, codes)
    out = open(path + ".new", "w")
    # json is new in 2.6; no text here has a quote in it.
    out.write(repr({"version": list(sys.version_info[:2]), "codes": codes, "roots": {}}).replace("'", '"'))
    out.close()
    os.rename(path + ".new", path)


def run(path, name):
    program = {"calls": calls, "callbacks": callbacks, "generators": generators, "classes": classes,
               "exceptions": exceptions}.get(name, everything)
    describe(path)
    os.write(1, "ready\n".encode("ascii"))
    while True:
        program(3)  #: calls callbacks generators classes exceptions everything


run(sys.argv[1], sys.argv[2])  #: run
