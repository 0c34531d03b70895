#!/usr/bin/env python3
"""Servers under load while pystack captures them in a tight loop.

    soak.py --pystack FILE --time SECONDS [--loads 'idle saturated'] [--ways NAME,…] [--store FILE]

The servers are gunicorn with threads and a server of asyncio; wrk asks them on loopback. Slices of time
without and with pystack alternate, so that other load on the machine hits all of them. Of each way of
capturing it tells the requests, those that failed, the latencies, and what grew. The exit status is 1 if a
request failed, a capture failed, memory or descriptors grew, or a server was left stopped.

A capture whose target has ended meanwhile (a child process of a request) is not a failure: the operands are
the servers' own processes, which stay.
"""
import argparse
import collections
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # Debian's, for which its gunicorn is installed
CONNECTIONS = 8
LONGEST = 30  # seconds after which a request is late, and a capture hangs
# What a sampler may grow by in each slice: it keeps a text for each distinct stack.
GROWTH = 64 << 20
ROUNDS = 3
LONG_ENOUGH = 10  # seconds of a slice after which a sampler is in place
REPEATS = 20  # of all slices, because the machine stood still
SILENT = "build/soak-silent.txt"  # the last output with exit status 1 without a word
MARKS = (b"?", b"could not be read", b"...", b"(it was stopped later than the others)")
BUSY = "while True: pass"

# Ways of capturing: (name, arguments of pystack, whether it runs for the whole slice).
WAYS = [
    ("without", None, False),
    ("pystack", [], False),
    ("--stop", ["--stop"], False),
    ("-l -a", ["-l", "-a"], False),
    ("-i 10ms -c", ["-i", "10ms", "-c"], True),
    ("-i 10ms -c --no-bpf", ["-i", "10ms", "-c", "--no-bpf"], True),
    ("--at -c", ["-c", "--at", "profile:997", "--at", "syscall:sendto", "--at", "off-cpu"], True),
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as listed:
        return [int(word) for word in listed.read().split()]


class Server:
    def __init__(self, name, command, workers):
        self.name, self.port = name, free_port()
        command = [word.replace("PORT", str(self.port)) for word in command]
        self.process = subprocess.Popen(command, cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))
        end = time.monotonic() + LONGEST
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                self.pids = [self.process.pid] + children(self.process.pid)
                if len(self.pids) == 1 + workers:
                    return
            except OSError:
                pass
            if time.monotonic() > end or self.process.poll() is not None:
                sys.exit("%s does not start" % name)
            time.sleep(0.05)

    def stopped(self):
        """Return the threads that are stopped or traced."""
        found = []
        for pid in self.pids:
            for lwp in os.listdir("/proc/%d/task" % pid):
                try:
                    with open("/proc/%d/task/%s/stat" % (pid, lwp)) as stat:
                        if stat.read().rpartition(")")[2].split()[0] in "Tt":
                            found.append(int(lwp))
                except OSError:
                    pass  # it has ended
        return found

    def more_descriptors(self, before):
        """Return how many more it has once it has seen that its clients are gone."""
        for _ in range(100):
            if descriptors(self.pids) <= before:
                break
            time.sleep(0.05)
        return descriptors(self.pids) - before

    def end(self):
        self.process.terminate()
        self.process.wait()


def resident(pids):
    """Return the bytes of the processes' own memory: files, and buffers shared with the kernel, are not in it."""
    total = 0
    for pid in pids:
        with open("/proc/%d/status" % pid) as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    total += int(line.split()[1]) << 10
    return total


def descriptors(pids):
    return sum(len(os.listdir("/proc/%d/fd" % pid)) for pid in pids)


class Pauses:
    """Notes when the whole machine stood still, as virtual machines do. No test can tell that from a hold, but
    for this: the slice is measured again."""

    STEP, PAUSE = 0.02, 0.5

    def __init__(self):
        self.n = 0
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        try:  # ahead of everything else, so that load is no pause
            os.sched_setscheduler(threading.get_native_id(), os.SCHED_FIFO, os.sched_param(2))
        except OSError:
            pass
        last = time.monotonic()
        while True:
            time.sleep(self.STEP)
            now = time.monotonic()
            self.n += now - last > self.PAUSE
            last = now


