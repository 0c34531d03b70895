#!/usr/bin/env python3
"""Check that each stack that pystack prints of a busy program is possible.   make fidelity [N=…] [PYTHON=…]

Runs the programs of busy.py, calls pystack N times on them, and checks each thread's stack against the call
graph in busy.py's comments and against the interpreter's own code objects. Every 50th time the process is
stopped and the native frames are compared with eu-stack's; where they differ, libunwind decides. Prints one
line per interpreter:
  stops   calls of pystack
  exact   stacks that are possible and have no mark
  marked  stacks with a frame marked as uncertain, reported as unknown, or skipped
  wrong   impossible stacks
"""
import argparse
import collections
import ctypes
import glob
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SID = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "pystack/matrix/sid")
PROGRAMS = ["everything", "threads", "signals", "throws"]
OLDEST_PROGRAMS = ["calls", "callbacks", "generators", "classes", "exceptions", "everything"]
ANNOTATION = re.compile(r"^ {16}\[ (.*):(-?\d+) \((.*)\) \]( \?)?$")
STATE = re.compile(r"^ {14}\((in |running|stopped|holds the GIL|waits for |detached|attached|suspended|collecting|finalizing|daemon)")
NATIVE = re.compile(r"^ {14}(?:(.+)`(?:(.+?)(?:\+0x([0-9a-f]+))?)|0x[0-9a-f]+)$")
HEADER = re.compile(r"^-+ thread# (\d+)")
OLDEST = {"_start", "clone3", "__clone3", "clone", "__clone", "start_thread"}
LOOPS = re.compile(r"_PyEval_EvalFrameDefault|_TAIL_CALL_|_PyJIT|0x[0-9a-f]+$")
LOOPS_BEFORE_36 = re.compile(r"PyEval_EvalFrame(Ex)?(\.\w+)*$|0x[0-9a-f]+$")
# In a root the machine's root is bound to /media. Its programs run there by the machine's dynamic linker.
ENTER = 'mount -t proc proc "$1/proc" && mount --rbind / "$1/media" && root=$1 && shift && exec chroot "$root" "$@"'
LIBRARIES = "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"
UNKNOWN = "?"
EU_EVERY = 50
ENTRY_SIZE = 64
Frame = collections.namedtuple("Frame", "file line name run")


def now_called(key):
    """Return FILE TAB NAME, with 2.4's names of modules and generator expressions as in later versions."""
    file, _, name = key.partition("\t")
    return file + "\t" + ({"?": "<module>", "<generator expression>": "<genexpr>"}.get(name, name) if file != UNKNOWN else name)


class Program:
    """The call graph of busy.py."""

    def __init__(self, source, told):
        self.version, self.roots = tuple(told["version"]), told["roots"]
        self.codes = {now_called(key): lines for key, lines in told["codes"].items()}
        self.allowed, self.by_c, self.anywhere = {}, {}, set()
        for number, text in enumerate(source, 1):
            names = text.partition("  #: ")[2].split()
            if names == ["anywhere"]:
                self.anywhere.add(re.search(r"def (\w+)", text).group(1))
            else:
                self.allowed[number] = {n.lstrip("!") for n in names}
                self.by_c[number] = {n[1:] for n in names if n[0] == "!"}

    def wrong_line(self, f):
        if f.file == UNKNOWN or any(f.line in lines for lines in self.codes.get(f.file + "\t" + f.name, ())):
            return None
        return "%s:%d is no line of %s" % (f.file, f.line, f.name)

    def wrong_call(self, caller, callee, marked):
        """Return True if this line of the caller can lead to the callee."""
        if callee.name in self.anywhere or UNKNOWN in (caller.file, callee.file):
            return None
        what = "%s:%d (%s) does not call %s" % (caller.file, caller.line, caller.name, callee.name)
        if caller.file.endswith("threading.py"):
            order = ["bootstrap", "bootstrap_inner", "run", "worker"]
            pair = [caller.name.lstrip("_"), callee.name.lstrip("_")]
            return None if pair in [order[i:i + 2] for i in range(3)] else what
        if caller.file == "<string>":
            return None if callee.name in ("leaf", "middle", "<listcomp>") else what
        if callee.name not in self.allowed.get(caller.line, ()):
            return what
        if callee.name in self.by_c[caller.line] and caller.run == callee.run and not marked:
            return what + " without C between"
        return None


