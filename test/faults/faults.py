#!/usr/bin/env python3
"""Make each request of pystack to the system fail, and judge what it prints.   make check-faults

The targets do not move (still.py), so what an undisturbed run prints is the truth. A run with a fault must
print the same, or say what is missing: by a line on standard error or a remark, and an exit status that is
not 0. It prints no line that the truth does not have in the same thread, unless the line is marked. It
neither crashes nor hangs, and leaves the target as it was. See inject.c and refuse.c for the faults.
"""
import argparse
import collections
import concurrent.futures
import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
HANG = 60  # seconds
ERRORS = ["EINTR", "EIO", "EMFILE", "ENOMEM", "EPERM", "short"]
ENDLESS = ["EINTR", "EIO", "EMFILE", "ENOMEM", "EPERM"]
SIGNALS = ["INT", "TERM", "PIPE", "KILL"]
# name: mode of still.py, how it is stopped, options
SCENES = {
    "live": ("runs", "", []),
    "blocked": ("", "", []),
    "stopped": ("", "STOP", []),
    "--stop": ("runs", "", ["--stop"]),
    "core": ("", "CORE", []),
    "-g": ("", "", ["-g"]),
    "-l": ("", "", ["-l"]),
    "-a": ("tasks", "", ["-a"]),
    "-i": ("runs", "", ["-i", "20ms", "-N", "2", "--no-bpf"]),
    "-o json": ("runs", "", ["-o", "json"]),
    "--at": ("calls", "", ["--at", "syscall:getppid", "-N", "2"]),
}
MEASURING = "-i", "--at"
OF_USER = "live", "core", "-g"  # start children
VARYING = re.compile(r'"(time|pause_ns)":[0-9.]+|"messages":\[[^]]*\]|"pthread_id":"[^"]*",')
HEADER = re.compile(r"-+ (.*?) -+$")
WHO = re.compile(r"(event loop \S+|thread# \d+|greenlet \S+|task \S+)")
STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ ", re.M)
BARE = re.compile(r"^ {14}(?:(\S+)`)?0x[0-9a-f]+(?: \(.*\))?$")
BY_POINTER = " " * 14 + "(by frame pointer: frames may be missing here)"  # marks the frame that follows
PROCESS = re.compile(r"\d+:\t")
VALUE = " " * 20
NUMBER = re.compile(r" *\d+$")  # of times that a stack was counted
MARKED = re.compile(r"(^ +\.\.\.| \?|\?\)? \]|\?)$")


def call_names():
    """Numbers of system calls, by the system's headers."""
    names = {}
    for path in "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h":
        if os.path.exists(path):
            for name, number in re.findall(r"#define __NR_(\w+) (\d+)", open(path).read()):
                names[int(number)] = name
    return names


class Result(collections.namedtuple("Result", "status out err")):
    pass


