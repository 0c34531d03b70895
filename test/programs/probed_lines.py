"""Makes a long function again and again, in which umask(2) is called in one of two lines.   probed_lines.py TRUTH

One function gets the address of the one before, and differs from it at the end of its line table only.
It waits for a byte, makes its calls, echoes the byte and waits again.
"""
import marshal
import os
import sys

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]


def source(empty):
    return "def long(x):\n" + "    x = abs(x) + 1\n" * 90 + "\n" * empty + "    umask(18)\n"


name = getattr(sys, "intern", str)("<made>")
texts = [source(5), source(6)]
made = [marshal.dumps(compile(text, name, "exec")) for text in texts]


def run(code):
    names = {"umask": os.umask}
    exec(code, names)
    names["long"](1)
    names.clear()


os.write(OUT, b"!")
echo = os.read(IN, 1)
for i in range(200):
    run(marshal.loads(made[i % 2]))
for i in range(200):
    run(compile(texts[i % 2], name, "exec"))
os.write(OUT, echo)
os.read(IN, 1)
