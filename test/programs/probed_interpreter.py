"""A second interpreter removes a directory that does not exist.   probed_interpreter.py TRUTH

The program waits for a byte, does that, echoes the byte and waits again. TRUTH gets the id of the
interpreter, nothing if there can be none.
"""
import os
import sys

try:
    import _interpreters as interpreters
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        interpreters = None

IN, OUT = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
SCRIPT = """import os
try:
    os.rmdir("absent")
except OSError:
    pass
"""

os.write(OUT, b"!")
echo = os.read(IN, 1)
with open(sys.argv[1], "w") as truth:
    if interpreters is not None:
        identity = interpreters.create()
        truth.write("%d" % identity)
        interpreters.run_string(identity, SCRIPT)
os.write(OUT, echo)
os.read(IN, 1)
