#!/usr/bin/env python3
"""Compare the output of two builds of pystack on the same blocked processes and cores.

    make compare ALSO=path/to/other/pystack [ROWS='sid-3.14 bullseye'] [PYTHON=...]

Runs test/programs/scenes.py (every_version.py where it has no syntax in common with the interpreter) under the
machine's interpreters and those of test/matrix/rows, calls both builds with several options on the process and
on a core that gcore writes of it, and then both on operands that cannot be printed, or not whole. The other
build comes first.

The same must be: exit status, headers, native and Python lines, and what of it is marked. Process ids, thread
ids and addresses are replaced by placeholders first; an address in a file that one build gives as its place in
memory becomes the other's if the distance is the same for all of that file. What may differ in words is
compared as kinds (words.py): remarks, and standard error. A thread's name in Python and what the thread does are
additions.

Prints a row for each interpreter and kind of target, what differs, and the words of both builds for each kind.
The exit status is 1 if anything differs."""
import argparse
import collections
import difflib
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "../programs")
sys.path[:0] = [HERE, HERE + "/../fidelity"]
import check  # noqa: E402
import words  # noqa: E402

OPTIONS = [[], ["-v"], ["-p"], ["-n", "6"], ["-m", "fp"], ["--stop"], ["-c", "-o", "folded"]]
CORE_OPTIONS = [[], ["-v"], ["-p"], ["-m", "fp"]]
HEADER = re.compile(r'^-+ thread# (\d+) / lwp# (\d+)( / interp# \S+)?( ".*")?( \[.*\])? -+$')
ADDRESS = re.compile(r"0x[0-9a-f]+")
LIMIT = 120  # seconds
ATTEMPTS = 30


class Printed:
    """What one build printed: lines that must be the same, and the kinds of the others by place."""

    def __init__(self, run, pid, threads):
        self.status, self.lines, self.remarks = run.returncode, [], collections.defaultdict(list)
        self.threads, self.pid = threads, pid
        for line in run.stdout.split("\n"):
            self.add(line)
        errors = re.sub(r"(?m)^usage: .*(\n .*)*", "usage: ...", run.stderr.replace(run.args[0], "pystack"))
        self.errors = [self.numbered(line) for line in errors.split("\n") if line]

    def number(self, tid):
        return "T%d" % self.threads.setdefault(tid, len(self.threads))

    def numbered(self, text):
        return re.sub(r"\b%s\b" % self.pid, "PID", text)

    def add(self, line):
        header = HEADER.match(line)
        if header:
            tids = [self.number(header[i]) for i in (1, 2)]
            self.lines.append("thread# %s / lwp# %s%s%s" % (*tids, header[3] or "", header[5] or ""))
        elif re.match(r" {14}\(", line):
            self.remarks[len(self.lines)].append(line.strip()[1:-1])
        else:
            self.lines.append(self.numbered(line) if line[:1] != " " else line)


UNNAMED = re.compile(r"( {14}\S+`)0x([0-9a-f]+)$")
IN_NO_FILE = re.compile(r"( *)(?:0x[0-9a-f]+|ADDR|JIT`.*)$")


def without_place(line):
    """Return the line with a placeholder for the address of a function without a name, or in no file."""
    return IN_NO_FILE.sub(r"\1ADDR", UNNAMED.sub(r"\1ADDR", line))


def same_place(old, new, distances):
    """Return True if two such lines are of one place: the builds' addresses differ by one number for each file."""
    a, b = UNNAMED.match(old), UNNAMED.match(new)
    if a is None or b is None:
        return old == new
    distance = int(a[2], 16) - int(b[2], 16)
    return distances.setdefault(a[1], distance) == distance


