"""Two more interpreters. Each runs on a thread of the first (frames of both on one stack) and on its own thread."""
import io
import os
import sys
import threading
import truth

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

# Each thread writes its lines into its own file, from the line on which it then blocks.
SCRIPT = """import io, os, sys, threading
sys.argv = ["", %(path)r]
import truth
class Code:
    def __init__(self, *names):
        self.co_filename, self.co_name, self.co_qualname = names
def told(interps, outer):
    frames, f = [], sys._getframe(1)
    while f:
        frames.append((f.f_code, f.f_lineno))
        f = f.f_back
    path = "%%s.%%d" %% (truth.PATH, threading.get_native_id())
    with io.open(path + ".new", "w", encoding="utf-8") as file:
        file.write("interp %%s\\n" %% interps)
        file.writelines(truth.lines_of(frames + outer))
    os.rename(path + ".new", path + ".part")
    return %(never)d
def own_thread():
    os.read(told("%(id)d", []), 1)
def inner():
    os.read(told("%(id)d,0", OUTER), 1)
OUTER = [(Code(*names), line) for names, line in %(outer)r]
threading.Thread(target=own_thread).start()
inner()
"""
COUNT = 2
kept = []


def run_one(identity):
    me = f = sys._getframe()
    outer = []
    while f:
        code = f.f_code
        outer.append(((code.co_filename, code.co_name, getattr(code, "co_qualname", code.co_name)), f.f_lineno))
        f = f.f_back
    outer[0] = outer[0][0], me.f_lineno + 1
    interpreters.run_string(identity, SCRIPT % {"path": truth.PATH, "never": truth._never, "id": identity, "outer": outer})


def all_told():
    folder, base = os.path.split(truth.PATH)
    parts = [name for name in os.listdir(folder) if name.startswith(base + ".") and name.endswith(".part")]
    for name in parts:
        with io.open(os.path.join(folder, name), encoding="utf-8") as file:
            truth.tell(int(name.split(".")[-2]), file.readlines())
    return len(parts) == 2 * COUNT and all(truth.in_read(int(name.split(".")[-2])) for name in parts)


def main():
    for _ in range(COUNT):
        identity = interpreters.create()  # up to 3.12 an object, whose end destroys the interpreter
        kept.append(identity)
        truth.start(run_one, "runs", (int(identity),))
    truth.expect(all_told)
    truth.watch(1)
    os.read(truth.fd(), 1)


main()
