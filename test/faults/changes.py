#!/usr/bin/env python3
"""Look at processes that change all the time, and judge what pystack says.   make check-changes RUNS=600

Each run ends by itself with status 0, 1 or 2. What is missing is told: by a line on standard error or a
remark; if nothing is printed, by exactly one line. Targets go on. See changing.c for the changes.
"""
import argparse
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HANG = 120  # seconds; on a busy machine, too
WAYS = [[], ["--stop"], ["-i", "2ms", "-N", "3", "--no-bpf"], ["-c"]]
LIBRARIES = ["/lib/x86_64-linux-gnu/libcrypt.so.1", "/usr/lib64/libcrypt.so.1"]
REMARK = re.compile(r"^ {14}\(", re.M)
FREEZERS = ["/sys/fs/cgroup/freezer", "/sys/fs/cgroup"]


class Skip(Exception):
    pass


class Target:
    """One that changes until it ends."""
    once = False  # a new process for each run

    def __init__(self, setup, mode, *arguments):
        self.process = subprocess.Popen([self.program(setup), mode] + list(arguments), stdout=subprocess.PIPE)
        word = self.process.stdout.readline().split()
        if len(word) != 2 or word[0] != b"ready":
            self.end()
            raise Skip("the target does not start")
        self.pid = int(word[1])

    def program(self, setup):
        return setup.target

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def goes_on(self):
        """No thread is stopped, or has a tracer. Looks are counted, too: all may have stood still meanwhile."""
        end = time.monotonic() + 20
        looks = 0
        while True:
            looks += 1
            wrong = [text for text in self.states() if "\nTracerPid:\t0\n" not in text or
                     text.split("\nState:\t")[1][0] in "Tt"]
            if not wrong:
                return True
            if time.monotonic() > end and looks > 1000:
                return False
            time.sleep(0.001)

    def states(self):
        folder = "/proc/%d/task" % self.pid
        try:
            for thread in os.listdir(folder):
                try:
                    with open("%s/%s/status" % (folder, thread)) as f:
                        yield f.read()
                except OSError:
                    pass
        except OSError:
            pass


class Exit(Target):
    once = True

    def __init__(self, setup):
        super().__init__(setup, "exit", str(setup.random.randrange(30000)))


class Namespace(Target):
    once = True

    def __init__(self, setup):
        super().__init__(setup, "namespace", str(setup.random.randrange(30000)))


class SetId(Target):
    def __init__(self, setup):
        other = os.path.join(setup.folder, "set-id")
        shutil.copy(setup.target, other)
        shutil.chown(other, "nobody", "nogroup")
        os.chmod(other, 0o6755)
        plain = os.path.join(setup.folder, "changing")  # a set-id program may be in no directory but such
        shutil.copy(setup.target, plain)
        self.plain = plain
        super().__init__(setup, "set-id", other)

    def program(self, setup):
        return self.plain


class File(Target):
    def __init__(self, setup, mode):
        file = os.path.join(setup.folder, mode)
        shutil.copy(library(), file)
        super().__init__(setup, mode, file)


class Freezer(Target):
    """It is frozen and thawed all the time."""

    def __init__(self, setup):
        self.group = next((os.path.join(top, "pystack-changes-%d" % os.getpid()) for top in FREEZERS
                           if os.path.isdir(top)), None)
        try:
            os.mkdir(self.group)
        except (OSError, TypeError):
            raise Skip("no cgroup can be made")
        self.words = [("cgroup.freeze", b"1", b"0"), ("freezer.state", b"FROZEN", b"THAWED")]
        self.words = [w for w in self.words if os.path.exists(os.path.join(self.group, w[0]))]
        if not self.words:
            os.rmdir(self.group)
            raise Skip("cgroups cannot freeze")
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.change)
        super().__init__(setup, "runs")
        try:
            self.write("cgroup.procs", b"%d" % self.pid)
        except OSError as e:
            self.end()
            raise Skip("a process cannot be put into a cgroup: %s" % e.strerror)
        self.thread.start()

    def write(self, name, text):
        with open(os.path.join(self.group, name), "wb", buffering=0) as f:
            f.write(text)

    def change(self):
        name, frozen, thawed = self.words[0]
        while not self.over.wait(0.005):
            self.write(name, frozen)
            self.over.wait(0.005)
            self.write(name, thawed)

    def end(self):
        self.over.set()
        if self.thread.is_alive():
            self.thread.join()
        super().end()
        for _ in range(1000):
            try:
                os.rmdir(self.group)
                break
            except OSError:
                time.sleep(0.01)


def library():
    for path in LIBRARIES:
        if os.path.exists(path):
            return path
    raise Skip("no libcrypt.so.1")


