"""random_lines.py SEED N    Write line tables of N random functions, and what CPython makes of them.

For each code object:
    code KIND FIRST TABLE       KIND: unsigned, signed, ranges, locations (CPython's kinds of tables)
    FROM TO LINE                the line of offsets FROM to TO-1; -1: no line
    FROM TO LINE END COL COL    the same with positions of 3.11 and later; -1: none
The last line is `end N`, the number of code objects. All versions from 2.4 on run this file.
"""
import binascii
import dis
import random
import sys
import warnings

VERSION = sys.version_info[:2]
LONG = 30  # one of so many gaps is a long one


class Maker:
    """Writes a function. A statement may be refused by the version's compiler: then all of it is."""

    def __init__(self, rng):
        self.rng = rng
        self.lines = []
        self.is_async = False

    def below(self, n):
        return self.rng.randrange(n)

    def pick(self, things):
        return things[self.below(len(things))]

    def gap(self):
        """Empty lines, some more than a step of a table can say."""
        if self.below(LONG) == 0:
            return "\n" * self.pick([127, 128, 129, 255, 256, 300, 1000, 40000])
        return "\n" * self.pick([0, 0, 0, 0, 1, 2, 5])

    def inner(self):
        """White space where a line may end: between brackets."""
        return self.pick(["", "", "", " ", "\n", "\n  ", "  \n\n"]) + (self.below(LONG) == 0 and self.gap() or "")

    def name(self):
        return self.pick(["a", "b", "c", "d", "value", "e" * (1 + self.below(90))])

    def items(self, depth, end=","):
        out = self.inner()
        for _ in range(1 + self.below(4)):
            out += self.expression(depth - 1) + self.inner() + end + self.inner()
        return out

    def expression(self, depth):
        if depth <= 0:
            return self.pick([self.name(), "%d" % self.below(1000), "'text'", "None"])
        kinds = [self.call, self.binary, self.compare, self.display, self.comprehension, self.attribute,
                 self.function]
        if VERSION >= (2, 5):
            kinds.append(self.choice)
        if VERSION >= (3, 6):
            kinds.append(self.format)
        if VERSION >= (3, 8):
            kinds.append(self.walrus)
        if self.is_async:
            kinds.append(self.waiting)
        return self.pick(kinds)(depth)

    def call(self, depth):
        return "%s(%s%s)" % (self.name(), self.items(depth), self.pick(["", "*a", "**b", "k=" + self.name()]))

    def binary(self, depth):
        op = self.pick(["+", "-", "*", "%", "<<", "and", "or", "|"])
        return "(%s%s %s%s %s)" % (self.inner(), self.expression(depth - 1), op, self.inner(), self.expression(depth - 1))

    def compare(self, depth):
        parts = [self.expression(depth - 1) for _ in range(3)]
        return "(%s < %s%s <= %s)" % (parts[0], parts[1], self.inner(), parts[2])

    def display(self, depth):
        begin, end = self.pick([("[", "]"), ("(", ")")])
        return begin + self.items(depth) + end

    def comprehension(self, depth):
        begin, end = self.pick([("[", "]"), ("(", ")")])
        word = self.is_async and self.pick(["for", "async for"]) or "for"
        return "%s%s%s %s x in %s%s if %s%s" % (begin, self.expression(depth - 1), self.inner(), word, self.inner(),
                                               self.name(), self.expression(depth - 2), end)

    def attribute(self, depth):
        return "%s.%s[%s:%s%s]" % (self.name(), self.name(), self.name(), self.inner(), self.expression(depth - 2))

    def function(self, depth):
        return "(lambda x, y=%s:%s%s)" % (self.name(), self.inner(), self.expression(depth - 1))

    def choice(self, depth):
        parts = [self.expression(depth - 1) for _ in range(3)]
        return "(%s%s if %s else%s %s)" % (parts[0], self.inner(), parts[1], self.inner(), parts[2])

    def format(self, depth):
        return "(f'{%s!r:>{%s}} text'%s f'{%s}')" % (self.name(), self.name(), self.inner(), self.name())

    def walrus(self, depth):
        return "(w := %s%s)" % (self.inner(), self.expression(depth - 1))

    def waiting(self, depth):
        return "(await%s %s)" % (self.inner(), self.expression(depth - 1))

    def put(self, indent, text):
        self.lines.append(self.gap() + " " * indent + text + "\n")

    def block(self, indent, depth):
        for _ in range(1 + self.below(3)):
            self.statement(indent + 1, depth - 1)

    def statement(self, indent, depth):
        simple = [self.assign, self.assign, self.call_statement, self.leave, self.refuse, self.unpack]
        kinds = [self.branch, self.loop, self.attempt, self.final, self.nested, self.klass, self.repeat]
        if VERSION >= (2, 6):
            kinds.append(self.context)
        if VERSION >= (3, 6):
            kinds.append(self.coroutine)
        if VERSION >= (3, 10):
            kinds.append(self.match)
        if VERSION >= (3, 11):
            kinds.append(self.group)
        if depth <= 0 or self.below(2) == 0:
            self.pick(simple)(indent)
        else:
            self.pick(kinds)(indent, depth)

    def assign(self, indent):
        self.put(indent, "%s %s %s" % (self.name(), self.pick(["=", "+="]), self.expression(3)))

    def call_statement(self, indent):
        self.put(indent, self.call(3))

    def leave(self, indent):
        words = ["return ", "return ", "assert "]
        if VERSION >= (2, 5) and not self.is_async:
            words.append("yield ")
        self.put(indent, "if %s: %s%s" % (self.name(), self.pick(words), self.expression(2)))

    def refuse(self, indent):
        self.put(indent, "if %s: raise %s" % (self.expression(1), self.call(1)))

    def unpack(self, indent):
        self.put(indent, "a, (b, c), d.e = %s" % self.expression(2))

    def branch(self, indent, depth):
        self.put(indent, "if %s:" % self.expression(2))
        self.block(indent, depth)
        self.put(indent, "elif %s:" % self.expression(2))
        self.block(indent, depth)
        self.put(indent, "else:")
        self.block(indent, depth)

    def loop(self, indent, depth):
        word = self.is_async and self.pick(["for", "async for"]) or "for"
        self.put(indent, self.pick(["while %s:", word + " x in %s:"]) % self.expression(2))
        self.block(indent, depth)
        self.put(indent + 1, "if %s: %s" % (self.name(), self.pick(["break", "continue"])))
        self.block(indent, depth)

    def attempt(self, indent, depth):
        self.put(indent, "try:")
        self.block(indent, depth)
        self.put(indent, "except (ValueError,%s TypeError):" % self.inner())
        self.block(indent, depth)
        self.put(indent, "else:")
        self.block(indent, depth)

    def final(self, indent, depth):
        self.put(indent, "try:")
        self.block(indent, depth)
        self.put(indent, "finally:")
        self.block(indent, depth)

    def nested(self, indent, depth):
        before, self.is_async = self.is_async, False
        if self.below(2):
            self.put(indent, "@" + self.name())
        self.put(indent, "def inner(a,%s b=%s):" % (self.inner(), self.expression(1)))
        self.block(indent, depth)
        self.is_async = before

    def klass(self, indent, depth):
        before, self.is_async = self.is_async, False
        self.put(indent, "class K(%s):" % self.name())
        self.put(indent + 1, "'''Words.'''")
        self.nested(indent + 1, depth)
        self.is_async = before

    def repeat(self, indent, depth):
        """More code than a jump without a prefix passes over."""
        self.put(indent, "while %s:" % self.name())
        for _ in range(100):
            self.put(indent + 1, "%s = a.b(c) + d[%d]" % (self.name(), self.below(9)))

    def context(self, indent, depth):
        word = self.is_async and self.pick(["with", "async with"]) or "with"
        self.put(indent, "%s %s as x:" % (word, self.expression(2)))
        self.block(indent, depth)

    def coroutine(self, indent, depth):
        before, self.is_async = self.is_async, True
        self.put(indent, "async def inner(a, *, b=%s):" % self.expression(0))
        self.block(indent, depth)
        self.is_async = before

    def match(self, indent, depth):
        self.put(indent, "match %s:" % self.expression(2))
        for pattern in ["[1, x,%s *_]", "{'k': v,%s **rest}", "int(real=%s 3) | None"]:
            self.put(indent + 1, "case %s:" % (pattern % self.inner()))
            self.block(indent + 1, depth)
        self.put(indent + 1, "case _ if %s:" % self.expression(1))
        self.block(indent + 1, depth)

    def group(self, indent, depth):
        self.put(indent, "try:")
        self.block(indent, depth)
        self.put(indent, "except* OSError as e:")
        self.put(indent + 1, self.call(2))

    def make(self):
        self.put(0, "def outer(a, b):")
        if self.below(4) == 0:
            self.put(1, "'''Words.\n\nMore.'''")
        for _ in range(1 + self.below(6)):
            self.statement(1, 3)
        return "".join(self.lines)


