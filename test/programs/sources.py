"""Frames whose source lines are told.   sources.py TRUTH

Modules are written to the working directory and run, each in a thread that ends in `stop`, which tells of its
callers and blocks. TRUTH gets lines: "thread TID"; for each frame, innermost first, "frame FUNCTION", then
"src GUTTER TEXT" for each line that pystack prints below it. Lines are linecache's, columns those of co_positions();
where traceback marks a line, its marks must be the same. Then a byte goes to the second of the descriptors
PYSTACK_TEST_FDS; until the first is closed, bytes are echoed.
"""
import ctypes
import io
import linecache
import os
import sys
import time
import traceback
import unicodedata
import zipfile

try:
    import thread
except ImportError:
    import _thread as thread

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
GETTID = 186 if sys.maxsize > 1 << 32 else 224
LIBC = ctypes.CDLL(None)
NEVER = os.pipe()[0]
NEW = sys.version_info >= (3,)
COLUMNS = sys.version_info >= (3, 11)
OLD = 10 ** 9  # a time before this process
LINES = 4
CWD = os.getcwd()
told = []
doubts = {}  # a file's name -> why its lines may be others; "": it has none
files = {}  # a file's name -> its lines, where they are not linecache's


def path_of(name):
    return os.path.join(CWD, name)