SCENES = {
    "exit": Exit,
    "exec": lambda setup: Target(setup, "exec"),
    "set-id": SetId,
    "fork": lambda setup: Target(setup, "fork"),
    "vfork": lambda setup: Target(setup, "vfork"),
    "threads": lambda setup: Target(setup, "threads"),
    "library": lambda setup: Target(setup, "library", library()),
    "memory": lambda setup: Target(setup, "memory"),
    "truncated": lambda setup: File(setup, "truncated"),
    "replaced": lambda setup: File(setup, "replaced"),
    "freezer": Freezer,
    "namespace": Namespace,
}
ALSO = {"fork": [["-r"]], "vfork": [["-r"]]}


def run(command):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=HANG)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "hangs", "", ""
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")


def judge(status, out, err):
    """What is wrong, or None."""
    lines = err.splitlines()
    if status not in (0, 1, 2):
        return "status %s" % status
    for line in lines:
        if not line.startswith("pystack: ") and not line.startswith("\r"):
            return "says %s" % line
    if status == 1 and not lines and not REMARK.search(out) and not re.search(r" \?( \])?$", out, re.M):
        return "status 1, and nothing is said"
    if status == 2 and len(lines) != 1:
        return "status 2, and %d lines" % len(lines)
    return None


def normal(line, setup):
    line = line.replace(setup.folder, "DIR")
    line = re.sub(r"\b[0-9a-f]{40}\b|0x[0-9a-f]+|\b\d+\b", "N", line)
    return line


class Setup:
    def __init__(self, args):
        self.__dict__.update(vars(args))
        self.statuses = {name: collections.Counter() for name in SCENES}
        self.said = {name: collections.Counter() for name in SCENES}
        self.bad = []

    def look(self, name, target, way):
        command = [self.pystack] + way + [str(target.pid)]
        status, out, err = run(command)
        why = judge(status, out, err)
        self.statuses[name][status if why is None else "bad"] += 1
        self.said[name].update(normal(line, self) for line in err.splitlines())
        if why is None and name != "freezer" and not target.goes_on():
            why = "the target does not go on"
        if why is not None:
            self.bad.append("%s: %s: %s%s" % (name, " ".join(way), why, "".join(
                "\n    " + line for line in err.splitlines()[:5])))
            print(self.bad[-1], flush=True)


def sweep(setup, name, runs):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        mine = argparse.Namespace(**vars(setup))
        mine.folder = setup.folder = folder
        mine.random = random.Random(name)
        target = None
        try:
            for i in range(runs):
                if target is None:
                    target = SCENES[name](mine)
                ways = WAYS + ALSO.get(name, [])
                setup.look(name, target, ways[i % len(ways)])
                if target.once:
                    target.end()
                    target = None
                elif target.process.poll() is not None:
                    setup.bad.append("%s: the target has ended: %s" % (name, target.process.returncode))
                    print(setup.bad[-1], flush=True)
                    return
        except Skip as why:
            print("SKIP: %s: %s" % (name, why), flush=True)
        finally:
            if target is not None:
                target.end()


def table_of(setup):
    lines = ["# Targets that change", "", "Written by `make check-changes`, %s, Linux %s, %d processors: runs of"
             % (time.strftime("%Y-%m-%d", time.gmtime()), os.uname().release, os.cpu_count()),
             "pystack on each target by exit status. Status 2: one line, and nothing else.", "",
             "| change | runs | 0 | 1 | 2 | bad |", "|---|--:|--:|--:|--:|--:|"]
    for name, c in setup.statuses.items():
        if c:
            lines.append("| %s | %d | %s |" % (name, sum(c.values()), " | ".join(
                "%d" % c[key] for key in (0, 1, 2, "bad"))))
    lines += ["", "What was said most often:", ""]
    for name, said in setup.said.items():
        for line, n in said.most_common(setup.lines):
            lines.append("- %s: %d × `%s`" % (name, n, line.strip()))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    for name in "pystack", "target", "out":
        parser.add_argument("--" + name, type=os.path.abspath)
    parser.add_argument("--runs", type=int, default=600, help="of all scenes together")
    parser.add_argument("--lines", type=int, default=4, help="of each scene, in the table")
    parser.add_argument("--scenes", type=lambda text: [w for w in text.split(",") if w], default=[])
    setup = Setup(parser.parse_args())
    if os.geteuid() != 0:
        print("SKIP: targets that change: needs root")
        return
    names = setup.scenes or list(SCENES)
    each = -(-setup.runs // len(names))
    begin = time.monotonic()
    for name in names:
        sweep(setup, name, each)
    total = sum(sum(c.values()) for c in setup.statuses.values())
    print("%d runs on %d targets that change, %d bad, %.0f s" % (
        total, len(names), len(setup.bad), time.monotonic() - begin))
    if setup.out:
        with open(setup.out, "w") as f:
            f.write(table_of(setup))
    sys.exit(bool(setup.bad))


if __name__ == "__main__":
    main()
