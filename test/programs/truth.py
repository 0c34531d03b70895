"""Every thread's stack by the interpreter's own account: the truth with which the live tests compare.

A scene blocks in os.read(truth.fd(), 1), on one line or over several, so only sys._current_frames() has the right line,
if called while the kernel shows all threads in that read. Another thread, the watcher, calls it. The
watcher writes the truth file (argv[1]) and one byte to OUT, and then echoes its input.

Truth file:    thread TID KERNEL-NAME
               called NAME                                              the name that threading has, if any
               interp 1,0                                               if there is more than one interpreter
               + [ file:line (name) ] TAB [ file:line (qualname) ]      innermost first
The sign is how the frame was entered: + from C, = from Python without C between, . unknown.
Environment: PYSTACK_TEST_FDS=IN,OUT.  PYSTACK_TEST_ALONE=1: no watcher, the only thread writes its own truth.
"""
import io
import os
import re
import sys
import threading
import time

try:
    from threading import get_ident
except ImportError:  # Python 2
    from thread import get_ident
now = getattr(time, "monotonic", time.time)

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
ALONE = bool(os.environ.get("PYSTACK_TEST_ALONE"))
PATH = sys.argv[1]
DEADLINE = 30.0
READ, GETTID = (0, 186) if sys.maxsize > 1 << 32 else (3, 224)  # numbers of system calls: x86-64, i386

_blocked = {}  # ident: TID of the threads that asked for the descriptor to block in
_expected = []  # callables that must return True before the truth is taken
_told = {}  # TID: the argument of tell()
_never, _never_write = os.pipe()


def _characters(text):
    """Decode a name of Python 2, which is bytes: UTF-8, or for other bytes the text that pystack prints."""
    if isinstance(text, type(u"")):
        return text
    at, out = 0, []
    while at < len(text):
        for n in (1, 2, 3, 4):
            try:
                out.append(text[at:at + n].decode("utf-8"))
                break
            except UnicodeDecodeError:
                pass
        else:
            n = 1
            out.append("\\x%02x" % ord(text[at]))
        at += n
    return out


def escape(text):
    """Escape text by the rules of the output, written independently of lib/."""
    out = []
    for c in _characters(text):
        n = ord(c) if len(c) == 1 else 0
        if len(c) > 1:
            out.append(c)
        elif n < 0x20 or 0x7F <= n <= 0x9F:
            out.append("\\x%02x" % n)
        elif (0xD800 <= n <= 0xDFFF or n in (0x61C, 0x200E, 0x200F, 0xFEFF) or 0x2028 <= n <= 0x202E
              or 0x2066 <= n <= 0x2069):
            out.append("\\u%04x" % n)
        else:
            out.append("\\\\" if c == "\\" else c)
    return u"".join(out)


def name_of(text):
    """Escape a function's name so that nothing in it looks like the place of a frame."""
    return re.sub(u":([0-9]+) [(]", u":\\1 \\\\x28", escape(text))


def trampolines():
    """True if -X perf or PYTHONPERFSUPPORT=1 is set: each call of Python has its own code and activation."""
    return getattr(sys, "is_stack_trampoline_active", bool)()


def _sign(code):
    if code.co_filename.endswith("pyexpat.c"):
        return "+"  # up to 3.3 C code makes a frame by hand, and the frame is printed after it
    if sys.version_info < (3, 11) or code.co_name.startswith("c_") or code.co_name == "<module>":
        return "+"
    return "=" if code.co_name.startswith("p_") and not trampolines() else "."


def _line(code, line, sign=None):
    names = code.co_name, getattr(code, "co_qualname", code.co_name)
    return u"%s %s\n" % (sign or _sign(code), u"\t".join(
        u"[ %s:%d (%s) ]" % (escape(code.co_filename), line, name_of(name)) for name in names))