class Captures:
    """Captures of a server during a slice, in a thread of their own."""

    def __init__(self, pystack, arguments, long, pids):
        if "-i" in arguments:
            pids = pids[-1:]  # it samples one process
        self.command = [pystack] + arguments + [str(pid) for pid in pids]
        self.long, self.pids = long, pids
        self.statuses, self.errors = collections.Counter(), collections.Counter()
        self.lines = self.grown = self.more = self.silent = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.sample if long else self.repeat)
        self.thread.start()

    def take(self, process, out, err):
        self.statuses[process.returncode] += 1
        # Each of these is a mark or a remark of what is missing.
        if process.returncode == 1 and not err and not any(mark in out for mark in MARKS):
            self.silent += 1
            with open(SILENT, "wb") as kept:
                kept.write(out)
        self.lines += out.count(b"\n")
        for line in err.decode(errors="replace").splitlines():
            self.errors[line] += 1

    def repeat(self):
        while not self.done.is_set():
            process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                out, err = process.communicate(timeout=LONGEST)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
            if any(out.count(b"\n%d:" % pid) + out.startswith(b"%d:" % pid) != 1 for pid in self.pids):
                self.errors["a process is missing"] += 1
            self.take(process, out, err)

    def sample(self):
        """Run one pystack for the whole slice. What it has after a third of it is the measure of its growth."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(self.command, stdout=out, stderr=err)
            before = None
            while not self.done.wait(self.third):
                now = resident([process.pid]), descriptors([process.pid])
                if before is not None:
                    self.grown, self.more = now[0] - before[0], now[1] - before[1]
                before = before or now
            process.send_signal(signal.SIGINT)
            try:
                process.wait(LONGEST)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            out.seek(0)
            err.seek(0)
            self.take(process, out.read(), err.read())

    third = 1.0

    def end(self):
        self.done.set()
        self.thread.join()


class Total:
    """What was seen of one server with one way of capturing."""

    def __init__(self):
        self.requests = self.us = self.failed = self.late = self.captures = self.lines = self.silent = 0
        self.p50, self.p99, self.most, self.grown, self.more = [], [], 0, [], []
        self.statuses, self.errors = collections.Counter(), collections.Counter()
        self.target_grown, self.target_more, self.stopped, self.long_enough = [], [], 0, False

    def wrong(self, alone):
        """Return what must not be, as texts. alone: what was seen without pystack."""
        found = []
        if self.failed + self.late > alone.failed + alone.late:
            found.append("%d requests failed, %d were late" % (self.failed, self.late))
        for status, n in sorted(self.statuses.items()):
            if status not in (0, 1):
                found.append("%d times exit status %d" % (n, status))
        if self.silent:
            found.append("%d times exit status 1 without a word: %s" % (self.silent, SILENT))
        if self.errors["a process is missing"]:
            found.append("%d times a process is missing" % self.errors["a process is missing"])
        if self.grown and min(self.grown) > GROWTH:
            found.append("pystack grew by %d kB in each slice" % (min(self.grown) >> 10))
        if self.more and min(self.more) > 0 and self.long_enough:
            found.append("pystack's descriptors grew in each slice")
        if min(self.target_more) > 0:
            found.append("the server's descriptors grew in each slice")
        if self.stopped:
            found.append("%d threads were left stopped" % self.stopped)
        return found


PAUSES = Pauses()


def one_slice(total, server, pystack, arguments, long, seconds):
    """Add a slice to the total. Return False if the machine stood still meanwhile: nothing is added."""
    pauses = PAUSES.n
    before = resident(server.pids), descriptors(server.pids)
    Captures.third = max(seconds / 3, 0.5)
    captures = Captures(pystack, arguments, long, server.pids) if arguments is not None else None
    wrk = subprocess.run(["wrk", "-t1", "-c%d" % CONNECTIONS, "-d%ds" % seconds, "--timeout", "%ds" % LONGEST,
                          "-s", os.path.join(HERE, "load.lua"), "http://127.0.0.1:%d/" % server.port],
                         stdout=subprocess.PIPE, check=True)
    if captures:
        captures.end()
    total.stopped += len(server.stopped())
    if PAUSES.n != pauses:
        return False
    if captures:
        total.captures += sum(captures.statuses.values())
        total.statuses += captures.statuses
        total.errors += captures.errors
        total.lines += captures.lines
        total.silent += captures.silent
        if long:
            total.grown.append(captures.grown)
            total.more.append(captures.more)
    seen = json.loads(wrk.stdout.splitlines()[-1])
    total.requests += seen["requests"]
    total.us += seen["us"]
    total.failed += seen["failed"]
    total.late += seen["late"]
    total.p50.append(seen["p50"])
    total.p99.append(seen["p99"])
    total.most = max(total.most, seen["most"])
    total.target_grown.append(resident(server.pids) - before[0])
    total.target_more.append(server.more_descriptors(before[1]))
    total.long_enough = seconds >= LONG_ENOUGH
    return True


def middle(values):
    return sorted(values)[len(values) // 2]


def table(totals):
    yield ("| server | capturing | requests/s | of without | failed | p50 ms | p99 ms | longest ms | captures | "
           "status 0 | servers grew kB | pystack grew kB |")
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for name, ways in totals.items():
        alone = ways["without"].requests / ways["without"].us
        for way, total in ways.items():
            yield "| %s | %s | %.0f | %.2f | %d | %.1f | %.1f | %.0f | %s | %s | %d | %s |" % (
                name, way, total.requests / total.us * 1e6, total.requests / total.us / alone,
                total.failed + total.late, middle(total.p50) / 1e3, middle(total.p99) / 1e3, total.most / 1e3,
                total.captures or "", total.statuses[0] or "", middle(total.target_grown) >> 10,
                middle(total.grown) >> 10 if total.grown else "")


def can_probe(pystack):
    """Does the kernel allow probes here? Says why not."""
    tried = subprocess.run([pystack, "-c", "--at", "profile:97", "-d", "10ms", str(os.getpid())],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if tried.returncode == 2:
        print("SKIP: --at: " + tried.stderr.decode(errors="replace").strip())
    return tried.returncode != 2


def run(pystack, load, seconds, names):
    """Return {server: {way: Total}} of one load of the machine, the seconds of a slice, and how many were repeated."""
    ways = [way for way in WAYS if way[1] is None or not names or way[0] in names]
    if not can_probe(pystack):
        ways = [way for way in ways if way[1] is None or "--at" not in way[1]]
    each = max(int(seconds / (2 * len(ways) * ROUNDS)), 2)
    busy, again = [], 0
    if load == "saturated":
        busy = [subprocess.Popen([PYTHON, "-c", BUSY]) for _ in range(2 * os.cpu_count())]
    servers = [Server("gunicorn, 2 processes of 4 threads",
                      [PYTHON, "-m", "gunicorn", "-w", "2", "--threads", "4", "-b", "127.0.0.1:PORT",
                       "--keep-alive", "60", "serve_threads:application"], 2),
               Server("asyncio", [PYTHON, "serve_tasks.py", "PORT"], 0)]
    totals = {server.name: {way[0]: Total() for way in ways} for server in servers}
    try:
        for server in servers:
            one_slice(Total(), server, pystack, None, False, each)  # its caches and pools fill
        for _ in range(ROUNDS):
            for name, arguments, long in ways:
                for server in servers:
                    while not one_slice(totals[server.name][name], server, pystack, arguments, long, each):
                        again += 1
                        if again > REPEATS:
                            print("SKIP: the machine stands still again and again: nothing can be measured")
                            sys.exit(0)
    finally:
        for server in servers:
            server.end()
        for process in busy:
            process.kill()
            process.wait()
    return totals, each, again


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pystack", required=True)
    parser.add_argument("--time", type=int, default=3600)
    parser.add_argument("--loads", default="idle saturated")
    parser.add_argument("--ways", default="", help="some of: " + ", ".join(way[0] for way in WAYS[1:]))
    parser.add_argument("--store")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
    loads, text, bad = options.loads.split(), [], False
    for load in loads:
        totals, each, again = run(os.path.abspath(options.pystack), load, options.time / len(loads),
                                  [name.strip() for name in options.ways.split(",") if name])
        text += ["## %s machine, slices of %d s" % (load.capitalize(), each), ""]
        if again:
            text += ["The machine stood still in %d slices, which were measured again." % again, ""]
        text += list(table(totals)) + [""]
        for server, ways in totals.items():
            for way, total in ways.items():
                wrong = total.wrong(ways["without"])
                bad |= bool(wrong)
                text += ["- WRONG: %s, %s: %s" % (server, way, what) for what in wrong]
                text += ["- %s, %s: %d × `%s`" % (server, way, n, line) for line, n in total.errors.most_common(3)]
        text.append("")
    print("\n".join(text))
    if options.store:
        with open(options.store, "w") as out:
            out.write("# Soak\n\n`make soak TIME=%d`, %s, %d processors, Linux %s. %s\n\n" % (
                options.time, time.strftime("%-d %B %Y"), os.cpu_count(), os.uname().release,
                "A slice is one run of wrk over 8 connections. \"Idle\" is the machine without load of this test."))
            out.write("\n".join(text))
    return bad


if __name__ == "__main__":
    sys.exit(main())