class Stack:
    """One thread as printed."""

    def __init__(self, tid, lines):
        self.tid, self.frames, self.natives, self.heads = tid, [], [], []
        self.marked, self.cut = False, None
        self.lacking = False  # pystack reported missing older frames
        above = ""
        for text in lines:
            found = ANNOTATION.match(text)
            if found:
                if not above.startswith(" " * 16):
                    self.heads.append(above)
                file, _, name = now_called(found[1] + "\t" + found[3]).partition("\t")
                self.frames.append(Frame(file, int(found[2]), name, len(self.natives)))
                self.marked |= found[4] is not None or found[1] == UNKNOWN
                self.lacking = False
            elif not self.natives and not self.frames and STATE.match(text):
                pass  # what the thread does says nothing about its frames
            elif text.startswith(" " * 14 + "("):
                self.marked |= not re.match(r" +\((signal handler called|Python frame has returned|JIT|unwind gap)\)", text)
                self.cut = len(self.natives) if self.cut is None else self.cut
                self.lacking |= "Python frame unknown" in text or "outer Python frames cannot" in text
            else:
                self.natives.append(text)
            above = text


def parse(text, pid):
    stacks, lines, tid = [], [], pid
    for line in text.split("\n")[1:]:
        header = HEADER.match(line)
        if header:
            if lines:
                stacks.append(Stack(tid, lines))
            tid, lines = int(header[1]), []
        elif line:
            lines.append(line)
    return stacks + [Stack(tid, lines)]


def entry_of(pid):
    """Return the name of the file that the process runs, and its entry point."""
    with open("/proc/%d/exe" % pid, "rb") as exe:
        head = exe.read(32)
    return os.path.basename(os.readlink("/proc/%d/exe" % pid)), int.from_bytes(head[24:32 if head[4] == 2 else 28], "little")


def ends_well(stack, entry):
    """Return True if the stack ends at a thread's start. In a module without symbols any frame may be one. musl's
    _start and __clone have symbols without a size, so they are printed as addresses."""
    last = NATIVE.match(stack.natives[-1]) if stack.natives else None
    if last and last[1] == entry[0] and last[2].startswith("0x") and 0 < int(last[2], 16) - entry[1] < ENTRY_SIZE:
        return True
    if last is None or last[2] in OLDEST or last[0].strip().startswith(("libc.so.6`0x", "libc.so`0x")):
        return last is not None
    same = [NATIVE.match(text) for text in stack.natives]
    return all(found and found[2] and found[2].startswith("0x") for found in same if found and found[1] == last[1])


def bare_activations(program, stack):
    """Check that each activation has frames. The innermost one may lack them while it begins or ends, and any
    one while it frees its last frame and calls `__del__`."""
    name = "PyEval_EvalFrame" if program.version < (2, 5) else "PyEval_EvalFrameEx"
    name = name if program.version < (3, 6) else "_PyEval_EvalFrameDefault"
    runs = {f.run - 1 for f in stack.frames}
    out = []
    for at, text in enumerate(stack.natives):
        found = NATIVE.match(text)
        if at in runs or at < min(runs) or not found or not found[2] or found[2].partition(".")[0] != name:
            continue
        callee = [f for f in stack.frames if f.run <= at][-1]
        if callee.name not in program.anywhere:
            out.append("no frames beneath %s" % text.strip())
    return [] if stack.marked else out


def faults(program, stack, entry):
    """Return all faults of a stack."""
    out = [program.wrong_line(f) for f in stack.frames]
    out += [program.wrong_call(a, b, stack.marked) for b, a in zip(stack.frames, stack.frames[1:])]
    if not stack.frames:
        return [] if stack.marked else ["no Python frame at all"]
    if stack.lacking:
        return [f for f in out if f]
    root = stack.frames[-1]
    worker = program.roots.get(str(stack.tid))
    if root.name.lstrip("_") != ("bootstrap" if worker else "<module>"):
        out.append("the outermost frame is %s" % root.name)
    if worker and worker not in [f.name for f in stack.frames[-5:]] and "worker" not in stack.frames[0].name:
        if len(stack.frames) > 4:
            out.append("thread %d runs %s" % (stack.tid, worker))
    loops = LOOPS if program.version >= (3, 6) else LOOPS_BEFORE_36
    for text in stack.heads:
        found = NATIVE.match(text)
        if found and found[2] and not loops.match(found[2]):
            out.append("annotations beneath %s" % text.strip())
    out += bare_activations(program, stack)
    if not stack.marked and not ends_well(stack, entry):
        out.append("the native stack ends at %s" % (stack.natives[-1].strip() if stack.natives else "nothing"))
    if program.version < (3, 11):
        runs = collections.Counter(f.run for f in stack.frames if f.name != "catch")
        if not stack.marked and max(runs.values()) > 1:
            out.append("two frames in one activation")
    return [f for f in out if f]


def die_with_us():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def enter_root(root):
    return ["unshare", "-m", "sh", "-c", ENTER, "sh", root] if root else []


