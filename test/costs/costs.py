#!/usr/bin/env python3
"""Count pystack's work in figures that no clock and no other load changes.   make check-costs | costs-update

On a few targets and cores (test/bench/scene.py, Debian's Python, always at the same addresses) it counts
  calls         system calls by strace, without those that wait
  read          bytes that these read, without counters
  instructions  by valgrind --tool=callgrind; for cores only, because valgrind lacks some system calls of a
                live capture
  faults        pages touched for the first time
  peak          memory, kB
and compares them with test/costs/figures. A figure that is larger by more than a margin fails; one that is
smaller is reported, so that it can be stored.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCENE = os.path.join(HERE, "../bench/scene.py")
LIBRARY = "libmany.so"
FIGURES = os.path.join(HERE, "figures")
PYTHON = "/usr/bin/python3"
READS = {"read", "pread64", "readv", "preadv", "process_vm_readv"}
# Shorter reads are a thread's counters, whose number of digits depends on the machine's load.
LEAST = 64
# The number of these calls depends on timing.
WAITS = {"waitid", "wait4", "rt_sigtimedwait", "futex", "poll", "ppoll", "nanosleep", "clock_nanosleep", "sched_yield"}
# name: threads, depth, core?, options of pystack; "large": with a large library loaded
SCENES = {
    "live-1": (1, 40, False, []),
    "live-21": (21, 40, False, []),
    "live-100": (100, 40, False, []),
    "live-deep": (1, 2000, False, []),
    "sample-21": (21, 40, False, ["-i", "1ms", "-N", "200", "--no-bpf"]),
    "sample-kernel": (21, 40, False, ["-i", "1ms", "-N", "200"]),
    "sample-idle": (21, 40, False, ["-i", "1ms", "-N", "200", "--idle"]),
    "live-python": (21, 40, False, ["-p"]),
    "core-1": (1, 40, True, []),
    "core-21": (21, 40, True, []),
    "core-100": (100, 40, True, []),
    "core-deep": (1, 2000, True, []),
    "core-python": (21, 40, True, ["-p"]),
    "live-large": (1, 40, False, []),
    "core-large": (1, 40, True, []),
}
# The one that needs rights.
IN_KERNEL = "sample-kernel"
# A figure may be larger by this share and this amount.
MARGINS = {"calls": (0.02, 4), "read": (0.05, 4096), "instructions": (0.03, 0), "faults": (0.05, 12), "peak": (0.1, 400)}
# Paths and variables move a target's stack, and so change the number of blocks read: they are fixed.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0",
               "MALLOC_ARENA_MAX": "2"}


class Cannot(Exception):
    pass


def alike(command):
    """Run a command at fixed addresses and without separate debug files, which not every machine has."""
    command = ["setarch", "-R", *command]
    if os.geteuid() != 0 or not os.path.isdir("/usr/lib/debug"):
        return command
    return ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /usr/lib/debug && exec "$@"', "sh", *command]


def run(command, log=None):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT,
                          text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise Cannot("%s: exit status %d: %s" % (command[0], done.returncode, done.stderr[-300:]))
    return done.stderr


def by_strace(command, out):
    """Return the number of calls, the bytes read, and the calls by name."""
    log = os.path.join(out, "strace")
    run(alike(["strace", "-f", "-qq", "-e", "signal=none", "-s", "0", "-o", log, *command]))
    calls, read = {}, 0
    with open(log, errors="replace") as f:
        for line in f:
            found = re.match(r"\d+ +(?:<\.\.\. )?(\w+)(\(| resumed)", line)
            if not found:
                continue
            name, unfinished = found.group(1), line.rstrip().endswith("<unfinished ...>")
            if not unfinished and name not in WAITS:
                calls[name] = calls.get(name, 0) + 1
            result = re.search(r"= (\d+)$", line.rstrip())
            if name in READS and result and int(result.group(1)) >= LEAST:
                read += int(result.group(1))
    os.unlink(log)
    return sum(calls.values()), read, calls


def by_callgrind(command, out):
    text = run(alike(["valgrind", "--tool=callgrind", "--callgrind-out-file=" + os.path.join(out, "callgrind"), *command]))
    found = re.search(r"Collected : (\d+)", text)
    if not found:
        raise Cannot("valgrind counts nothing")
    return int(found.group(1))


def by_rusage(command, measure):
    """Return page faults and peak, the least of three runs: the kernel's readahead varies."""
    least = None
    for _ in range(3):
        read, write = os.pipe()
        subprocess.run(alike([measure, str(write), "60", *command]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       env=ENVIRONMENT, pass_fds=[write], check=True)
        os.close(write)
        with os.fdopen(read) as f:
            words = f.read().split()
        now = int(words[6]), int(words[5])
        least = now if least is None else tuple(map(min, least, now))
    return least


def start(threads, depth, folder, library):
    kind = ["large" if library else "wait", str(threads), str(depth), *([library] if library else [])]
    target = subprocess.Popen(["setarch", "-R", PYTHON, os.path.basename(SCENE), *kind],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=ENVIRONMENT, bufsize=0, cwd=folder)
    if target.stdout.read(1) != b"r":
        target.kill()
        raise Cannot("scene.py does not start")
    tasks = "/proc/%d/task" % target.pid
    while any(state(tasks, task) == "R" for task in os.listdir(tasks)):
        pass
    return target


def state(tasks, task):
    with open("%s/%s/stat" % (tasks, task)) as f:
        return f.read().rpartition(") ")[2][0]


def measure_scene(name, args):
    with tempfile.TemporaryDirectory(prefix="pystack-costs.", dir="/tmp") as folder:
        shutil.copy(SCENE, folder)
        if name.endswith("-large"):
            shutil.copy(os.path.join(os.path.dirname(args.measure), LIBRARY), folder)
        return measure_in(folder, name, args)


def measure_in(folder, name, args):
    threads, depth, is_core, options = SCENES[name]
    target = start(threads, depth, folder, "./" + LIBRARY if name.endswith("-large") else None)
    core = None
    try:
        command = [args.pystack, *options, str(target.pid)]
        if is_core:
            run(["gcore", "-o", os.path.join(args.out, "core"), str(target.pid)])
            core = os.path.join(args.out, "core.%d" % target.pid)
            target.kill()
            command = [args.pystack, *options, core]
        figures = {}
        figures["calls"], figures["read"], calls = by_strace(command, args.out)
        figures["faults"], figures["peak"] = by_rusage(command, args.measure)
        if is_core:
            figures["instructions"] = by_callgrind(command, args.out)
        return figures, calls
    finally:
        target.kill()
        target.wait()
        target.stdout.close()
        if core and os.path.exists(core):
            os.unlink(core)


def stored():
    """Return {scene: {figure: number}}, {scene: {call: number}}, and the machine they were counted on."""
    figures, calls, on = {}, {}, ""
    if not os.path.exists(FIGURES):
        return figures, calls, on
    with open(FIGURES) as f:
        for line in f:
            words = line.split()
            if line.startswith("on "):
                on = line[3:].strip()
            elif len(words) > 1 and words[0] in SCENES:
                into = calls if words[1] == "by-name" else figures
                into[words[0]] = {k: int(v) for k, v in (w.split("=") for w in words[1 + (into is calls):])}
    return figures, calls, on


def store(figures, calls, on):
    with open(FIGURES, "w") as f:
        f.write("# What `make costs-update` counted last. `make check-costs` compares; doc/TESTING.md says how to read it.\non %s\n" % on)
        for name in figures:
            f.write("%s %s\n" % (name, " ".join("%s=%d" % item for item in sorted(figures[name].items()))))
            f.write("%s by-name %s\n" % (name, " ".join("%s=%d" % item for item in sorted(calls[name].items()))))


def machine():
    """Return the versions on which the figures depend besides pystack."""
    def version(command, pattern=r"\d+(?:\.\d+)+"):
        try:
            text = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
        except OSError:
            return "none"
        found = re.search(pattern, text)
        return found.group(0) if found else "?"
    return "python=%s libc=%s gcc=%s %s" % (version([PYTHON, "-V"]), os.confstr("CS_GNU_LIBC_VERSION").split()[-1],
                                            version(["gcc", "-dumpfullversion"]), os.uname().machine)


def compare(name, now, calls, then, then_calls):
    """Return the lines to print, and whether a figure is too large."""
    lines, bad = [], False
    for figure, value in sorted(now.items()):
        if figure not in then:
            continue
        share, besides = MARGINS[figure]
        room = then[figure] * share + besides
        change = 100.0 * (value - then[figure]) / max(then[figure], 1)
        if value > then[figure] + room:
            bad = True
            lines.append("MORE  %s %s: %d, stored %d (%+.1f %%)" % (name, figure, value, then[figure], change))
            if figure == "calls":
                lines.append("      " + ", ".join(
                    "%s %d → %d" % (c, then_calls.get(c, 0), calls.get(c, 0)) for c in sorted({*calls, *then_calls})
                    if calls.get(c, 0) != then_calls.get(c, 0)))
        elif value < then[figure] - room:
            lines.append("less  %s %s: %d, stored %d (%+.1f %%)" % (name, figure, value, then[figure], change))
    return lines, bad


def userfaultfd_is_used():
    """Does any process have one? While the kernel counts any, memory is read by other system calls. It counts
    closed ones until it reclaims their memory: make it do that."""
    cache = "/sys/kernel/slab/userfaultfd_ctx_cache/"
    try:
        with open(cache + "shrink", "w") as f:
            f.write("1")
        with open(cache + "objects") as f:
            return not f.read().startswith("0")
    except OSError:
        return False


def wait_for_userfaultfds():
    """Wait a minute at most. False: one is still used."""
    for _ in range(600):
        if not userfaultfd_is_used():
            return True
        time.sleep(0.1)
    return False


def main():
    # Use one processor. With two, a second thread would do a part of the work that varies.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    parser = argparse.ArgumentParser()
    parser.add_argument("--pystack", required=True)
    parser.add_argument("--measure", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    args.out, args.pystack, args.measure = map(os.path.abspath, (args.out, args.pystack, args.measure))
    os.makedirs(args.out, exist_ok=True)
    missing = [tool for tool in ("strace", "valgrind", "gcore", "setarch", PYTHON) if shutil.which(tool) is None]
    if missing:
        print("SKIP: costs are not counted: not there: " + ", ".join(missing))
        return 0
    then, then_calls, on = stored()
    if not args.update and on != machine():
        print("SKIP: costs are not compared: stored for %s, this is %s" % (on or "nothing", machine()))
        return 0
    figures, calls, bad, better = {}, {}, False, False
    for name in SCENES:
        if name == IN_KERNEL and os.geteuid() != 0:
            print("SKIP: %s: only root may load BPF programs" % name)
            if name in then:
                figures[name], calls[name] = then[name], then_calls[name]
            continue
        if not SCENES[name][2] and not wait_for_userfaultfds():
            print("SKIP: %s: a process of this machine has a userfaultfd, with which memory is read otherwise" % name)
            if name in then:
                figures[name], calls[name] = then[name], then_calls[name]
            continue
        # A thread that wakes while it is read is read again, by chance. Three such runs are pystack's fault.
        for _ in range(3):
            try:
                figures[name], calls[name] = measure_scene(name, args)
            except Cannot as e:
                print("costs: %s cannot be counted: %s" % (name, e))
                return 1
            lines, more = compare(name, figures[name], calls[name], then.get(name, {}), then_calls.get(name, {}))
            if args.update or not more:
                break
        if args.update:
            print(name, " ".join("%s=%d" % item for item in sorted(figures[name].items())))
            continue
        bad |= more
        better |= any(line.startswith("less") for line in lines)
        print("\n".join(lines or ["as stored: " + name]))
    if args.update:
        store(figures, calls, machine())
    elif bad:
        print("costs: more than stored: doc/TESTING.md, \"Costs\", says what to do")
    elif better:
        print("costs: less than stored: `make costs-update` keeps it so")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
