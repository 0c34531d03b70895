"""Values of all types in the syntax common to all versions from 2.4 on.   values.py OUT

OUT gets a line for each value: what kind it is, its address, and its text as pystack must write it, with blanks as
tabs between them. Then a byte goes to the second of the descriptors PYSTACK_TEST_FDS; until the first is closed, bytes
are echoed. LIMITS are those of the test program.
"""
import os
import sys

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
BYTES, ITEMS, DEPTH = 200, 10, 3  # LIMITS
NEW = sys.version_info >= (3, 0)
kept = []  # values, which keep their addresses
lines = []
newline = "\n".encode("ascii")

if NEW:
    unichr = chr
    long = int


def encoded(text):
    """The UTF-8 of text, which may be str of 2.x and then is ASCII; unpaired surrogates are escaped already."""
    return text.encode("utf-8")


def cut(text):
    """Text as bytes within the limit."""
    text = encoded(text)
    if len(text) <= BYTES:
        return text
    n = BYTES
    while ord(text[n:n + 1]) & 0xC0 == 0x80:
        n -= 1
    return text[:n] + encoded("...")


def case(kind, value, expected=None):
    kept.append(value)
    if expected is None:
        expected = repr(value)
    expected = expected.replace("ADDRESS", hex(id(value)).rstrip("L"))
    lines.append(encoded("%s\t%x\t" % (kind, id(value))) + cut(expected) + newline)


def code(text, **names):
    """The names that statements of newer versions define."""
    exec(text, names)
    return names


def numbers():
    for value in (None, Ellipsis, NotImplemented, True, False):
        case(type(value).__name__, value)
    for bits in (0, 1, 14, 15, 16, 29, 30, 31, 32, 45, 60, 62, 63, 64, 65, 90, 128, 500, 650):
        for value in (2 ** bits, 2 ** bits - 1, -(2 ** bits), -(2 ** bits) + 1):
            case("int", value)
            case("int", long(value))
    case("int", 10 ** 199)
    case("int", 2 ** 700, "<int of 701 bits>")
    case("int", long(3) << 100000, "<int of 100002 bits>")
    case("int", -(long(1) << 100000), "<int of 100001 bits>")
    floats = [0.0, 1.0, 0.1, 1e16, 1e15, 9999999999999998.0, 1e22, 1e23, 123456789012345680.0, 1e-4, 1e-5, 0.00012345,
              1.5e300, 5e-324, 1.7976931348623157e308, 2.0 ** -44, 2.0 ** -1000, 2.0 / 3, 1e100, 12345.678, 100.0,
              4.35, 2.2250738585072014e-308, 2.0 ** 70, 1e300 * 1e10, 5e-5, 123.0, 1e5]
    for value in floats:
        case("float", value)
        case("float", -value)
        case("complex", complex(value, 1))
        case("complex", complex(0, -value))
        case("complex", complex(-value, value))
    nan = 1e300 * 1e10 * 0
    if sys.version_info >= (2, 6):
        case("float", nan, "nan")


def strings():
    plain = ["", "abc", "it's", 'say "x"', "both ' and \"", "back\\slash", "\n\r\t\0\x1b\x7f", "x" * 198, "x" * 199,
             "x" * 5000, "tab\there"]
    for text in plain:
        case("str", text)
        if sys.version_info >= (2, 6):
            case("bytes", text.encode("ascii"))
    wide = [(0xE9,), (0x20AC, 0x41), (0x1F600,), (0x61, 0xFF), (0x3C0,) * 150, (0x1F600,) * 60, (0x27, 0xE9), (0x5D0,)]
    for numbers in wide:
        text = unichr(0).join([]) + "".join([]).join([])
        for n in numbers:
            if n > sys.maxunicode:
                text = None
                break
            text += unichr(n)
        if text is None:
            continue
        quote = "'"
        if unichr(0x27) in text:
            quote = '"'
        prefix = ""
        if not NEW:
            prefix = "u"
        case("unicode", text, prefix + quote + text + quote)
    for n in (0x80, 0x9F, 0x200E, 0x202E, 0x2066, 0xFEFF, 0x2028, 0x61C, 0xD800, 0xDFFF, 0xA0, 0xAD, 0x200B, 0x3000,
              0x3164, 0xE000, 0xFE0F, 0xFFFF, 0xE0041, 0xE0100, 0xF0000, 0x10FFFF):
        if n > sys.maxunicode:
            continue
        text = "\\u%04x" % n
        if n > 0xFFFF:
            text = "\\U%08x" % n
        if n < 0x100:
            text = "\\x%02x" % n
        case("unicode", unichr(n), ["u", ""][NEW] + "'" + text + "'")
    if NEW:
        for n in (0xA0, 0xA1, 0xAD, 0x378, 0x600, 0x1680, 0x200B, 0x2000, 0xE000, 0xFFFF, 0xE0041, 0xF0000, 0x10FFFF):
            case("unicode", unichr(n))
    if not NEW:
        case("str", "\xe9\xff\x80")
        case("unicode", unichr(0x61) * 5, "u'aaaaa'")
    elif sys.version_info >= (3, 1):
        case("bytes", bytes(bytearray([0xE9, 0xFF, 0x80, 0x27])))


