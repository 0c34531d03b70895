#!/usr/bin/env python3
"""Compare pystack with its peers.

    make bench [SCENES='threads-21* pause'] [RUNS=5] [ALSO=another/pystack] [PYPI=no]

Each scene is a target or core of its own (scene.py). The tools run on it in turn, round after round, so
that other work of the machine affects all of them alike. A ratio is the median of the ratios within the
rounds. A tool's first run is not counted: its output is checked instead, and a tool that does not show
all threads "fails". A slow tool gets fewer rounds, at least three.

Writes Markdown to standard output and to OUT/RESULTS.md. A full run, or one with STORE=yes, also writes
RESULTS.md beside this file and the table in the README.
"""
import argparse
import collections
import datetime
import fnmatch
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time

import peers
import tables

HERE = os.path.dirname(os.path.abspath(__file__))
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
TIMEOUT = 20  # seconds for one run
BUDGET = 4    # seconds for one tool in one scene, after which it gets no more than MIN_RUNS
MIN_RUNS = 3  # or one, if one run takes all of BUDGET
RING = 1 << 16
Scene = collections.namedtuple("Scene", "name kind threads depth stripped core")
Cost = collections.namedtuple("Cost", "started ended wall cpu peak")
Row = collections.namedtuple("Row", "name fails costs pauses failed rounds amiss taken")
SAMPLED = 2   # rounds at most of a sampling scene: each takes peers.DURATION for each tool


def scenes():
    """Yield all scenes, with their names in the table."""
    for stripped in (False, True):
        end = "-stripped" if stripped else ""
        for threads in (1, 21, 100, 1000):
            yield Scene("threads-%d%s" % (threads, end), "wait", threads, 40, stripped, False)
        yield Scene("deep-10000" + end, "wait", 1, 10000, stripped, False)
        for threads in (1, 10, 100):
            yield Scene("core-%d%s" % (threads, end), "wait", threads, 40, stripped, True)
        yield Scene("core-deep-10000" + end, "wait", 1, 10000, stripped, True)
    yield Scene("large-library-1", "large", 1, 40, False, False)
    for kind, threads in (("spin-c", 1), ("spin-c", 100), ("spin-py", 100), ("naps", 101), ("calls", 1)):
        yield Scene("pause-%s-%d" % (kind, threads), kind, threads, 40, False, False)
    for kind, threads in (("spin-c", 1), ("spin-py", 100), ("naps", 101), ("calls", 1), ("wait", 21)):
        yield Scene("sample-%s-%d" % (kind, threads), kind, threads, 40, False, False)
    yield Scene("pause-busy-30", "spin-c", 30, 40, False, False)
    yield Scene("sample-busy-1", "spin-py", 1, 40, False, False)


def say(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def wanted_python(stripped):
    """Return an interpreter without symbols, or one with them; None if there is none."""
    if stripped:
        there = ["/usr/bin/python3"]
    else:
        chosen = os.environ.get("PYTHON")
        mine = os.path.expanduser("~/.pyenv/versions")
        versions = sorted((tuple(int(n) for n in v.split(".")), v) for v in
                          (os.listdir(mine) if os.path.isdir(mine) else []) if re.fullmatch(r"3\.\d+\.\d+", v))
        there = [chosen] if chosen else [os.path.join(mine, v, "bin/python3") for _, v in reversed(versions)]
    for path in there:
        if os.path.exists(path) and (stripped or os.environ.get("PYTHON") or has_symbols(path)):
            return os.path.realpath(path)
    return None


def has_symbols(python):
    out = peers.run([python, "-c", "import sys, sysconfig as s; print(s.get_config_var('LIBDIR'), "
                                   "s.get_config_var('INSTSONAME') if s.get_config_var('Py_ENABLE_SHARED') else '')"])
    words = (out or "").split()
    path = os.path.join(*words) if len(words) == 2 else os.path.realpath(python)
    return ".symtab" in (peers.run(["readelf", "-SW", path]) or "")


class Neighbours:
    """Run two busy processes per processor during a scene with "busy" in its name."""

    def __init__(self, scene):
        n = 2 * os.cpu_count() if "-busy-" in scene.name else 0
        self.all = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]

    def end(self):
        for one in self.all:
            one.kill()
            one.wait()