def environment(env):
    return dict(os.environ, PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8", **env)


def which_programs(python, root, env):
    """Return the directory of the busy.py that the interpreter can run, and its programs."""
    said = subprocess.run(enter_root(root) + [python, "-c", "import sys; sys.stdout.write('%d %d' % sys.version_info[:2])"],
                          stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment(env), text=True).stdout
    version = tuple(int(n) for n in said.split())
    if version < (2, 7) or (3, 0) <= version < (3, 6):
        return HERE + "/oldest", OLDEST_PROGRAMS
    return HERE + ("/python2" if version < (3, 0) else ""), PROGRAMS


class Busy:
    """A running program of one interpreter."""

    def __init__(self, python, root, env, folder, name):
        above = "/media" if root else ""
        enter, env, source = enter_root(root), environment(env), folder + "/busy.py"
        self.told = tempfile.mktemp()
        self.process = subprocess.Popen(enter + [python, above + source, above + self.told, name],
                                        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=env,
                                        preexec_fn=die_with_us)
        if self.process.stdout.readline() != b"ready\n":
            self.process.kill()
            raise SystemExit("%s: %s does not start" % (python, name))
        with open(self.told) as told, open(source) as text:
            self.program = Program(text.read().split("\n"), json.load(told))

    def close(self):
        self.process.kill()
        self.process.wait()
        os.unlink(self.told)


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def symbols(path):
    found = re.findall(r"^([0-9a-f]+) \w (\S+)", output("nm", path), re.M)
    return [(int(value, 16), symbol) for value, symbol in found]


def debug_file(pid, path):
    """Return the path of the separate debug file, if there is one."""
    found = re.search(r"Build ID: (..)(\w+)", output("readelf", "-n", path))
    return "/proc/%d/root/usr/lib/debug/.build-id/%s/%s.debug" % (pid, found[1], found[2]) if found else "/dev/null"


class Eu:
    """Compare the native frames of a stopped process with eu-stack's. A symbol has one address in a process, so
    pc - offset is the same for all its frames; a name of several functions has as many such values, with the
    same distances as in the file."""

    def __init__(self, root):
        self.at, self.values, self.compared, self.outvoted, self.root = {}, {}, 0, 0, root

    def command(self, pid):
        """Return eu-stack's command in the process's root, where files have the names in its maps."""
        eu_stack = ["eu-stack", "-n", "0", "-p", str(pid)]
        if not self.root:
            return eu_stack
        libraries = ":".join("/media" + path for path in LIBRARIES)
        return ["nsenter", "-m", "-r", "-t", str(pid), "/media/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
                "--library-path", libraries, "/media" + shutil.which("eu-stack")] + eu_stack[1:]

    def theirs(self, pid):
        """Return {thread: pcs}, up to an impossible pc, where eu-stack is lost."""
        text, code = output(*self.command(pid)), []
        with open("/proc/%d/maps" % pid) as maps:
            for line in maps:
                if line.split()[1][2] == "x":
                    code.append([int(end, 16) for end in line.split()[0].split("-")])
        out, lost = {}, False
        for line in text.split("\n"):
            if line.startswith("TID "):
                pcs, lost = out.setdefault(int(line[4:-1]), []), False
            elif line.startswith("#"):
                pc = int(line.split()[1], 16)
                lost = lost or not any(start <= pc <= end for start, end in code)
                pcs += [] if lost else [pc]
        return out

    def namesakes(self, pid, module, name):
        """Return the values of all symbols of that name in the file."""
        if module not in self.values:
            table = self.values[module] = collections.defaultdict(set)
            with open("/proc/%d/maps" % pid) as maps:
                paths = {line.split()[5] for line in maps if line.rstrip().endswith("/" + module)}
            below = os.path.realpath(self.root) if self.root else ""
            for path in paths:  # by our path of its root, or by the path in it
                path = "/proc/%d/root%s" % (pid, path[len(below):] if path.startswith(below) else path)
                for value, symbol in symbols(path) + symbols(debug_file(pid, path)):
                    table[symbol].add(value)
        return self.values[module][name]

    def same(self, pid, text, pc):
        found = NATIVE.match(text)
        if not found or not found[2]:
            return int(text.strip(), 16) == pc
        if found[2].startswith("0x"):  # its address in the file: pc less what is one number for each file
            bias = pc - int(found[2], 16)
            return self.at.setdefault((pid, found[1]), bias) == bias
        start = pc - int(found[3] or "0", 16)
        first = self.at.setdefault((found[1], found[2]), start)
        values = () if first == start else self.namesakes(pid, found[1], found[2])
        return first == start or any(value + start - first in values for value in values)

    def faults(self, pid, stacks):
        theirs, out = self.theirs(pid), []
        for stack in stacks:
            pcs, natives, cut = theirs.get(stack.tid, []), stack.natives[:stack.cut], stack.cut
            # The table that 3.15 registers for its JIT code skips _PyJIT_Entry, and so does eu-stack.
            for i, text in enumerate(natives):
                if "`py::jit:executor" in text:
                    natives, cut = natives[:i + 1], i + 1
                    break
            self.compared += min(len(pcs), len(natives))
            if len(pcs) > len(natives) and cut is None:
                out.append("%d native frames, eu-stack has %d" % (len(natives), len(pcs)))
            for text, pc in zip(natives, pcs):
                if not self.same(pid, text, pc):
                    out.append("%s, eu-stack has 0x%x" % (text.strip(), pc))
        return out


def stopped(pid):
    """Return True once all threads have stopped. A thread that still runs would have moved before eu-stack
    reads it."""
    for path in glob.glob("/proc/%d/task/*/stat" % pid):
        with open(path) as stat:
            if stat.read().rpartition(")")[2].split()[0] != "T":
                return False
    return True


def agrees(opt, pid, stacks):
    """Return True if libunwind walks the stopped process as pystack does."""
    text = output(opt.pystack, "-m", "libunwind", str(pid))
    return [(s.tid, s.natives) for s in parse(text, pid)] == [(s.tid, s.natives) for s in stacks]


def one_stop(opt, busy, eu, number):
    """Return the stacks, the output, and the faults of the whole output."""
    pid = busy.process.pid
    hold = number % EU_EVERY == 0
    if hold:
        os.kill(pid, signal.SIGSTOP)
        while not stopped(pid):
            time.sleep(0.001)
    run = subprocess.run([opt.pystack, "-m", opt.engine, str(pid)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    stacks = parse(run.stdout, pid)
    bad = [] if run.returncode == 0 or any(s.marked for s in stacks) else ["exit status %d" % run.returncode]
    if hold:
        different = eu.faults(pid, stacks)
        if different and agrees(opt, pid, stacks):
            eu.outvoted += 1  # it sometimes skips an activation
        else:
            bad += different
        os.kill(pid, signal.SIGCONT)
    return stacks, run.stdout, bad


def check(opt, label, python, root, env):
    count, total = collections.Counter(), 0
    eu = Eu(root)
    folder, programs = which_programs(python, root, env)
    for name in programs:
        busy, eu.at = Busy(python, root, env, folder, name), {}
        entry = entry_of(busy.process.pid)
        try:
            for number in range(max(opt.n // len(programs), 1)):
                time.sleep(random.random() * 0.002)
                stacks, text, bad = one_stop(opt, busy, eu, number)
                count["stops"] += 1
                for stack in stacks:
                    these = faults(busy.program, stack, entry) + bad
                    kind = "wrong" if these else "marked" if stack.marked else "exact"
                    count[kind] += 1
                    if kind != "exact":
                        keep(opt, "%s-%s" % (label, name), kind, these, text, count[kind])
        finally:
            busy.close()
    print("%-16s %6d stops %7d exact %5d marked %5d wrong   %d pcs as eu-stack's%s" % (
        label, count["stops"], count["exact"], count["marked"], count["wrong"], eu.compared,
        ", %d stops as libunwind alone says" % eu.outvoted if eu.outvoted else ""), flush=True)
    return count["wrong"]


def keep(opt, label, kind, these, text, number):
    """Print the first few faults, and keep their stacks if asked to."""
    if kind == "wrong" and number <= 5:
        print("%s: %s" % (label, "; ".join(these)))
    if opt.keep and number <= 200:
        with open("%s/%s-%s-%d" % (opt.keep, label, kind, number), "w") as out:
            out.write("\n".join(these) + "\n" + text)


def interpreters(only, root=""):
    if root:
        return [(os.path.basename(only), only, root, {})]
    if only:
        return [f for f in interpreters("") if only in f] or [(os.path.basename(only), only, "", {})]
    found = [("debian", "/usr/bin/python3", "", {})]
    for path in glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python")):
        found.append((path.split("/")[-3], path, "", {}))
    for path in glob.glob(SID + "/usr/bin/python3.[0-9][0-9]") if os.geteuid() == 0 else []:
        for jit in "01":
            found.append(("sid %s jit=%s" % (path[-4:], jit), path[len(SID):], SID, {"PYTHON_JIT": jit}))
    return sorted(found, key=lambda f: [int(n) for n in re.findall(r"\d+", f[0])])


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("--pystack", required=True)
    args.add_argument("-n", type=int, default=2000, help="calls of pystack for each interpreter")
    args.add_argument("--python", default="", help="only this interpreter")
    args.add_argument("--root", default="", help="root directory of the path of --python")
    args.add_argument("--engine", default="auto", help="the engine of -m")
    args.add_argument("--keep", help="directory in which to keep the stacks that are not exact")
    opt = args.parse_args()
    sys.exit(1 if sum(check(opt, *which) for which in interpreters(opt.python, opt.root)) else 0)


if __name__ == "__main__":
    main()
