#!/usr/bin/env python3
"""Is every stack that pystack prints of a busy program a possible one?   make fidelity [N=…] [PYTHON=…]

Runs the programs of busy.py, stops none of them, calls pystack N times on them and judges each thread's stack from
the outside, by what busy.py says of its own lines. Every 50th time the process is stopped and the native frames
are compared with eu-stack's. One line for each interpreter:
  stops   calls of pystack            wrong   stacks that cannot be
  marked  stacks with a frame that is marked as unsure, or with one said to be unknown or passed over
  exact   the others
"""
import argparse
import collections
import glob
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SID = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "pystack/sid")
PROGRAMS = ["everything", "threads", "signals", "throws"]
ANNOTATION = re.compile(r"^ {16}\[ (.*):(-?\d+) \((.*)\) \]( \?)?$")
NATIVE = re.compile(r"^ {14}(?:(.+)`(?:(.+?)(?:\+0x([0-9a-f]+))?)|0x[0-9a-f]+)$")
HEADER = re.compile(r"^-+ thread# (\d+)")
OLDEST = {"_start", "clone3", "__clone3", "clone", "__clone", "start_thread"}
LOOPS = re.compile(r"_PyEval_EvalFrameDefault|_TAIL_CALL_|_PyJIT|0x[0-9a-f]+$")
EU_EVERY = 50
Frame = collections.namedtuple("Frame", "file line name run")


class Program:
    """What busy.py says of itself."""

    def __init__(self, source, told):
        self.version, self.roots = tuple(told["version"]), told["roots"]
        self.codes = told["codes"]
        self.allowed, self.by_c, self.anywhere = {}, {}, set()
        for number, text in enumerate(source, 1):
            names = text.partition("  #: ")[2].split()
            if names == ["anywhere"]:
                self.anywhere.add(re.search(r"def (\w+)", text).group(1))
            else:
                self.allowed[number] = {n.lstrip("!") for n in names}
                self.by_c[number] = {n[1:] for n in names if n[0] == "!"}

    def wrong_line(self, f):
        if any(f.line in lines for lines in self.codes.get(f.file + "\t" + f.name, ())):
            return None
        return "%s:%d is no line of %s" % (f.file, f.line, f.name)

    def wrong_call(self, caller, callee, marked):
        """Can this line of the caller lead to the callee?"""
        if callee.name in self.anywhere:
            return None
        what = "%s:%d (%s) does not call %s" % (caller.file, caller.line, caller.name, callee.name)
        if caller.file.endswith("threading.py"):
            order = ["_bootstrap", "_bootstrap_inner", "run", "worker"]
            return None if [caller.name, callee.name] in [order[i:i + 2] for i in range(3)] else what
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
        above = ""
        for text in lines:
            found = ANNOTATION.match(text)
            if found:
                if not above.startswith(" " * 16):
                    self.heads.append(above)
                self.frames.append(Frame(found[1], int(found[2]), found[3], len(self.natives)))
                self.marked |= found[4] is not None
            elif text.startswith(" " * 14 + "("):
                self.marked |= not re.match(r" +\((signal handler called|JIT|unwind gap)\)", text)
                self.cut = len(self.natives) if self.cut is None else self.cut
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


def faults(program, stack):
    """Everything about the stack that cannot be."""
    out = [program.wrong_line(f) for f in stack.frames]
    out += [program.wrong_call(a, b, stack.marked) for b, a in zip(stack.frames, stack.frames[1:])]
    if not stack.frames:
        return [] if stack.marked else ["no Python frame at all"]
    if program.version in ((3, 9), (3, 10)) and stack.frames[-1].name == "catch" and stack.marked:
        return [f for f in out if f]  # these lose the callers themselves (a throw() through `yield from`)
    root = stack.frames[-1]
    worker = program.roots.get(str(stack.tid))
    if root.name != ("_bootstrap" if worker else "<module>"):
        out.append("the outermost frame is %s" % root.name)
    if worker and worker not in [f.name for f in stack.frames[-5:]] and "worker" not in stack.frames[0].name:
        if len(stack.frames) > 4:
            out.append("thread %d runs %s" % (stack.tid, worker))
    for text in stack.heads:
        found = NATIVE.match(text)
        if found and found[2] and not LOOPS.match(found[2]):
            out.append("annotations beneath %s" % text.strip())
    last = NATIVE.match(stack.natives[-1]) if stack.natives else None
    if not stack.marked and (last is None or last[2] not in OLDEST and not re.match("libc.so.6`0x", last[0].strip())):
        out.append("the native stack ends at %s" % (stack.natives[-1].strip() if stack.natives else "nothing"))
    if program.version < (3, 11):
        runs = collections.Counter(f.run for f in stack.frames if f.name != "catch")
        if not stack.marked and max(runs.values()) > 1:
            out.append("two frames in one activation")
    return [f for f in out if f]