class Int(int):
    pass


class Float(float):
    pass


class Str(str):
    pass


def derived():
    case("int subclass", Int(5), "Int(5)")
    case("float subclass", Float(0.5), "Float(0.5)")
    case("str subclass", Str("a'b"), "Str(\"a'b\")")
    case("str subclass", Str("x" * 500), "Str('" + "x" * 500 + "')")


def containers():
    many = list(range(30))
    deep = [[[[1]]]]
    loop = [1]
    loop.append(loop)
    loop.append({1: loop})
    for value in ([], [1], [1, 2, "x"], list(range(10)), [[]], [[[]]], [[1], (2,), {3: 4}]):
        case("list", value)
    case("list", many, "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]")
    case("list", deep, "[[[[...]]]]")
    case("list", [[[{1: 2}, (), [], {}, (1,)]]], "[[[{...}, (), [], {}, (...)]]]")
    case("list", loop, "[1, [...], {1: [...]}]")
    case("list", ["x" * 100, "y" * 100])
    for value in ((), (1,), (1, 2), ((),), (None, (True,))):
        case("tuple", value)
    case("tuple", tuple(many), "(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...)")
    for value in ({}, {1: 2}, {"a": 1, "b": [2]}, {None: {}}, {(1, 2): {3: {4: 5}}}):
        case("dict", value)
    holed = {}
    for i in range(8):
        holed[i] = -i
    for i in (0, 3, 7):
        del holed[i]
    case("dict", holed)
    mixed = {"a": 1, 2: "b", 3.5: None, (): ()}
    case("dict", mixed)
    big = {}
    for i in range(1000):
        big["key%d" % i] = i
    keys = list(big)[:10]
    case("dict", big, "{" + ", ".join(["%r: %r" % (key, big[key]) for key in keys]) + ", ...}")
    loop = {}
    loop["self"] = loop
    case("dict", loop, "{'self': {...}}")
    sets = [set(), set([1]), set(["a", "b", None, 3]), frozenset(), frozenset([1, 2]), set(range(10))]
    holed = set(range(20))
    for i in range(14):
        holed.remove(i)
    holed.add("<dummy key>")
    if sys.version_info >= (2, 5):
        for value in sets + [holed]:
            case("set", value)
        text = ", ".join([repr(n) for n in list(set(range(100, 150)))[:10]])
        if NEW:
            case("set", set(range(100, 150)), "{%s, ...}" % text)
        else:
            case("set", set(range(100, 150)), "set([%s, ...])" % text)


def collections_of():
    import collections

    deques = [collections.deque(), collections.deque([1]), collections.deque(range(10))]
    moved = collections.deque()
    for i in range(200):
        moved.append(i)
    for i in range(195):
        moved.popleft()
    for i in range(4):
        moved.appendleft(-i)
    long = collections.deque(range(500))
    if sys.version_info[:2] == (2, 7) or sys.version_info >= (3, 6):
        for value in deques + [moved, collections.deque([1, 2], 5)]:
            case("deque", value)
        case("deque", long, "deque([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...])")
    if hasattr(collections, "defaultdict"):
        value = collections.defaultdict(int)
        value["a"] += 1
        case("defaultdict", value)
        case("defaultdict", collections.defaultdict(None, {1: 2}))
    if hasattr(collections, "OrderedDict") and sys.version_info >= (3, 5):
        value = collections.OrderedDict([("b", 1), ("a", 2), ("c", [3])])
        case("OrderedDict", value)
        value = collections.OrderedDict(value)
        value.move_to_end("b")
        case("OrderedDict", value)
        case("OrderedDict", collections.OrderedDict())
    if hasattr(collections, "namedtuple"):
        Point = collections.namedtuple("Point", "x y")
        case("namedtuple", Point(1, "two"))

        class Named(Point):
            pass
        case("namedtuple", Named(3, [4]), "Named(x=3, y=[4])")
    if NEW:
        import time
        case("structseq", time.gmtime(0))
        case("structseq", sys.version_info)
        case("structseq", sys.float_info.__class__, "<class 'sys.float_info'>")
        case("dict_keys", {1: 2, "a": 3}.keys())
        case("dict_values", {1: 2, "a": 3}.values())
        case("dict_items", {1: 2, "a": 3}.items())
    if sys.version_info >= (3, 3):
        case("namespace", code("import types; value = types.SimpleNamespace(a=1, b='x')")["value"])
        case("mappingproxy", code("import types; value = types.MappingProxyType({'a': 1})")["value"])
    if sys.version_info >= (3, 15):
        case("frozendict", code("value = frozendict(a=1)")["value"])
        case("frozendict", code("value = frozendict()")["value"])


