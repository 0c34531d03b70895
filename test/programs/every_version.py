"""Ways into Python in the syntax common to all versions from 2.4 on.   every_version.py TRUTH

Each runs in a thread that writes its own stack and blocks in a read on the same line; main is the last. truth.py, which
needs 2.7 or 3.6, explains the file and the names.
"""
import os
import sys
import time

try:
    import thread
except ImportError:
    import _thread as thread

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
NEVER = os.pipe()[0]
WAYS = []
told = []  # the lines of each stack, in the order in which they were written


def way(f):
    WAYS.append(f)
    return f


def line_of(frame):
    code, sign = frame.f_code, "."
    if sys.version_info < (3, 11) or code.co_name[:2] == "c_" or code.co_name == "<module>":
        sign = "+"
    elif code.co_name[:2] == "p_" and not getattr(sys, "is_stack_trampoline_active", bool)():
        sign = "="
    return "%s %s\n" % (sign, "\t".join([
        "[ %s:%d (%s) ]" % (code.co_filename, frame.f_lineno, name)
        for name in (code.co_name, getattr(code, "co_qualname", code.co_name))]))


def stack_of(frame):
    lines = []
    while frame is not None:
        lines.append(line_of(frame))
        frame = frame.f_back
    return "".join(lines)


def tell():
    """Return a descriptor from which nothing ever comes. The caller's frame becomes the innermost one."""
    told.append(stack_of(sys._getframe(1)))
    return NEVER


def c_leaf(*args):
    os.read(tell(), 1)
    return 0


def p_leaf(*args):
    c = args
    os.read(tell(), 1)
    return c


@way
def c_map():
    def c_item(x):
        return p_leaf(x)
    return list(map(c_item, [1]))


@way
def c_sorted():
    return sorted([3], key=c_leaf)


@way
def c_init():
    class Thing(object):
        def __init__(self, x):
            p_leaf(x)
    return Thing(1)


@way
def c_classic():
    class Thing:
        def __getattr__(self, name):
            if name == "anything":
                return p_leaf(name)
            raise AttributeError(name)
    return Thing().anything


@way
def c_class_body():
    class Thing(object):
        p_leaf()
    return Thing


def numbers(n):
    for i in range(n):
        yield i
    p_leaf()


def delegating(n):
    for x in numbers(n):
        yield x


@way
def c_generators():
    return [x for x in delegating(200)]


@way
def c_expression():
    return sum((p_leaf(x) for x in (1, 2)))


@way
def c_recursion():
    def p_down(n):
        if n:
            return p_down(n - 1)
        return p_leaf()
    p_down(60)


@way
def c_deep():
    def c_down(n):
        if n:
            return list(map(c_down, [n - 1]))
        return p_leaf()
    list(map(c_down, [40]))


@way
def c_lines():
    return max(
        1,
        len(str(
            os.read(tell(), 1)
        )),
        2,
    )


@way
def c_code():
    """Large line numbers and offsets, under a name that no file has."""
    text = "def p_far(f, x):\n" + "".join(["    x = x + %d; x = (x,\n\n\n x)[1]\n" % i for i in range(300)])
    text += "\n" * 70000 + "    (f(" + "\n" * 300 + "     x))\n    return f\n"
    space = {}
    eval(compile(text, "  [ a.py:1 (b) ]", "exec"), space)
    space["p_far"](p_leaf, 1)


@way
def c_handled():
    try:
        try:
            raise ValueError
        finally:
            try:
                raise KeyError
            except KeyError:
                p_leaf()
    except ValueError:
        pass


@way
def c_lambda():
    (lambda x: (lambda y:
                p_leaf(y))(x))(1)


@way
def c_del():
    class Thing(object):
        def __del__(self):
            p_leaf()

    def p_holder():
        thing = Thing()
        return None
    p_holder()


@way
def c_settrace():
    def c_tracer(frame, event, arg):
        if event == "call" and frame.f_code.co_name == "traced":
            p_leaf()

    def traced():
        return 1
    sys.settrace(c_tracer)
    traced()


@way
def c_operator():
    class Thing(object):
        def __getitem__(self, key):
            return p_leaf(key)
    return Thing()[1:2, ...]


def tasks():
    return set([int(name) for name in os.listdir("/proc/self/task")])


def wait_for(n):
    while len(told) < n:
        time.sleep(0.001)


def publish(tids):
    """Return the descriptor from which main reads, in the frame that calls this."""
    stacks = {os.getpid(): stack_of(sys._getframe(1))}
    for tid, lines in zip(tids, told):
        stacks[tid] = lines
    f = open(sys.argv[1] + ".new", "w")
    for tid in sorted(stacks):
        comm = open("/proc/self/task/%d/comm" % tid)
        f.write("thread %d %s\n%s" % (tid, comm.read().rstrip("\n"), stacks[tid]))
        comm.close()
    f.close()
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    os.write(OUT, "!".encode("ascii"))
    return IN


def echo(tids):
    data = os.read(publish(tids), 1)
    while data:
        os.write(OUT, data)
        data = os.read(IN, 1)
    os._exit(0)


def main():
    tids = []
    for i in range(len(WAYS)):
        before = tasks()
        thread.start_new_thread(WAYS[i], ())
        wait_for(i + 1)
        tids += list(tasks() - before)
    echo(tids)


main()