class Target:
    """A running scene."""

    def __init__(self, scene, python, out):
        self.watched = os.path.join(out, "watched")
        if os.path.exists(self.watched):
            os.unlink(self.watched)
        command = [python, os.path.join(HERE, "scene.py"), scene.kind, str(scene.threads), str(scene.depth)]
        if scene.name.startswith(("pause", "sample")):
            command += [os.path.join(out, "libwatch.so"), self.watched]
        if scene.kind == "large":
            command += [os.path.join(out, "libmany.so")]
        # With fewer arenas a core of many threads does not have gigabytes of reserved memory.
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0,
                                        env=dict(os.environ, MALLOC_ARENA_MAX="2", PYTHONHASHSEED="0"))
        self.pid = self.process.pid
        if self.process.stdout.read(1) != b"r":
            self.end()
            raise OSError("%s does not start with %s" % (scene.name, python))
        if scene.kind in ("wait", "large"):
            self.settle()

    def settle(self):
        """Wait until no thread runs: after its ready byte a thread runs a few more instructions."""
        while any(self.state(task) == "R" for task in os.listdir("/proc/%d/task" % self.pid)):
            time.sleep(0.001)

    def state(self, task):
        with open("/proc/%d/task/%s/stat" % (self.pid, task)) as f:
            return f.read().rpartition(") ")[2][0]

    def noted(self):
        """Return the numbers of gaps and of failed calls so far."""
        with open(self.watched, "rb") as f:
            return struct.unpack("QQ", f.read(16))

    def largest(self, since, windows):
        """Return for each window the largest gap, in ns, that touches it, without the first `since` gaps."""
        until = self.noted()[0]
        gaps = []
        with open(self.watched, "rb") as f:
            data = f.read()
        for i in range(max(since, until - RING), until):
            end, length = struct.unpack_from("QQ", data, 16 + 16 * (i % RING))
            gaps.append((end - length, end, length))
        return [max([g[2] for g in gaps if g[1] >= start and g[0] <= end], default=0) for start, end in windows]

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Bench:
    def __init__(self, args):
        self.args = args
        self.out = args.out
        self.output = os.path.join(self.out, "output")

    def measure(self, command, timeout=TIMEOUT):
        """Run a command once. Return its Cost, or a text that says what went wrong."""
        read, write = os.pipe()
        with open(self.output, "wb") as out:
            subprocess.run([os.path.join(self.out, "measure"), str(write), str(timeout), *command],
                           stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, pass_fds=[write], check=False)
        os.close(write)
        with os.fdopen(read) as f:
            words = f.read().split()
        if len(words) != 7:
            return "cannot be run"
        status, started, ended, user, system, peak = map(int, words[:6])
        if os.WIFSIGNALED(status):
            signo = os.WTERMSIG(status)
            return "not done after %d s" % timeout if signo == signal.SIGKILL else "killed by signal %d" % signo
        if os.WEXITSTATUS(status) != 0:
            return "exit status %d: %s" % (os.WEXITSTATUS(status), self.last_words())
        return Cost(started, ended, ended - started, user + system, peak)

    def last_words(self):
        with open(self.output, errors="replace") as f:
            lines = [ESCAPES.sub("", line).strip() for line in f.read(1 << 20).splitlines()]
        lines = [line for line in lines if line and not line.startswith("BFD:")] or ["no output"]
        first = [line for line in lines if line.startswith("Error: ")]
        errors = [line for line in lines if re.search(r"(?i)\berror\b|fail|cannot|unable", line)] or lines
        return tables.plain((first or errors[-1:])[0], self.out)

    def shortfall(self, tool, scene):
        """Return what the output of a first run lacks; None if nothing."""
        with open(self.output, errors="replace") as f:
            text = ESCAPES.sub("", f.read())
        if tool.shows is None:
            return None
        threads = len(re.findall(tool.shows, text))
        if scene.kind == "calls":
            return None if threads >= 1 else "shows no thread"
        if threads < scene.threads:
            return "shows %d of %d threads" % (threads, scene.threads)
        deep = len(re.findall(tool.deep, text)) if scene.depth > 500 else scene.depth
        least = min(scene.depth, 300) if tool.deep == peers.NATIVE_FRAME else scene.depth
        return None if deep >= least else "shows %d of %d frames" % (deep, scene.depth)

    def commands(self, tools, scene, target, core, exe):
        """Return for each tool a command, or a text that says why there is none."""
        given = {"{pid}": str(target.pid) if target else "", "{core}": core or "", "{exe}": exe}
        for tool in tools:
            command = tool.core if scene.core else tool.live
            if command is None:
                yield tool, "does not read cores" if scene.core else "not for live processes"
            elif command[0] is None:
                yield tool, "not installed"
            else:
                yield tool, [re.sub(r"\{\w+\}", lambda m: given[m.group()], word) for word in command]

    def first_runs(self, tools, scene, target, core, exe):
        rows, ready = [], []
        for tool, command in self.commands(tools, scene, target, core, exe):
            begun = time.monotonic()
            fails, tries = command, 0 if isinstance(command, str) else 3
            while tries > 0 and fails is not None:
                cost = self.measure(command)
                fails = cost if isinstance(cost, str) else self.shortfall(tool, scene)
                tries = tries - 1 if time.monotonic() - begun < BUDGET else 0
            row = Row(tool.name, fails, [], [], [], [], [], [])
            rows.append(row)
            if fails is None:
                ready.append((row, command, cost.wall))
        return rows, ready

    def rounds(self, ready, target, watch):
        """Do the counted runs. To measure noise in scenes that watch the effect on the target, each run follows
        a window as long as the tool's last run, without any tool."""
        spent = collections.Counter()
        last = {id(row): wall for row, _, wall in ready}
        for turn in range(self.args.runs):
            for row, command, _ in ready:
                least = MIN_RUNS if last[id(row)] < BUDGET * 1e9 else 1
                if spent[id(row)] > BUDGET * 1e9 and len(row.costs) + len(row.amiss) >= least:
                    continue
                if watch:
                    before = target.noted()
                    quiet = time.monotonic_ns()
                    time.sleep(last[id(row)] / 1e9)
                    quiet = quiet, time.monotonic_ns()
                    time.sleep(0.01)
                cost = self.measure(command)
                if isinstance(cost, str):
                    row.amiss.append(cost)
                    spent[id(row)] += last[id(row)]
                    continue
                row.costs.append(cost)
                row.rounds.append(turn)
                last[id(row)] = cost.wall
                spent[id(row)] += cost.wall
                if watch:
                    time.sleep(0.02)  # a gap is recorded when it ends
                    row.pauses.append(target.largest(before[0], [quiet, (cost.started, cost.ended)]))
                    row.failed.append(target.noted()[1] - before[1])

    def sampling(self, samplers, scene, target):
        """Return the rows of a sampling scene. Each round has a window without any tool, then each tool once."""
        rows = [Row(s.name, None if s.command[0] else "not installed", [], [], [], [], [], []) for s in samplers]
        for turn in range(min(self.args.runs, SAMPLED)):
            first, begun = target.noted()[0], time.monotonic_ns()
            time.sleep(peers.DURATION)
            quiet = target.largest(first, [(begun, time.monotonic_ns())])[0]
            for sampler, row in zip(samplers, rows):
                if row.fails or row.amiss:
                    continue
                before = target.noted()
                cost = self.measure([w.replace("{pid}", str(target.pid)).replace("{file}", self.output + ".stacks")
                                     for w in sampler.command], peers.DURATION * 8)
                taken = cost if isinstance(cost, str) else peers.taken(sampler, scene, self.output)
                if isinstance(taken, str):
                    row.amiss.append(taken)
                    continue
                time.sleep(0.02)  # a gap is recorded when it ends
                row.costs.append(cost)
                row.rounds.append(turn)
                row.taken.append(taken)
                row.pauses.append((quiet, target.largest(before[0], [(cost.started, cost.ended)])[0]))
                row.failed.append(target.noted()[1] - before[1])
        return rows

    def core_of(self, target):
        core = os.path.join(self.out, "core")
        if shutil.which("gcore") is None:
            return None
        peers.run(["gcore", "-o", core, str(target.pid)], 120)
        path = "%s.%d" % (core, target.pid)
        return path if os.path.exists(path) else None

    def scene(self, scene, tools, python):
        """Return the scene's rows. Raises OSError if its target cannot be made."""
        target = Target(scene, python, self.out)
        core, neighbours = None, Neighbours(scene)
        try:
            if scene.core:
                core = self.core_of(target)
                if core is None:
                    raise OSError("gcore (of gdb) makes no core")
                target.end()
            if scene.name.startswith("sample"):
                return self.sampling(tools, scene, target)
            rows, ready = self.first_runs(tools, scene, target, core, python)
            self.rounds(ready, target, scene.name.startswith("pause"))
        finally:
            target.end()
            neighbours.end()
            if core:
                os.unlink(core)
        return rows