def parts():
    for arguments in ((5,), (0,), (2, 9), (2, 9, 3), (9, 0, -2), (0, 10, 1), (7, 7)):
        if NEW:
            case("range", range(*arguments))
        else:
            case("xrange", xrange(*arguments))
    case("slice", slice(None))
    case("slice", slice(1, "x", -3))
    if sys.version_info >= (2, 6):
        for text in ("", "a'b", "x\n"):
            case("bytearray", bytearray(text.encode("ascii")))
        moved = bytearray("abcdefgh".encode("ascii"))
        del moved[:3]
        case("bytearray", moved)
        case("bytearray", bytearray(300), "bytearray(b'" + "\\x00" * 47 + "...")


def function(a, b=2):
    def inner():
        return a, b
    return inner


class Class(object):
    attribute = 1

    def method(self):
        yield 1

    def where(self):
        return self

    read = property(where)


def named():
    import weakref

    case("function", function)
    case("function", function(1))
    case("function", Class.__dict__["method"])
    case("builtin", len)
    case("builtin", [].append)
    case("builtin", os.getpid)
    thing = Class()
    kept.append(thing)
    text = "<__main__.Class at %s>" % hex(id(thing)).rstrip("L")
    for method in (thing.method, thing.where):
        if sys.version_info >= (3, 0):
            case("method", method, repr(method).split(" of ")[0] + " of " + text + ">")
        else:
            case("method", method, repr(method).split(" of ")[0] + " of " + text + ">")
    if not NEW:
        case("method", Class.where)
    case("module", os)
    case("module", sys)
    case("module", sys.modules["__main__"])
    case("code", getattr(function, "func_code", None) or function.__code__)
    case("generator", thing.method())
    case("cell", (getattr(function(1), "func_closure", None) or function(1).__closure__)[0])
    case("weakref", weakref.ref(thing))
    for value in (int, str, type, dict, Class, type(None), ValueError, type(function), weakref.ref):
        case("type", value)
    case("property", Class.__dict__["read"])
    if sys.version_info >= (3, 6):
        names = code("""
async def coroutine(): pass
async def agenerator(): yield 1
value = coroutine()
agen = agenerator()
""", __name__="made")
        case("coroutine", names["value"])
        case("async_generator", names["agen"])


class Wrong(ValueError):
    def __repr__(self):
        return "not called"


def exceptions():
    if sys.version_info < (2, 5):
        return
    for value in (ValueError(), ValueError("it's"), KeyError("k"), OSError(2, "No such file"), TypeError(1, [2]),
                  Exception("x", "y")):
        case("exception", value)
    case("exception", Wrong("x"), ["Wrong('x')", "Wrong('x',)"][sys.version_info < (3, 7)])


class Plain(object):
    pass


class Slots(object):
    __slots__ = ("a", "b")


class Both(Slots):
    def __repr__(self):
        raise SystemExit(1)