def _stack(frame):
    lines = []
    while frame is not None:
        lines.append(_line(frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return lines


def _read(path):
    try:
        with io.open(path, encoding="utf-8", errors="replace") as f:
            return f.read().rstrip("\n")
    except OSError:
        return ""


def _publish(stacks):
    """Write the truth. stacks: TID -> lines. Every task is listed, without lines if it does not run Python."""
    errors = "strict" if bytes is str else "surrogatepass"
    with io.open(PATH + ".new", "w", encoding="utf-8", errors=errors) as f:
        for tid in sorted(int(t) for t in os.listdir("/proc/self/task")):
            f.write(u"thread %d %s\n" % (tid, _read("/proc/self/task/%d/comm" % tid)))
            f.writelines(stacks.get(tid, ()))
    os.rename(PATH + ".new", PATH)
    os.write(OUT, b"!")


def _tid():
    if hasattr(threading, "get_native_id"):
        return threading.get_native_id()
    import c_library
    return c_library.load().syscall(GETTID)


def start(target, name=None, args=()):
    thread = threading.Thread(target=target, name=name, args=args)
    thread.daemon = True
    thread.start()


def fd(up=1):
    """Return the descriptor to block on; nothing ever comes. Alone, the frame `up` levels up is the innermost."""
    if ALONE:
        _publish({os.getpid(): _stack(sys._getframe(up))})
    else:
        _blocked[get_ident()] = _tid()
    return _never


def publish_frames(frames, interps=None):
    """Like fd(), with the only thread's truth by hand: (code, line) or (code, line, sign), innermost first."""
    said = [] if interps is None else [u"interp %s\n" % interps]
    _publish({os.getpid(): said + [_line(*frame) for frame in frames]})
    return _never


def lines_of(frames):
    return [_line(code, line) for code, line in frames]


def tell(tid, lines):
    """Give the lines of a thread that are known by other means."""
    _told[tid] = lines


def stop():
    """Block here, for scenes that end in a Python call."""
    os.read(fd(), 1)


def expect(condition):
    _expected.append(condition)


def in_read(tid):
    return _read("/proc/self/task/%d/syscall" % tid).startswith("%d 0x%x " % (READ, _never))


def sleeps(tid):
    return not _read("/proc/self/task/%d/syscall" % tid).startswith("running")


def called(ident):
    """Return the truth about the name of a thread: a list, empty if threading does not know it."""
    thread = threading._active.get(ident)
    if thread is None:
        return []
    return [u"called %s\n" % escape(thread.getName() if sys.version_info < (2, 6) else thread.name).replace(
        u"[", u"\\x5b").replace(u'"', u"\\x22")]


def _settled(count):
    tids = list(_blocked.values())
    return len(tids) == count and all(in_read(t) for t in tids) and all(ok() for ok in _expected)


def _take(count):
    """Take the truth on the line of the watcher's own read, so that its own frames are right too."""
    end = now() + DEADLINE
    while not _settled(count):
        if now() > end:
            os.write(2, b"truth: the scenes did not come to rest: %d of %d\n" % (len(_blocked), count))
            os._exit(3)
        time.sleep(0.001)
    frames = sys._current_frames()
    stacks = {tid: _stack(frames[ident]) for ident, tid in _blocked.items() if ident in frames}
    stacks[_tid()] = _stack(sys._getframe(1))
    idents = dict((tid, ident) for ident, tid in _blocked.items())
    for tid in stacks:
        stacks[tid] = called(idents.get(tid, get_ident())) + ([u"interp 0\n"] if _told else []) + stacks[tid]
    stacks.update(_told)
    frames = None
    _publish(stacks)
    return IN


def _echo(count):
    taken = False
    while True:
        data = os.read(IN if taken else _take(count), 1)
        taken = True
        if not data:
            os._exit(0)
        os.write(OUT, data)


def watch(count):
    """Start the watcher; count threads will ask for fd()."""
    if not ALONE:
        start(_echo, "watcher", (count,))