class Busy:
    """A running program of one interpreter."""

    def __init__(self, python, root, env, name, folder):
        source = HERE + "/busy.py"
        self.told = tempfile.mktemp(dir=(root or "") + "/tmp")
        inside = self.told[len(root):]
        before = []
        if root:
            source = tempfile.mktemp(dir=root + "/tmp", suffix=".py")
            with open(HERE + "/busy.py") as a, open(source, "w") as b:
                b.write(a.read())
            before = ["chroot", root]
        self.copy = source if root else None
        self.process = subprocess.Popen(before + [python, source[len(root):], inside, name],
                                        stdout=subprocess.PIPE, env=dict(os.environ, **env))
        if self.process.stdout.readline() != b"ready\n":
            raise SystemExit("%s: %s does not start" % (python, name))
        with open(self.told) as told, open(HERE + "/busy.py") as text:
            self.program = Program(text.read().split("\n"), json.load(told))

    def close(self):
        self.process.kill()
        self.process.wait()
        for path in filter(None, [self.told, self.copy]):
            os.unlink(path)


class Eu:
    """Native frames of a stopped process against eu-stack's: a symbol stands still in a process, so pc − offset
    of one symbol is one number."""

    def __init__(self):
        self.at, self.compared = {}, 0

    def faults(self, pid, stacks):
        text = subprocess.run(["eu-stack", "-n", "0", "-p", str(pid)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True).stdout
        theirs = {}
        for line in text.split("\n"):
            if line.startswith("TID "):
                pcs = theirs.setdefault(int(line[4:-1]), [])
            elif line.startswith("#"):
                pcs.append(int(line.split()[1], 16))
        out = []
        for stack in stacks:
            pcs, natives = theirs.get(stack.tid, []), stack.natives[:stack.cut]
            self.compared += min(len(pcs), len(natives))
            if len(pcs) > len(natives) and stack.cut is None:
                out.append("%d native frames, eu-stack has %d" % (len(natives), len(pcs)))
            for text, pc in zip(natives, pcs):
                found = NATIVE.match(text)
                if found and found[2] and not found[2].startswith("0x"):
                    base = self.at.setdefault(found[0].partition("+")[0], pc - int(found[3] or "0", 16))
                    if base + int(found[3] or "0", 16) != pc:
                        out.append("%s, eu-stack has 0x%x" % (text.strip(), pc))
                elif int(text.split("`")[-1].strip(), 16) != pc:
                    out.append("%s, eu-stack has 0x%x" % (text.strip(), pc))
        return out


def stopped(pid):
    with open("/proc/%d/stat" % pid) as stat:
        return stat.read().rpartition(")")[2].split()[0] == "T"


def one_stop(opt, busy, eu, number):
    """Returns the stacks, the text, and faults of the whole."""
    pid = busy.process.pid
    hold = number % EU_EVERY == 0
    if hold:
        os.kill(pid, signal.SIGSTOP)
        while not stopped(pid):
            time.sleep(0.001)
    run = subprocess.run([opt.pystack, str(pid)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    stacks = parse(run.stdout, pid)
    bad = [] if run.returncode == 0 or any(s.marked for s in stacks) else ["exit status %d" % run.returncode]
    if hold:
        bad += eu.faults(pid, stacks)
        os.kill(pid, signal.SIGCONT)
    return stacks, run.stdout, bad


def check(opt, label, python, root, env):
    count, total = collections.Counter(), 0
    eu = Eu()
    for name in PROGRAMS:
        busy, eu.at = Busy(python, root, env, name, opt.keep), {}
        try:
            for number in range(max(opt.n // len(PROGRAMS), 1)):
                time.sleep(random.random() * 0.002)
                stacks, text, bad = one_stop(opt, busy, eu, number)
                count["stops"] += 1
                for stack in stacks:
                    these = faults(busy.program, stack) + bad
                    kind = "wrong" if these else "marked" if stack.marked else "exact"
                    count[kind] += 1
                    if kind != "exact":
                        keep(opt, "%s-%s" % (label, name), kind, these, text, count[kind])
        finally:
            busy.close()
    print("%-16s %6d stops %7d exact %5d marked %5d wrong   %d pcs as eu-stack's" % (
        label, count["stops"], count["exact"], count["marked"], count["wrong"], eu.compared), flush=True)
    return count["wrong"]


def keep(opt, label, kind, these, text, number):
    """Tell the first few, and keep them where asked to."""
    if kind == "wrong" and number <= 5:
        print("%s: %s" % (label, "; ".join(these)))
    if opt.keep and number <= 200:
        with open("%s/%s-%s-%d" % (opt.keep, label, kind, number), "w") as out:
            out.write("\n".join(these) + "\n" + text)


def interpreters(only):
    if only:
        return [f for f in interpreters("") if only in f] or [(os.path.basename(only), only, "", {})]
    found = [("debian", "/usr/bin/python3", "", {})]
    for path in glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python3")):
        version = path.split("/")[-3]
        if int(version.split(".")[1]) >= 8:
            found.append((version, path, "", {}))
    for path in glob.glob(SID + "/usr/bin/python3.[0-9][0-9]") if os.geteuid() == 0 else []:
        for jit in "01":
            found.append(("sid %s jit=%s" % (path[-4:], jit), path[len(SID):], SID, {"PYTHON_JIT": jit}))
    return sorted(found, key=lambda f: [int(n) for n in re.findall(r"\d+", f[0])])


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("--pystack", required=True)
    args.add_argument("-n", type=int, default=2000, help="calls of pystack for each interpreter")
    args.add_argument("--python", default="", help="only this interpreter")
    args.add_argument("--keep", help="folder to keep the stacks that are not exact in")
    opt = args.parse_args()
    sys.exit(1 if sum(check(opt, *which) for which in interpreters(opt.python)) else 0)


if __name__ == "__main__":
    main()