class Comparison:
    """The differences of two builds, and the words of each."""

    def __init__(self):
        self.mended = collections.Counter()
        self.words = collections.defaultdict(collections.Counter)  # (kind, old, new)
        self.differences = collections.Counter()

    def lines(self, old, new):
        """Return the differing lines, and the places of the new lines in the old ones."""
        distances, out, place = {}, [], {len(new): len(old)}
        keys = [[without_place(line) for line in lines] for lines in (old, new)]
        for _, i, i2, j, j2 in difflib.SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
            for k in range(max(i2 - i, j2 - j)):
                a = old[i + k] if i + k < i2 else ""
                b = new[j + k] if j + k < j2 else ""
                if j + k < j2:
                    place[j + k] = min(i + k, i2)
                if not same_place(a, b, distances):
                    out.append((a.strip(), b.strip()))
        return out, place

    def kinds(self, old, new, where):
        """Compare two lists of messages by kind."""
        olds = collections.defaultdict(list)
        for text in old:
            olds[words.kind(text)].append(text)
        for text in new:
            kind = words.kind(text)
            if olds[kind]:
                self.words[kind, words.plain(olds[kind].pop(0)), words.plain(text)][where] += 1
            elif words.is_optional(kind):
                self.words[kind, "", words.plain(text)][where] += 1
            else:
                yield "", text
        for kind, texts in olds.items():
            for text in texts:
                if words.is_optional(kind):
                    self.words[kind, words.plain(text), ""][where] += 1
                else:
                    yield text, ""

    def outputs(self, old, new, where):
        """Return what differs: a list of what, old, new."""
        out = []
        early = any(words.kind(text) == words.EARLY_END for texts in new.remarks.values() for text in texts)
        if old.status == 0 and new.status == 1 and early:
            self.mended[words.EARLY_END_COUNTS] += 1
        elif old.status != new.status:
            out.append(("exit status", str(old.status), str(new.status)))
        different, place = self.lines(old.lines, new.lines)
        for a, b in different:
            kind = "Python line" if "[ " in (a + b)[:2] else "header" if "thread#" in a + b else "native line"
            out.append((kind, a, b))
        at = collections.defaultdict(list)
        for k, texts in new.remarks.items():
            at[place.get(k, -1)] += texts
        for k in sorted(set(at) | set(old.remarks)):
            for a, b in self.kinds(old.remarks[k], at[k], where):
                out.append(("remark", a, b))
        for a, b in self.kinds(old.errors, new.errors, where):
            out.append(("stderr", a, b))
        return [d for d in out if not self.is_mended(d, where)]

    def is_mended(self, difference, where):
        for commit, pattern in words.MENDED:
            if re.fullmatch(pattern, "%s: %s: %s => %s" % (where, *difference), re.S):
                self.mended[commit] += 1
                return True
        return False


def folded(printed):
    """Give counts an order, and each frame a line. Addresses are left out: they are compared as text is."""
    stacks = [ADDRESS.sub("ADDR", line).split(";") for line in printed.lines]
    stacks.sort(key=lambda frames: [without_place(frame) for frame in frames])
    printed.lines = [frame for frames in stacks for frame in frames]
    return printed


