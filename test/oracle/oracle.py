#!/usr/bin/env python3
"""Stop busy programs of each interpreter at random moments and walk their stacks with two unwinding engines:
every frame's pc, CFA and registers must be the same.

    make oracle [N=…] [PYTHON=… [ROOT=…]] [ROWS=…] [CORES=…]

Prints one line per interpreter, from test/oracle/engines. --rows replaces the machine's interpreters by
those of test/matrix/rows whose labels begin so ("all": all of them). --cores adds a second line, for that
many cores of each program by gcore and, if the program is the machine's own and the kernel writes plain
cores, one by the kernel.

--table (make check-engines) prints a table. Its columns: the interpreter; the stacks walked by our engine
with call frame information; the stacks that libunwind walked identically; and for the frame-pointer engine
the stacks that are the same, the same up to a marked frame, the same up to code without call frame
information, and different (which fails), and the stacks in which a register differs that no frame needs."""
import argparse
import glob
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE + "/../fidelity")
import check  # noqa: E402

NOT_READ = 77  # test/oracle/engines: libunwind is not built in, or cannot read the target


def engines(opt, label, n, operands):
    """Return True if nothing differs."""
    run = subprocess.run([opt.engines, "-a", opt.against, str(n)] + operands, stdout=subprocess.PIPE, text=True)
    print("%-22s %s" % (label, run.stdout.rstrip("\n")), flush=True)
    return run.returncode in (0, NOT_READ)


def figures(opt, against, operands):
    """Return the counts of engines by name; None: it has printed the reason."""
    run = subprocess.run([opt.engines, "-a", against, str(opt.n)] + operands, stdout=subprocess.PIPE, text=True)
    found = {name: int(n) for n, name in re.findall(r"(\d+) (\w+)", run.stdout.partition("pc and sp")[0])}
    return found if run.returncode in (0, 1) else None


def table_row(opt, label, operands):
    """Return True if nothing differs."""
    other, fp = figures(opt, "libunwind", operands), figures(opt, "fp", operands)
    cells = ["%-22s" % label]
    for found in other, fp:
        if not found:
            cells.append("   not read")
            continue
        same = found["stacks"] - found["differ"] - found["marked"] - found["excused"]
        cells.append("%6d stacks %6d same %5d differ" % (found["stacks"], same, found["differ"]))
    if fp:
        cells[2] += " %5d marked %5d beyond %4d registers" % (fp["marked"], fp["excused"], fp["registers"])
    print(" | ".join(cells), flush=True)
    return not any(found and found["differ"] for found in (other, fp))


def end(busy, root):
    """Remove the files that each Python leaves with -X perf, also the one that check asks for its version."""
    busy.close()
    for path in glob.glob(root + "/tmp/perf-*.map") if root else []:
        if not os.path.exists("/proc/" + path.split("-")[-1][:-len(".map")]):
            os.unlink(path)


def one(opt, label, python, root, env):
    """Return True if nothing differs."""
    started = []
    folder, programs = check.which_programs(python, root, env)
    try:
        for name in programs:
            started.append(check.Busy(python, root, env, folder, name))
        operands = [str(b.process.pid) for b in started]
        return table_row(opt, label, operands) if opt.table else engines(opt, label, opt.n, operands)
    finally:
        for busy in started:
            end(busy, root)


def cores_of(busy, number, kernel):
    """Write cores of a program into the current directory at random moments, and end it."""
    pid = str(busy.process.pid)
    for i in range(number):
        time.sleep(random.random() * 0.002)
        subprocess.run(["gcore", "-o", "gcore-%d" % i, pid], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if kernel:
        busy.process.send_signal(signal.SIGABRT)
        busy.process.wait()
        for path in glob.glob("core*"):
            os.rename(path, "kernel-" + pid)


def cores(opt, label, python, root, env):
    """Return True if there are cores and nothing differs."""
    folder, before = tempfile.mkdtemp(), os.getcwd()
    os.chdir(folder)
    try:
        source, programs = check.which_programs(python, root, env)
        for name in programs:
            busy = check.Busy(python, root, env, source, name)
            try:
                cores_of(busy, opt.cores, not root)
            finally:
                end(busy, root)
        made = glob.glob(folder + "/*")
        return engines(opt, label + ", cores", len(made), made)
    finally:
        os.chdir(before)
        shutil.rmtree(folder)


def rows(labels):
    """Yield label, path, root and environment of the wanted rows whose root exists."""
    with open(HERE + "/../matrix/rows") as text:
        for line in text:
            words = line.partition("#")[0].split()
            if not words or labels != ["all"] and not any(words[0].startswith(label) for label in labels):
                continue
            root = os.path.join(os.path.dirname(check.SID), words[1])
            if os.path.exists(root + words[2]):
                yield words[0], words[2], root, dict(word.split("=", 1) for word in words[4:])
            else:
                print("%-22s missing: run make matrix" % words[0], flush=True)


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("--engines", required=True)
    args.add_argument("-n", type=int, default=2000, help="stops for each interpreter")
    args.add_argument("--python", default="", help="only this interpreter")
    args.add_argument("--root", default="", help="root directory of the path of --python")
    args.add_argument("--cores", type=int, default=0, help="cores by gcore of each program")
    args.add_argument("--rows", default="", help="labels of the matrix's rows, or all")
    args.add_argument("--against", default="libunwind", help="the other engine: libunwind or fp")
    args.add_argument("--table", action="store_true", help="a line for each interpreter, against libunwind and fp")
    opt = args.parse_args()
    which = rows(opt.rows.split()) if opt.rows else check.interpreters(opt.python, opt.root)
    opt.engines = os.path.abspath(opt.engines)
    resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
    same = []
    for each in which:
        if opt.n:
            same.append(one(opt, *each))
        if opt.cores:
            same.append(cores(opt, *each))
    sys.exit(0 if same and all(same) else 1)


if __name__ == "__main__":
    main()