def run(command, env=None, give=None, file=None):
    """give(process): called while it runs. file: open, what is printed goes there and is read from there."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file or subprocess.PIPE,
                               stderr=subprocess.PIPE, env=dict(os.environ, **(env or {})))
    if give:
        give(process)
    try:
        out, err = process.communicate(timeout=HANG)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Result("hang", "", "")
    if file:
        file.seek(0)
        out = file.read()
    return Result(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def sections(text):
    """Lines by the header that they follow."""
    found, now = collections.OrderedDict(), ""
    for line in text.splitlines():
        header = HEADER.match(line)
        if header:
            who = WHO.search(line)
            now = who.group(1) if who else header.group(1)
            found.setdefault(now, [])
        else:
            found.setdefault(now, []).append(line)
    return found


def is_remark(line):
    return line.startswith(" " * 14 + "(")


def is_poorer(line, true):
    """The same frame or process, with less said of it; or a stack that was counted less often."""
    if NUMBER.match(line) and NUMBER.match(true):
        return int(line) <= int(true)
    process = PROCESS.match(line)
    if process:  # its arguments could not be read, or not all
        return true.startswith(process.group())
    bare = BARE.match(line)
    return bool(bare) and true.startswith(" " * 14) and true[14] not in "( " and (
        bare.group(1) is None or true.startswith(" " * 14 + bare.group(1) + "`"))


def foreign(lines, truth):
    """The first line that is not in the truth, where the lines before it have their places; or None."""
    at, marked = 0, False
    for line in lines:
        if line == "":
            continue
        if is_remark(line):
            marked = line == BY_POINTER
            continue
        if marked or MARKED.search(line):
            marked = False
            continue
        for k in range(at, len(truth)):
            if line == truth[k] or truth[k].startswith(line + " (") or is_poorer(line, truth[k]):
                at = k + 1
                break
        else:
            return line
    return None


def as_user(name):
    return ["setpriv", "--reuid=" + name, "--regid=nogroup", "--clear-groups"] if name else []


class Scene:
    def __init__(self, name, setup, folder, user=None, pystack=None, library=None):
        self.name, self.setup, self.folder = name, setup, folder
        mode, how, self.options = SCENES[name]
        program = shutil.copy(os.path.join(HERE, "still.py"), folder)  # a user may not see this folder
        command = as_user(user) + [PYTHON, program, library or setup.library, mode]
        self.target = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder)
        if self.target.stdout.readline() != b"ready\n":
            raise SystemExit("still.py does not start")
        self.operand = str(self.target.pid)
        if how == "CORE":
            self.make_core()
        elif how == "STOP":
            os.kill(self.target.pid, signal.SIGSTOP)
            self.await_states("T")
        self.states = "T" if how == "STOP" else "RSD"
        self.command = as_user(user) + [pystack or setup.pystack] + self.options + [self.operand]
        self.whole = self.undisturbed()

    def make_core(self):
        path = os.path.join(self.folder, "core")
        subprocess.run(["gcore", "-o", path, self.operand], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.operand = path + "." + self.operand
        self.end()

    def end(self):
        self.target.kill()
        self.target.wait()

    def undisturbed(self):
        whole = run(self.command)
        for _ in range(50):  # its first thread is on its way to where it stays
            again, before = run(self.command), whole
            whole = again
            if self.normal(again.out) == self.normal(before.out):
                break
            time.sleep(0.1)
        if whole.status != 0 or self.normal(before.out) != self.normal(whole.out):
            raise SystemExit("%s: what is printed differs from run to run: %s%s" % (
                self.name, self.difference(self.normal(before.out), self.normal(whole.out)), whole.err))
        return whole._replace(out=self.normal(whole.out))

    def normal(self, out):
        return VARYING.sub("", STAMP.sub("", out))

    def states_are(self, wanted):
        for thread in os.listdir("/proc/%d/task" % self.target.pid):
            try:
                text = open("/proc/%d/task/%s/status" % (self.target.pid, thread)).read()
            except OSError:
                continue
            if "\nTracerPid:\t0\n" not in text or text.split("\nState:\t")[1][0] not in wanted:
                return False
        return True

    def await_states(self, wanted):
        """The kernel releases tracees a moment after their tracer has ended."""
        end = time.monotonic() + 10
        while not self.states_are(wanted):
            if time.monotonic() > end:
                return False
            time.sleep(0.001)
        return True

    def judge(self, got, by_signal, mute):
        """A word for the outcome, and what is wrong or None. mute: it could not say anything."""
        out = self.normal(got.out)
        if self.target.returncode is None and not self.await_states(self.states):
            return "bad", "the target is not as it was"
        if got.status == "hang":
            return "bad", "hangs"
        if by_signal and got.status == -by_signal:
            return "ended", None
        if got.status not in (0, 1, 2):
            return "bad", "status %s %s" % (got.status, got.err[:200])
        if got.status == 0 and out == self.whole.out:
            return "same", None
        if got.status == 0 and self.values_lack(out):
            return "told", None
        # A measurement may be ended, and its result is printed.
        ended = by_signal in (signal.SIGINT, signal.SIGTERM) and self.name in MEASURING
        if got.status == 0 and not ended:
            return "bad", "status 0: " + self.difference(out)
        if self.name in MEASURING:
            true = [stack.splitlines() for stack in self.whole.out.split("\n\n")]
            for stack in out.split("\n\n"):
                lines = [foreign(stack.splitlines(), one) for one in true]
                if None not in lines:
                    return "bad", "status %s: %s" % (got.status, lines[0])
        elif self.name != "-o json":
            true = sections(self.whole.out)
            for who, lines in sections(out).items():
                line = foreign(lines, true.get(who, []))
                if who not in true or line is not None:
                    return "bad", "status %s: in %s: %s" % (got.status, who, line)
        remarks = [sum(map(is_remark, text.splitlines())) for text in (out, self.whole.out)]
        said = [line for line in got.err.splitlines() if line not in self.whole.err]
        if got.status == 0:
            return "ended", None
        if not said and remarks[0] <= remarks[1] and not mute:
            return "bad", "status %s, and nothing is said" % got.status
        return "told", None

    def values_lack(self, out):
        """Nothing differs but values, of which a part is `?` or left out by `...`."""
        frames, marks = [], []
        for text in self.whole.out, out:
            lines = text.splitlines()
            frames.append([line for line in lines if not line.startswith(VALUE)])
            marks.append(sum(line.count("?") + line.count("...") for line in lines if line.startswith(VALUE)))
        return frames[0] == frames[1] and marks[0] < marks[1]

    def difference(self, out, whole=None):
        a, b = (whole or self.whole.out).splitlines(), out.splitlines()
        for i in range(max(len(a), len(b))):
            x, y = a[i:i + 1], b[i:i + 1]
            if x != y:
                return "line %d: %.200s, not %.200s" % (i + 1, y, x)
        return "line ends"


class Setup:
    def __init__(self, args):
        self.__dict__.update(vars(args))
        self.names = call_names()
        self.table = collections.defaultdict(collections.Counter)  # (scene, fault): outcomes
        self.bad = []
        self.lock = threading.Lock()

    def note(self, scene, fault, detail, got, by_signal=0, mute=False):
        word, why = scene.judge(got, by_signal, mute)
        with self.lock:
            self.table[scene.name, fault][word] += 1
            if why:
                line = "%s: %s: %s: %s" % (scene.name, fault, detail, why)
                self.bad.append(line)
                print(line, flush=True)

    def one_of(self, words):
        return [self.random.choice(words)] if self.quick else words

    def some(self, n):
        """Which of n requests fail."""
        if self.quick:
            return [1 + self.random.randrange(n)]
        if self.all or n <= self.few:
            return range(1, n + 1)
        step = (n - 1) / (self.few - 1)
        return sorted({1 + round(i * step) for i in range(self.few)})


def inject(setup, scene, what):
    return run([setup.inject, what] + scene.command)


def sweep_calls(setup, scene):
    path = os.path.join(scene.folder, "counts")
    inject(setup, scene, path)
    counts = [tuple(map(int, line.split())) for line in open(path)]
    for number, n in counts:
        name = setup.names.get(number, str(number))
        for error in ERRORS if name != "futex" else ["EINTR"]:  # glibc ends the program otherwise
            what = error if error == "short" else str(getattr(errno, error))
            for k in setup.some(n):
                got = inject(setup, scene, "%d:%d:%s" % (number, k, what))
                setup.note(scene, error, "%s %d of %d" % (name, k, n), got)
        for error in setup.one_of(ENDLESS) if name != "futex" else []:
            got = inject(setup, scene, "%d:1+:%d" % (number, getattr(errno, error)))
            setup.note(scene, "endless " + error, "each " + name, got, mute=name == "write")
        for word in setup.one_of(SIGNALS):
            number_of = getattr(signal, "SIG" + word)
            for k in setup.some(n):
                got = inject(setup, scene, "%d:%d:kill-%d" % (number, k, number_of))
                setup.note(scene, word + " at a call", "%s %d of %d" % (name, k, n), got, number_of)


def sweep_memory(setup, scene):
    path = os.path.join(scene.folder, "requests")
    env = {"LD_PRELOAD": setup.refuse, "REFUSE_COUNT": path}
    run(scene.command, dict(env, REFUSE="memory:0"))
    n = int(open(path).read())
    for k in setup.some(n) if setup.all else range(1, n + 1, n // (8 if setup.quick else 8 * setup.few) + 1):
        for endless in "", ":":
            got = run(scene.command, dict(env, REFUSE="memory:%d%s" % (k, endless)))
            setup.note(scene, "allocation" + (" and all later" if endless else ""), "%d of %d" % (k, n), got)


def sweep_limits(setup, scene):
    limits = [("--data=%d", [(1 << 16) * i for i in range(1, 65)]),
              ("--as=%d", [(1 << 20) * i for i in range(4, 68)]),
              ("--nofile=%d", list(range(3, 35))), ("--stack=%d", [(1 << 14) * i for i in range(1, 17)]),
              ("--cpu=%d:3", [0, 1]), ("--fsize=%d", [0, 1, 100, 2000])]
    for form, values in limits:
        for value in values if setup.all else values[::16] if setup.quick else values[::8] + values[1:8:3]:
            with tempfile.TemporaryFile() as file:
                got = run(["prlimit", form % value] + scene.command, file=file if "fsize" in form else None)
            # The program did not even start.
            if got.status in (126, 127, -signal.SIGKILL, -signal.SIGSEGV) and got.out == "" and "\npystack:" not in got.err:
                continue
            if "fsize" in form and got.status != 0:
                got = got._replace(out=got.out[:got.out.rfind("\n") + 1])
            setup.note(scene, "limit of " + form[2:].split("=")[0], form % value, got,
                       signal.SIGXCPU if "cpu" in form else 0)


def sweep_user(setup, name, folder):
    """A user who may have no more processes. Root may."""
    programs = {}
    for part in "pystack", "library":
        programs[part] = os.path.join(folder, os.path.basename(getattr(setup, part)))
        shutil.copy(getattr(setup, part), programs[part])
    os.chmod(folder, 0o755)
    user = "nobody"
    scene = Scene(name, setup, folder, user, **programs)
    try:
        for value in 0, 1:
            # Who becomes this user with too many processes may execute nothing.
            n = len(as_user(user))
            command = scene.command[:n] + ["prlimit", "--nproc=%d" % value] + scene.command[n:]
            setup.note(scene, "limit of nproc", "%d" % value, run(command))
    finally:
        scene.end()


def sweep_moments(setup, scene):
    """Signals at random moments of a run."""
    begin = time.monotonic()
    run(scene.command)
    length = time.monotonic() - begin
    for word in SIGNALS:
        number = getattr(signal, "SIG" + word)
        for i in range(1000 if setup.all else 2 if setup.quick else 20):
            moment = setup.random.random() * length

            def give(process):
                time.sleep(moment)
                process.send_signal(number)
            got = run(scene.command, give=give)
            setup.note(scene, word + " at a moment", "after %.2f ms" % (moment * 1e3), got, number)


def sweep(setup, name):
    with tempfile.TemporaryDirectory() as folder:
        try:
            scene = Scene(name, setup, folder)
        except SystemExit as why:
            print("SKIP: %s: %s" % (name, why), flush=True)
            with setup.lock:
                setup.skipped.append(name)
            return
        try:
            for part in sweep_calls, sweep_memory, sweep_limits, sweep_moments:
                if not setup.parts or part.__name__[6:] in setup.parts:
                    part(setup, scene)
        finally:
            scene.end()
    if name in OF_USER and (not setup.parts or "limits" in setup.parts):
        with tempfile.TemporaryDirectory() as folder:
            sweep_user(setup, name, folder)


def table_of(setup):
    """Faults x outcomes, as Markdown."""
    names = list(SCENES)
    lines = ["# Faults", "", "Written by `make check-faults%s`, %s, Linux %s, %d processors: runs of pystack that print" % (
        setup.all and " ALL=yes" or setup.quick and " QUICK=yes" or "", time.strftime("%Y-%m-%d", time.gmtime()),
        os.uname().release, os.cpu_count()),
        "the same as without the fault / that say what is missing / that a signal ended / **that are wrong**.",
        "", "| fault | " + " | ".join(names) + " |", "|---|" + "--:|" * len(names)]
    faults = []
    for _, fault in setup.table:
        if fault not in faults:
            faults.append(fault)
    for fault in faults:
        cells = []
        for name in names:
            c = setup.table.get((name, fault))
            cells.append("–" if not c else " / ".join(
                "%d" % c[word] for word in ("same", "told")) + (
                    " / %d" % c["ended"] if c["ended"] else "") + (" / **%d**" % c["bad"] if c["bad"] else ""))
        lines.append("| %s | %s |" % (fault, " | ".join(cells)))
    return "\n".join(lines) + "\n"


def listed(text):
    return [word.strip() for word in text.split(",") if word.strip()]


def main():
    parser = argparse.ArgumentParser()
    for name in "pystack", "inject", "library", "refuse", "out":
        parser.add_argument("--" + name, type=os.path.abspath)
    parser.add_argument("--all", action="store_true", help="each call and allocation, 1,000 moments")
    parser.add_argument("--quick", action="store_true", help="each error of each call once, one signal")
    parser.add_argument("--few", type=int, default=3, help="of each call as many, without --all")
    for name, what in ("scenes", ", ".join(SCENES)), ("parts", "calls, memory, limits, moments"):
        parser.add_argument("--" + name, type=listed, default=[], help="some of: %s; with commas" % what)
    parser.add_argument("--seed", type=int, default=1)
    setup = Setup(parser.parse_args())
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it
    setup.random = random.Random(setup.seed)
    setup.skipped = []
    names = setup.scenes or list(SCENES)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for future in [pool.submit(sweep, setup, name) for name in names]:
            future.result()
    total = sum(sum(c.values()) for c in setup.table.values())
    print("%d runs with faults in %d scenes, %d bad" % (total, len(names) - len(setup.skipped), len(setup.bad)))
    if setup.out:
        with open(setup.out, "w") as f:
            f.write(table_of(setup))
    sys.exit(bool(setup.bad))


if __name__ == "__main__":
    main()