def machine():
    with open("/proc/cpuinfo") as f:
        model = re.search(r"model name\s*: (.*)", f.read())
    with open("/proc/meminfo") as f:
        memory = int(re.search(r"MemTotal:\s*(\d+)", f.read()).group(1)) >> 20
    system = os.uname()
    return "%s, %d cores, %d GB, %s %s" % (model.group(1) if model else system.machine, os.cpu_count(), memory + 1,
                                           system.sysname, system.release)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pystack", required=True)
    parser.add_argument("--also", default="")
    parser.add_argument("--out", required=True)
    parser.add_argument("--runs", type=int, default=25)
    parser.add_argument("--scenes", default="")
    parser.add_argument("--pypi", default="yes")
    parser.add_argument("--store", default="", help="yes: also of a part of the scenes")
    parser.add_argument("--tools", default="", help="only those whose names begin so, separated by commas")
    args = parser.parse_args()
    args.out = os.path.abspath(args.out)
    args.pystack = os.path.abspath(args.pystack)
    args.also = os.path.abspath(args.also) if args.also else ""
    return args


def main():
    args = arguments()
    full = args.store == "yes" or not args.scenes and not args.tools and not args.also and args.pypi != "no"
    place = peers.environment(args.out, say) if args.pypi != "no" else os.path.join(args.out, "none")
    bench, results, bad = Bench(args), [], 0
    pythons = {stripped: wanted_python(stripped) for stripped in (False, True)}
    load = os.getloadavg()[0]
    started = time.time()
    versions = {}
    for scene in scenes():
        if args.scenes and not any(fnmatch.fnmatch(scene.name, p) for p in shlex.split(args.scenes)):
            continue
        python = pythons[scene.stripped] or (None if scene.stripped else pythons[True])
        if python is None:
            results.append((scene, None, "no interpreter for it"))
            continue
        if scene.name.startswith("sample"):
            tools = peers.samplers(args.pystack, args.also, place, scene.kind.startswith("spin"))
        else:
            tools = [peers.Tool("nothing (true)", ["true"], ["true"], None, None, None)] + \
                peers.tools(args.pystack, args.also, place, python)
        tools = [t for t in tools if not args.tools or
                 any(t.name.startswith(n) for n in ["nothing", "pystack"] + args.tools.split(","))]
        versions.update((t.name, t.version) for t in tools if t.version)
        say("%s, %s, %d s so far" % (scene.name, os.path.basename(python), time.time() - started))
        try:
            rows = bench.scene(scene, tools, python)
            bad += any(row.fails or not row.costs for row in rows if row.name.split()[0] == "pystack")
            results.append((scene, rows, python))
        except OSError as e:
            results.append((scene, None, str(e)))
    head = ["%s UTC, %s." % (datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M"), machine()),
            "Load at the beginning %.2f; %d rounds at most; %d s in all." % (load, args.runs, time.time() - started),
            "Interpreters: " + "; ".join("%s%s" % (peers.run([p, "-V"]).strip(), ", stripped" if s else "")
                                         for s, p in pythons.items() if p) + ".",
            "Tools: " + ", ".join("%s %s" % v for v in versions.items()) + "."]
    text = tables.document(head, results)
    print(text)
    with open(os.path.join(args.out, "RESULTS.md"), "w") as f:
        f.write(text)
    if full and not any(scene.name in tables.SUMMARY for scene, rows, _ in results if rows):
        print("bench: not stored: it would leave the README without a table")
    elif full:
        with open(os.path.join(HERE, "RESULTS.md"), "w") as f:
            f.write(text)
        tables.quote(os.path.join(HERE, "../../README.md"), results, head[0])
    ran = sum(rows is not None for _, rows, _ in results)
    return 1 if bad or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