def call(tool, arguments):
    return subprocess.run([tool] + arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", errors="surrogateescape", timeout=LIMIT)


def printed_by(tool, arguments, pid):
    """Return what a build prints, from a call that the machine's load has not changed."""
    for _ in range(ATTEMPTS):
        run = call(tool, arguments)
        if not re.search(words.LOADED, run.stdout + run.stderr):
            break
    printed = Printed(run, pid, {})
    return folded(printed) if "folded" in arguments else printed


def compare(opt, comparison, arguments, pid, where):
    found = [printed_by(tool, arguments, pid) for tool in (opt.also, opt.pystack)]
    return comparison.outputs(*found, where=where)


class Scenes:
    """The program of scenes, with all threads blocked."""

    def __init__(self, python, root, env):
        version = check.which_programs(python, root, env)[0]
        path = PROGRAMS + ("/every_version.py" if version.endswith("/oldest") else
                           "/python2/scenes.py" if version.endswith("/python2") else "/scenes.py")
        above = "/media" if root else ""
        self.folder, self.root = tempfile.mkdtemp(prefix="pystack-compare-"), root
        keep, ready = os.pipe(), os.pipe()
        env = dict(check.environment(env), PYSTACK_TEST_FDS="%d,%d" % (keep[0], ready[1]),
                   PYTHONPATH=above + os.path.abspath(PROGRAMS))
        self.fds = [keep[1], ready[0]]
        self.process = subprocess.Popen(
            check.enter_root(root) + [python, above + os.path.abspath(path), above + self.folder + "/truth"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env,
            pass_fds=(keep[0], ready[1]), preexec_fn=check.die_with_us)
        os.close(keep[0])
        os.close(ready[1])
        self.started = os.read(ready[0], 1) == b"!"
        self.pid = str(self.process.pid)

    def core(self):
        """Return arguments for a core by gcore, or None. A root's own gcore is preferred: it knows how the root's
        files are laid out. It writes their names in the root."""
        prefix, command, arguments = self.folder + "/core", ["gcore", "-o"], []
        if os.path.exists(self.root + "/usr/bin/gcore") and self.root:
            command = ["nsenter", "-m", "-r", "-t", self.pid, "/usr/bin/gcore", "-o"]
            prefix, arguments = "/media" + prefix, ["--sysroot", self.root]
        subprocess.run([*command, prefix, self.pid], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        path = self.folder + "/core." + self.pid
        return [*arguments, path] if os.path.exists(path) else None

    def close(self):
        self.process.kill()
        self.process.communicate()
        for fd in self.fds:
            os.close(fd)
        shutil.rmtree(self.folder, ignore_errors=True)


class Troubles:
    """Operands that cannot be printed, or not whole: what is printed of them is mostly messages."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="pystack-compare-")
        self.started = []

    def path(self, name, content=b""):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(content)
        return path

    def start(self, *command, **how):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   preexec_fn=check.die_with_us, **how)
        self.started.append(process)
        return process

    def sleeper(self, name, after):
        """Return the pid of a copy of cat that runs while `after` is done to its file."""
        path = os.path.join(self.folder, name)
        shutil.copy(shutil.which("cat"), path)
        process = self.start(path)
        process.stdin.write(b"x")
        process.stdin.flush()
        process.stdout.read(1)
        after(path)
        return str(process.pid)

    def zombie(self):
        process = self.start("true")
        process.stdout.read()
        while check_state(process.pid) != "Z":
            pass
        return str(process.pid)

    def stopped(self):
        pid = self.sleeper("stopped", lambda path: None)
        os.kill(int(pid), signal.SIGSTOP)
        while check_state(pid) != "T":
            pass
        return pid

    def cores(self, scenes):
        """Yield arguments for damaged cores of the scenes."""
        whole, = scenes.core()
        size = os.path.getsize(whole)
        for name, n in ("empty", 0), ("header", 64), ("page", 4096), ("third", size // 3), ("most", size * 9 // 10):
            path = os.path.join(self.folder, name)
            with open(whole, "rb") as source, open(path, "wb") as f:
                while f.tell() < n:
                    f.write(source.read(min(1 << 20, n - f.tell())))
            yield [path]
            yield ["-F", path]
        yield ["--sysroot", self.folder, whole]
        yield ["-e", shutil.which("cat"), whole]
        yield ["-e", self.folder + "/none", whole]
        yield [whole + "/999999"]
        yield ["-i", "10ms", "-N", "1", whole]

    def arguments(self, scenes):
        """Yield arguments with the pid in them."""
        pid = scenes.pid
        gone = self.start("true")
        gone.wait()
        for operand in (str(gone.pid), "2", self.zombie(), "/proc/" + self.zombie(), self.folder, self.path("empty"),
                        self.path("text", b"no core\n"), shutil.which("cat"), self.folder + "/none", "remote", "core",
                        pid + "/", pid + "/x", pid + "/999999", pid + "/" + pid, "/proc/" + pid, "0", "-1", "",
                        str(os.getpid()) + "x", self.stopped()):
            yield [operand]
        yield [self.sleeper("plain", lambda path: None)]
        yield [self.sleeper("deleted", os.unlink)]
        yield [self.sleeper("replaced", replace_by_text)]
        for options in ("-Z",), ("-n", "x"), ("-i", "x"), ("-m", "x"), ("-o", "x"), ("-n", "0"):
            yield [*options, pid]
        yield []
        yield ["-c"]
        yield ["-i", "10ms", "-N", "2", "-t", "1", self.sleeper("sampled", lambda path: None)]
        yield [pid, str(gone.pid), self.folder + "/none"]
        yield from self.cores(scenes)

    def close(self):
        for process in self.started:
            process.kill()
            process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)


def check_state(pid):
    with open("/proc/%s/stat" % pid) as stat:
        return stat.read().rpartition(")")[2].split()[0]


def replace_by_text(path):
    os.unlink(path)
    with open(path, "w") as f:
        f.write("replaced\n")


def troubles(opt, comparison, python):
    """Print a row for each operand that differs. Return True if none does."""
    scenes, trouble, count, same = Scenes(python, "", {}), Troubles(), 0, True
    try:
        for arguments in trouble.arguments(scenes):
            count += 1
            found = compare(opt, comparison, arguments, scenes.pid, "troubles")
            if found:
                same = False
                print("troubles: %s" % words.plain(" ".join(arguments)))
                show([("", *d) for d in found])
    finally:
        trouble.close()
        scenes.close()
    print("%-22s %d runs, %s" % ("troubles", count, "same" if same else "see above"), flush=True)
    return same


def rows(starts):
    """Yield label, path, root and environment of the rows of the matrix that exist here."""
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")) + "/pystack/matrix/"
    with open(HERE + "/rows") as lines:
        for line in lines:
            fields = line.partition("#")[0].split()
            if not fields or (starts and not fields[0].startswith(tuple(starts))):
                continue
            label, root, path = fields[:3]
            if os.path.exists(cache + root + path):
                yield label, path, cache + root, dict(f.split("=", 1) for f in fields[4:])


def interpreters(opt):
    found = [] if opt.rows else [f for f in check.interpreters(opt.python) if not f[2]]
    starts = opt.rows.split()
    return found + ([] if opt.python or os.geteuid() != 0 else list(rows([] if starts == ["all"] else starts)))


def one(opt, comparison, label, python, root, env):
    """Print the row of an interpreter. Return True if nothing differs."""
    scenes = Scenes(python, root, env)
    cells, found = [], []
    try:
        if not scenes.started:
            print("%-22s does not start" % label)
            return False
        for arguments in OPTIONS:
            found += [("live %s" % " ".join(arguments), *d) for d in
                      compare(opt, comparison, arguments + [scenes.pid], scenes.pid, label)]
        cells.append("%d runs, %s" % (len(OPTIONS), "%d differ" % len(found) if found else "same"))
        core = None if "asan" in label else scenes.core()
        before = len(found)
        for arguments in CORE_OPTIONS if core else []:
            found += [("core %s" % " ".join(arguments), *d) for d in
                      compare(opt, comparison, arguments + core, scenes.pid, label)]
        cells.append("no core" if not core else "%d runs, %s" % (
            len(CORE_OPTIONS), "%d differ" % (len(found) - before) if len(found) > before else "same"))
    finally:
        scenes.close()
    print("%-22s live: %-18s core: %s" % (label, *cells), flush=True)
    show(found)
    return not found


def show(found):
    """Print each difference once."""
    count = collections.Counter((how, what, *(texts if what == "exit status" else map(words.plain, texts)))
                                for how, what, *texts in found)
    for (how, what, old, new), n in list(count.items())[:40]:
        print("    %s: %s, %d times\n      - %s\n      + %s" % (how.strip(), what, n, old, new))


def table(comparison):
    print("\nmended: commit, times")
    for commit, n in comparison.mended.items():
        print("    %s: %d" % (commit, n))
    changed = sorted(key for key in comparison.words if key[1] != key[2])
    print("\nkind: words of the other build -> words of this one")
    for kind, old, new in changed:
        print("    %s: %s -> %s" % (kind, old or "(none)", new or "(none)"))
    print("    %d other texts are the same" % (len(comparison.words) - len(changed)))


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("--also", required=True, help="the other build")
    args.add_argument("--pystack", required=True)
    args.add_argument("--python", default="", help="only this interpreter")
    args.add_argument("--rows", default="", help="only rows of the matrix whose labels begin so; all: no others")
    opt = args.parse_args()
    comparison = Comparison()
    same = [] if opt.rows else [troubles(opt, comparison, opt.python or "/usr/bin/python3")]
    same += [one(opt, comparison, *which) for which in interpreters(opt)]
    table(comparison)
    print("%d rows, %d without differences" % (len(same), sum(same)))
    return 0 if same and all(same) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