def write(name, text, encoding="utf-8", written=OLD):
    with io.open(path_of(name), "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode(encoding))
    os.utime(path_of(name), (written, written))


def is_blank(c):
    return c in u" \t\f"


def escaped(c):
    n = ord(c)
    if c == u"\t":
        return c, c, c
    if n < 0x20 or 0x7F <= n <= 0x9F:
        return u"\\x%02x" % n, u" " * 4, u"^" * 4
    if 0x202A <= n <= 0x202E:
        return u"\\u%04x" % n, u" " * 6, u"^" * 6
    width = 0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
    return c, u" " * width, u"^" * width


def shown(line, start, mark, end):
    """The line from `start` on, and the marks below its bytes from mark to end."""
    text = marks = u""
    at = 0
    for i, c in enumerate(line):
        if i >= start:
            whole, none, marked = escaped(c)
            text += whole
            marks += marked if mark <= at < end else none
        at += len(c.encode("utf-8", "surrogatepass"))
    return text, marks.rstrip()


def bounds(lines, position):
    """For each line the bytes from where to where are marked, and whether that is not all of some."""
    line, end_line, column, end_column = position
    found, partly = [], False
    for i, text in enumerate(lines):
        first = len(text) - len(text.lstrip(u" \t\f"))
        length = len(text.rstrip(u" \t\f").encode("utf-8", "surrogatepass"))
        mark = column if i == 0 else first
        end = min(end_column, length) if line + i == end_line else length
        partly = partly or mark > first or end < length
        found.append((mark, end))
    return found if partly else [(0, 0)] * len(lines)


def position_of(frame):
    code = frame.f_code
    if COLUMNS:
        line, end_line, column, end_column = list(code.co_positions())[frame.f_lasti // 2]
        if line == frame.f_lineno and end_line is not None:
            return line, end_line, column, end_column
    return frame.f_lineno, frame.f_lineno, None, None


def text_of(line):
    line = line.rstrip("\r\n")
    return line if not isinstance(line, bytes) else line.decode("utf-8")


def check_traceback(frame, line, marks):
    """traceback of 3.11 and 3.12 marks lines as we do, but for operators."""
    if sys.version_info[:2] not in ((3, 11), (3, 12)) or not line.isascii() or not line.isprintable() or not marks:
        return
    _, end_line, column, end_column = position_of(frame)
    one = traceback.FrameSummary(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name,
                                 end_lineno=end_line, colno=column, end_colno=end_column)
    said = traceback.StackSummary.from_list([one]).format()[0].split("\n")
    if len(said) > 2 and "^" in said[2] and said[2].replace("~", "^")[4:] != marks:
        raise AssertionError((said, marks))


def common(texts):
    """The start of all."""
    n = 0
    while texts and all(len(text) > n and text[n] == texts[0][n] for text in texts):
        n += 1
    return texts[0][:n] if texts else u""


def source_of(frame):
    name = frame.f_code.co_filename
    doubt = doubts.get(name)
    if name[0] == "<" or doubt == "":  # there is no file
        return []
    position = position_of(frame)
    all_lines = files[name] if name in files else linecache.getlines(name, frame.f_globals)
    lines = [text_of(line) for line in all_lines[position[0] - 1:position[1]]]
    short = len(lines) < position[1] - position[0] + 1
    more = len(lines) > LINES
    lines = lines[:LINES]
    marked = [(0, 0)] * len(lines)
    if position[2] is not None and not short and doubt != "other":
        marked = bounds(lines, position)
    gutter = u"? " if doubt or short else u"| "
    blanks = common([line[:len(line) - len(line.lstrip(u" \t\f"))] for line in lines if line.strip()])
    out = []
    for line, (mark, end) in zip(lines, marked):
        text, marks = shown(line, len(blanks) if line.strip() else min(len(blanks), len(line)), mark, end)
        if len(lines) == 1:
            check_traceback(frame, line, marks)
        out.append(gutter + text)
        if mark < end and marks:
            out.append(gutter + marks)
    if more:
        out.append(gutter + u"...")
    if short:
        out.append(gutter + u"(the file has no such line)")
    return out


def stop(*_):
    said = [u"thread %d\n" % LIBC.syscall(GETTID)]
    frame = sys._getframe(1)
    while frame is not None:
        said.append(u"frame %s\n" % frame.f_code.co_name)
        said.extend(u"src %s\n" % line for line in source_of(frame))
        frame = frame.f_back
    told.append(u"".join(said))
    os.read(NEVER, 1)


PLAIN = u"""
def decorated(f):
    return f


@decorated
def first(a):
    x = [second(a), 1]; y = 2
    return x, y


def second(a, *rest):
    return (lambda b: third(b,
                            rest))(a)


class Held:
    def third(self, b):
        return [stop_here(n) for n in (b,)]


def third(b, rest):
    class Body:
        value = Held().third(b) + [1]


def stop_here(n):
    def inside():
        stop(
            1,
            2,

            3,
            4)
    1 + (inside() or 0)


first(1)
"""
SHORT = u"""
def f(a):
    b = [a]
    %s(b, stop(a))


f(1)
"""
WIDE = u"""# coding: %s
def f(a):
\tb = u'%s' + stop(u'%s')


def g(): return [f(u'%s'), 1]
g()
"""


def run(name, text=None):
    """Run the module."""
    space = {"stop": stop, "__name__": "scene"}
    eval(compile(text or io.open(path_of(name), "rb").read(), path_of(name), "exec"), space)


def changed(name, doubt, lines=None, **space):
    """Run a module whose file is another by the time that it stops. lines: of that file; None: it has none."""
    text = SHORT % "len"
    write(name, text)
    doubts[path_of(name)] = doubt
    if lines is not None:
        files[path_of(name)] = lines
    else:
        doubts[path_of(name)] = ""
    run(name, text)


def in_zip(method):
    name = path_of("packed%d.zip" % method)
    with zipfile.ZipFile(name, "w", method) as z:
        z.writestr("pkg/__init__.py", "")
        z.writestr("pkg/member.py", PLAIN.replace("\nfirst(1)", "\ndef go(with_stop):\n    global stop\n    stop = with_stop\n    return first(1)"))
    os.utime(name, (OLD, OLD))
    sys.path.insert(0, name)
    for module in ("pkg", "pkg.member"):
        sys.modules.pop(module, None)
    import pkg.member
    sys.path.remove(name)
    return pkg.member.go


def replace(name, make):
    """Put something else in the place of a file."""
    os.unlink(path_of(name))
    make(path_of(name))


def sparse(path):
    with open(path, "wb") as f:
        f.truncate(17 << 20)
    os.utime(path, (OLD, OLD))


def add_plain():
    write("plain.py", PLAIN)
    write("crlf.py", PLAIN.replace(u"\n", u"\r\n"))
    scenes.append(lambda: run("plain.py"))
    scenes.append(lambda: run("crlf.py"))
    scenes.append(lambda: eval(compile(SHORT % "len", "<string>", "exec"), {"stop": stop}))


def add_encoded():
    wide = u"\u4e2d\u6587 \xe9"
    write("wide.py", WIDE % ("utf-8", wide, wide, wide))
    write("latin.py", WIDE % ("latin-1", u"\xe9\xe8", u"\xff", u"\xe0"), "latin-1")
    write("koi.py", WIDE % ("koi8-r", u"\u0444\u044b", u"\u0432", u"\u0430"), "koi8-r")
    hostile = u"\x1b[31m\x07\u202e\x9b"
    write("hostile.py", WIDE % ("utf-8", hostile, hostile, hostile))
    write("bom.py", u"\ufeff" + PLAIN)
    for name in ("wide.py", "latin.py", "koi.py", "hostile.py", "bom.py"):
        # The C library may lack the encoding in the root where a core is read.
        if name == "koi.py" and sys.argv[2:] == ["core"]:
            continue
        scenes.append(lambda name=name: run(name))


def add_changed():
    later = SHORT % "len"
    other = later.replace(u"def f(a)", u"def other(a)")
    scenes.append(lambda: changed("short.py", None, [u"\n", u"def f(a):\n"]))
    scenes.append(lambda: changed("other.py", "other", other.splitlines(True)))
    scenes.append(lambda: changed("newer.py", "newer", later.splitlines(True)))
    for name in ("absent.py", "fifo.py", "kernel.py", "huge.py"):
        scenes.append(lambda name=name: changed(name, ""))


def change():
    write("short.py", u"\ndef f(a):\n")
    write("other.py", (SHORT % "len").replace(u"def f(a)", u"def other(a)"))
    write("newer.py", SHORT % "len", written=time.time() + 10 ** 6)
    replace("absent.py", lambda path: None)
    replace("fifo.py", os.mkfifo)
    replace("kernel.py", lambda path: os.symlink("/proc/version", path))
    replace("huge.py", sparse)


def add_relative():
    write("relative.py", SHORT % "len")
    doubts["relative.py"] = "relative"
    files["relative.py"] = (SHORT % "len").splitlines(True)
    scenes.append(lambda: eval(compile(SHORT % "len", "relative.py", "exec"), {"stop": stop}))


scenes = []
add_plain()
add_changed()
if NEW:
    add_encoded()
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        try:
            go = in_zip(kind)
        except Exception:
            continue  # built without zlib
        scenes.append(lambda go=go: go(stop))
if sys.argv[2:] != ["core"]:
    add_relative()


def begin(scene):
    try:
        scene()
    except BaseException:
        sys.stderr.write(traceback.format_exc())
        os._exit(1)


for one in scenes:
    thread.start_new_thread(begin, (one,))
while len(told) < len(scenes):
    time.sleep(0.01)
change()
with io.open(sys.argv[1], "w", encoding="utf-8", newline="\n") as out:
    out.write(u"".join(told))
os.write(OUT, b"!")
while True:
    byte = os.read(IN, 1)
    if not byte:
        break
    os.write(OUT, byte)