def objects():
    empty = Plain()
    case("object", empty, "<__main__.Plain at ADDRESS>")
    one = Plain()
    one.x = 1
    one.name = "n"
    case("object", one, "<__main__.Plain at ADDRESS: x=1, name='n'>")
    two = Plain()
    two.other = one
    two.items = [one]
    if sys.version_info >= (3, 6):
        address = hex(id(one))
        case("object", two, "<__main__.Plain at ADDRESS: other=<__main__.Plain at %s>, items=[<__main__.Plain at %s>]>"
             % (address, address))
    loop = Plain()
    loop.me = loop
    case("object", loop, "<__main__.Plain at ADDRESS: me=<__main__.Plain at ADDRESS>>")
    dicted = Plain()
    dicted.x = 1
    dicted.__dict__["y"] = 2
    if sys.version_info >= (3, 6):
        case("object", dicted, "<__main__.Plain at ADDRESS: x=1, y=2>")
        case("dict", dicted.__dict__)
        order = Plain()
        order.y = 1
        order.x = 2
        del order.y
        order.name = 3
        order.y = 4
        case("object", order, "<__main__.Plain at ADDRESS: x=2, name=3, y=4>")
        other = Plain()
        other.name = 1
        other.x = 2
        case("dict", vars(other))
    slots = Slots()
    slots.b = 2
    case("object", slots, "<__main__.Slots at ADDRESS: b=2>")
    both = Both()
    both.a = "A"
    both.c = 3
    case("object", both, "<__main__.Both at ADDRESS: a='A', c=3>")
    case("object", object(), "<object at ADDRESS>")
    case("object", iter([]), "<" + ["listiterator", "list_iterator"][NEW] + " at ADDRESS>")

    class Inner(object):
        __slots__ = ()
    if sys.version_info >= (3, 3):
        case("object", Inner(), "<__main__.objects.<locals>.Inner at ADDRESS>")
    else:
        case("object", Inner(), "<__main__.Inner at ADDRESS>")
    if not NEW:
        names = code("class Old: pass\nvalue = Old()", __name__="__main__")
        names["value"].x = 1
        case("old class", names["Old"])
        case("old instance", names["value"], "<__main__.Old instance at ADDRESS: x=1>")


def enums():
    try:
        import enum
    except ImportError:
        return
    if sys.version_info < (3, 4):
        return

    class Color(enum.Enum):
        RED = 1
        GREEN = "g"

    class Number(enum.IntEnum):
        ONE = 1

    case("enum", Color.RED)
    case("enum", Color.GREEN)
    case("enum", Number.ONE)
    if sys.version_info >= (3, 6):
        class Perm(enum.Flag):
            R = 4
            W = 2
        case("enum", Perm.R)


def dataclasses_of():
    if sys.version_info < (3, 7):
        return
    names = code("""
import dataclasses
@dataclasses.dataclass
class Point:
    x: int
    y: list
    secret: str = dataclasses.field(default="s", repr=False)
point = Point(1, [2, "three"])
@dataclasses.dataclass
class Line:
    a: Point
    b: object = None
line = Line(point)
""", __name__="made")
    case("dataclass", names["point"])
    case("dataclass", names["line"], "Line(a=<made.Point at %s>, b=None)" % hex(id(names["point"])))
    if sys.version_info >= (3, 10):
        case("dataclass", code("""
import dataclasses
@dataclasses.dataclass(slots=True)
class Point:
    x: int
    y: list
value = Point(1, [2])
""", __name__="made")["value"])


def numpy_of():
    try:
        import numpy
    except ImportError:
        return
    for value, dtype in ((numpy.zeros((3, 4)), "float64"), (numpy.arange(5), "int64"), (numpy.array(1.5), "float64"),
                         (numpy.zeros((2, 0, 7), dtype=numpy.uint8), "uint8"), (numpy.array(["a"]), "str"),
                         (numpy.zeros(3, dtype=complex), "complex128"), (numpy.array([None]), "object"),
                         (numpy.zeros(1, dtype=bool), "bool"), (numpy.zeros(1, dtype=numpy.float16), "float16")):
        case("ndarray", value, "<numpy.ndarray shape=%r dtype=%s at ADDRESS>" % (value.shape, dtype))
    for name, value in (("int64", -5), ("int8", -128), ("uint16", 65535), ("uint64", 2 ** 64 - 1), ("float32", 0.1),
                        ("float64", 0.1), ("int32", 7)):
        case("numpy scalar", getattr(numpy, name)(value), "numpy.%s(%r)" % (name, value))
    case("numpy scalar", numpy.bool_(True), "numpy.bool_(True)")


def echo():
    os.write(OUT, encoded("!"))
    while True:
        byte = os.read(IN, 1)
        if len(byte) != 1:
            break
        os.write(OUT, byte)


for make in (numbers, strings, derived, containers, collections_of, parts, named, exceptions, objects, enums,
             dataclasses_of, numpy_of):
    make()
out = open(sys.argv[1], "wb")
for line in lines:
    out.write(line)
out.close()
echo()