def kind():
    if VERSION >= (3, 11):
        return "locations"
    if VERSION >= (3, 10):
        return "ranges"
    return VERSION >= (3, 6) and "signed" or "unsigned"


def ranges_of(code):
    """(from, to, line ...) of a code object by CPython's own iterators."""
    if VERSION >= (3, 11):
        out = []
        for i, (line, end, column, end_column) in enumerate(code.co_positions()):
            place = tuple([c is None and -1 or c for c in (line, end, column, end_column)])
            if out and out[-1][2:] == place:
                out[-1] = (out[-1][0], 2 * i + 2) + place
            else:
                out.append((2 * i, 2 * i + 2) + place)
        return out
    if VERSION >= (3, 10):
        return [(start, end, line is None and -1 or line) for start, end, line in code.co_lines()]
    starts = list(dis.findlinestarts(code))
    ends = [start for start, _ in starts[1:]] + [len(code.co_code)]
    return [(start, end, line) for (start, line), end in zip(starts, ends)]


def asker():
    """PyCode_Addr2Line, which tracebacks use; None: it cannot be called here."""
    try:
        import ctypes
        function = ctypes.pythonapi.PyCode_Addr2Line
        function.argtypes = [ctypes.py_object, ctypes.c_int]
    except (ImportError, AttributeError):
        return None
    return function


