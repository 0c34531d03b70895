#!/usr/bin/env python3
"""What `pystack --at` costs the processes that it observes.   probes.py PYSTACK [PART]...

Prints Markdown; needs root. Parts, all by default:
  stacks   processor time of a write(2) in a loop, by the size of the used stack, beside bpftrace
  rate     events a second of processes that write in a loop, one on each processor
  clone    `hg clone` of a repository of 900 files, with and without a probe at each write(2)
  stop     time of a write(2) under write.bt, which stops the process
  clock    processor time of pystack at profile:997 of a process of 100 threads
PYTHON in the environment: the interpreter of the targets. The least of several rounds is printed: what
else goes on adds to all of them.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PYTHON = os.environ.get("PYTHON", "/usr/bin/python3")
ROUNDS = 5
TARGET = '''
import os, sys, threading, time
fd = os.open("/dev/null", os.O_WRONLY)
def loop(n):
    write = os.write
    begin = time.thread_time()
    for i in range(n):
        write(fd, b"x")
    return (time.thread_time() - begin) / n
def serve():
    for line in iter(lambda: os.read(0, 64), b""):
        os.write(1, b"%.12f\\n" % loop(int(line)))
def down(n):
    return list(map(down, [n - 1])) if n else serve()
def wait():
    threading.Event().wait()
def spin():
    while True:
        sum(range(1000))
if sys.argv[1] == "clock":
    for i in range(99):
        threading.Thread(target=wait, daemon=True).start()
    os.write(1, b"ready\\n")
    spin()
sys.setrecursionlimit(100000)
down(int(sys.argv[1]))
'''


class Target:
    """The program above. Its stack has a frame of Python and some of C for each unit of depth."""

    def __init__(self, what):
        self.process = subprocess.Popen([PYTHON, "-c", TARGET, str(what)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, bufsize=0)
        self.pid = self.process.pid

    def used(self):
        """Wait until it waits for a command. Return the bytes of its used stack."""
        while True:
            with open("/proc/%d/syscall" % self.pid) as now:
                words = now.read().split()
            if words[:2] == ["0", "0x0"]:
                break
            time.sleep(0.01)
        with open("/proc/%d/stat" % self.pid) as stat:
            start = int(stat.read().rpartition(")")[2].split()[25])
        return start - int(words[-2], 16)

    def begin(self, n):
        self.process.stdin.write(b"%d\n" % n)

    def result(self):
        """Return the microseconds of a call."""
        return float(self.process.stdout.readline()) * 1e6

    def least(self, n):
        times = []
        for _ in range(ROUNDS):
            self.begin(n)
            times.append(self.result())
        return min(times[1:])

    def end(self):
        self.process.kill()
        self.process.wait()


class Observer:
    """A tool that counts stacks; it says when it is attached."""

    def __init__(self, command, ready):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.pid = self.process.pid
        for line in self.process.stdout:
            if line.startswith(ready):
                return
        sys.exit("%s: not attached" % command[0])

    def end(self):
        """Return what it has printed."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate()[0]


def observe(pystack, probe, *pids):
    return Observer([pystack, "-v", "-c", "--at", probe] + [str(pid) for pid in pids], "pystack: attached")


def bpftrace(pid):
    return Observer(["bpftrace", "-e", 'BEGIN { printf("attached\\n"); } tracepoint:syscalls:sys_enter_write '
                                       "/pid == %d/ { @[ustack(perf, 127)] = count(); }" % pid], "attached")


def losses(text):
    """Return the lines that say what was lost."""
    return [line for line in text.splitlines() if line.startswith("pystack: ") and "lost" in line]