def check(ask, code, ranges):
    """The version's two ways must agree, or there is no truth."""
    for found in ranges:
        for at in (found[0], found[1] - 1 - (VERSION >= (3, 6))):
            line = ask(code, at)
            if line != found[2]:
                sys.exit("PyCode_Addr2Line says %d, not %d, at %d of %r" % (line, found[2], at, code))


def hexadecimal(data):
    text = binascii.hexlify(data)
    return isinstance(text, str) and text or text.decode("ascii")


class Writer:
    def __init__(self):
        self.ask = asker()
        self.n = 0

    def write(self, code):
        table = VERSION >= (3, 10) and code.co_linetable or code.co_lnotab
        ranges = ranges_of(code)
        if self.ask is not None:
            check(self.ask, code, ranges)
        sys.stdout.write("code %s %d %s\n" % (kind(), code.co_firstlineno, hexadecimal(table)))
        for found in ranges:
            sys.stdout.write(" ".join(["%d" % number for number in found]) + "\n")
        self.n += 1
        for inner in code.co_consts:
            if hasattr(inner, "co_code"):
                self.write(inner)


def varint(value):
    out = []
    while value >= 64:
        out.append(0x40 | value & 63)
        value >>= 6
    return out + [value]


def signed(value):
    return varint(value < 0 and (-value << 1 | 1) or value << 1)


def entry(rng, form, units):
    """An entry of a table of locations, in that form."""
    step = rng.choice([-1, 1]) * rng.choice([0, 1, 31, 32, 33, 300, 70000])
    column, width = rng.randrange(80), rng.randrange(16)
    body = []
    if form < 10:
        body = [rng.randrange(128)]
    elif form < 13:
        body = [column, column + width]
    elif form == 13:
        body = signed(step)
    elif form == 14:
        body = signed(step) + varint(rng.choice([0, 1, 64, 5000]))
        body += rng.choice([[0, 0], varint(column * 70 + 1) + varint(column * 70 + 1 + width)])
    return [0x80 | form << 3 | units - 1] + body


def random_table(rng, size):
    """A sound table for `size` bytes of code, in forms that a compiler seldom writes."""
    out = []
    while size > 0:
        if VERSION >= (3, 11):
            units = rng.randrange(1, min(8, size // 2) + 1)
            out += entry(rng, rng.randrange(16), units)
            size -= 2 * units
        else:
            step = 2 * rng.randrange(0, 128)
            out += [VERSION >= (3, 10) and min(step, size) or step, rng.randrange(256)]
            size -= step
    return bytes(out)


def write_made(writer, rng, code):
    """The same code with another table: from 3.8 on it can be given one."""
    table = random_table(rng, len(code.co_code))
    names = VERSION >= (3, 10) and {"co_linetable": table} or {"co_lnotab": table}
    writer.write(code.replace(co_firstlineno=5000000, co_consts=(), **names))


def main(seed, n):
    warnings.simplefilter("ignore")
    rng = random.Random(seed)
    writer = Writer()
    refused = 0
    for _ in range(n):
        source = Maker(rng).make()
        try:
            code = compile(source, "x", "exec")
        except SyntaxError:
            refused += 1
            continue
        writer.write(code)
        if hasattr(code, "replace"):
            write_made(writer, rng, code.co_consts[0])
    if refused > n // 2:
        sys.exit("%d of %d functions are no Python" % (refused, n))
    sys.stdout.write("end %d\n" % writer.n)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