def stacks(pystack):
    print("| used stack | Python frames | without | pystack --at | added | bpftrace ustack | added |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for depth, n in ((0, 50000), (3, 50000), (10, 50000), (22, 50000), (97, 20000), (1600, 2000)):
        target = Target(depth)
        used, alone = target.used(), target.least(n)
        tool = observe(pystack, "syscall:write", target.pid)
        ours = target.least(n)
        text = tool.end()
        if losses(text):
            sys.exit(text)
        theirs = None
        if shutil.which("bpftrace"):
            tool = bpftrace(target.pid)
            theirs = target.least(n)
            tool.end()
        print("| %.1f KB | %d | %.2f | %.2f | %.2f | %s | %s |" % (
            used / 1024, depth + 3, alone, ours, ours - alone, "%.2f" % theirs if theirs else "–",
            "%.2f" % (theirs - alone) if theirs else "–"), flush=True)
        target.end()


def rate(pystack):
    n = 500000
    targets = [Target(0) for _ in range(os.cpu_count())]
    for target in targets:
        target.used()
    tool = observe(pystack, "syscall:write", *[target.pid for target in targets])
    begin = time.monotonic()
    for target in targets:
        target.begin(n)
    for target in targets:
        target.result()
    seconds = time.monotonic() - begin
    text = tool.end()
    for target in targets:
        target.end()
    counted = [int(line.split()[1]) for line in text.splitlines() if line.endswith("distinct stacks")]
    print("%d processes, %d calls each: %.0f events a second, %s counted, lost: %s" % (
        len(targets), n, n * len(targets) / seconds, counted, losses(text) or "none"), flush=True)


TIMED = '''
import subprocess, sys, time
begin = time.monotonic()
subprocess.run(sys.argv[2:], check=True)
with open(sys.argv[1], "w") as out:
    out.write(str(time.monotonic() - begin))
'''


def timed(tool, note, command):
    """Return the seconds of a command that the tool runs, and those of both."""
    begin = time.monotonic()
    subprocess.run(tool + [sys.executable, "-c", TIMED, note] + command, check=True,
                   stdout=subprocess.DEVNULL)
    with open(note) as seconds:
        return float(seconds.read()), time.monotonic() - begin


def clone(pystack):
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as place:
        source, copy, note = [os.path.join(place, name) for name in ("source", "copy", "note")]
        os.environ["HGRCPATH"] = ""
        subprocess.run(["hg", "init", source], check=True)
        for i in range(900):
            name = os.path.join(source, "d%d" % (i % 30), "file%d.txt" % i)
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name, "w") as out:
                out.write("".join("line %d of file %d\n" % (k, i) for k in range(50)))
        subprocess.run(["hg", "--cwd", source, "-q", "commit", "-A", "-u", "nobody", "-m", "all"], check=True)
        command = ["hg", "clone", "-q", "--pull", source, copy]
        probed = [pystack, "-r", "-c", "--at", "syscall:write", "-t", "1", "--"]
        alone, with_it, whole = [], [], []
        for _ in range(ROUNDS):
            alone.append(timed([], note, command)[0])
            shutil.rmtree(copy)
            inner, outer = timed(probed, note, command)
            with_it.append(inner)
            whole.append(outer)
            shutil.rmtree(copy)
    print("hg clone: %.3f s; with --at syscall:write -c %.3f s, %.2f times; with the start and the end of "
          "pystack %.3f s" % (min(alone), min(with_it), min(with_it) / min(alone), min(whole)), flush=True)


def stop(pystack):
    scripts = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../cmd/scripts")
    n = 20
    target = Target(10)
    target.used()
    with tempfile.TemporaryDirectory() as place:
        os.symlink(pystack, os.path.join(place, "pystack"))
        shutil.copy(os.path.join(scripts, "pystack-stopped"), place)  # it looks beside itself
        tool = subprocess.Popen(["bpftrace", "--unsafe", os.path.join(scripts, "write.bt"), str(target.pid), "3"],
                                env=dict(os.environ, PATH=place + ":" + os.environ["PATH"]),
                                stdout=subprocess.DEVNULL)
        time.sleep(3)  # until it is attached
        begin = time.monotonic()
        target.begin(n)
        target.result()
        print("write.bt, which stops the process: %.1f ms a call" % ((time.monotonic() - begin) * 1000 / n),
              flush=True)
        tool.send_signal(signal.SIGINT)
        tool.wait()
    target.end()


def processor_time(pid):
    with open("/proc/%d/stat" % pid) as stat:
        words = stat.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def clock(pystack):
    target = Target("clock")
    target.process.stdout.readline()
    tool = observe(pystack, "profile:997", target.pid)
    time.sleep(3)  # the first stacks are read
    begin = processor_time(tool.pid)
    time.sleep(30)
    used = processor_time(tool.pid) - begin
    text = tool.end()
    target.end()
    print("profile:997, 100 threads, 30 s: %.2f s of processor time, %.2f %% of one core; lost: %s" % (
        used, used / 0.30, losses(text) or "none"))


def main():
    parts = {"stacks": stacks, "rate": rate, "clone": clone, "stop": stop, "clock": clock}
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for name in sys.argv[2:] or parts:
        parts[name](os.path.abspath(sys.argv[1]))


if __name__ == "__main__":
    main()
