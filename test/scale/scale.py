#!/usr/bin/env python3
"""What targets of unusual size cost pystack.

    scale.py --pystack FILE --built DIR --python FILE [--scales PATTERN…] [--store FILE]

Each kind of target is made in several sizes, a decade apart. A line of the table has the time, the memory
and the lines of output; the last column is the growth of the time for each decade (10 is linear). The
exit status is 1 if pystack is killed or hangs, if threads are missing without a word, or if a decade
takes more than LINEAR times as long and more than a second.
"""
import argparse
import fnmatch
import os
import select
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LONGEST = 300
LINEAR = 50  # a square would be 100; caches and other load make it more than 10
PAGE = 4096
MAP_COUNT = "/proc/sys/vm/max_map_count"


class Live:
    """A process that writes "r" when it is in place."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        ready = select.select([self.process.stdout], [], [], LONGEST)[0]
        if not ready or self.process.stdout.read(1) != b"r":
            self.end()
            raise OSError("the target does not start")
        self.operand = str(self.process.pid)

    def end(self):
        self.process.kill()
        self.process.wait()


class Core:
    """A core file of x86-64, sparse where it can be."""

    def __init__(self, place, threads, loads):
        """loads: [(address, bytes in the file)], all holes."""
        self.operand = os.path.join(place, "core")
        notes = []
        for lwp in range(1, threads + 1):
            status = bytearray(336)
            struct.pack_into("<i", status, 32, lwp)
            struct.pack_into("<Q", status, 112 + 16 * 8, 0x400000 + lwp)  # rip
            struct.pack_into("<Q", status, 112 + 19 * 8, 0x10000000)      # rsp
            notes.append(struct.pack("<III8s", 5, len(status), 1, b"CORE\0\0\0\0") + status)
        notes = b"".join(notes)
        table, at = 64, 64 + 56 * (1 + len(loads))
        headers = [struct.pack("<IIQQQQQQ", 4, 0, at, 0, 0, len(notes), 0, 4)]
        at = (at + len(notes) + PAGE - 1) // PAGE * PAGE
        for address, size in loads:
            headers.append(struct.pack("<IIQQQQQQ", 1, 6, at, address, 0, size, size, PAGE))
            at += size
        with open(self.operand, "wb") as out:
            out.write(struct.pack("<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 4, 62, 1, 0, table, 0, 0, 64,
                                  56, len(headers), 0, 0, 0))
            out.write(b"".join(headers) + notes)
            out.truncate(at)

    def end(self):
        os.unlink(self.operand)


def threads(options, place, n):
    return Live([options.python, os.path.join(HERE, "many_threads.py"), str(n)])


def frames(options, place, n):
    return Live([options.python, os.path.join(HERE, "many_frames.py"), str(n)])


def mappings(options, place, n):
    with open(MAP_COUNT) as limit:
        before = limit.read()
    if int(before) < n + 1000:
        with open(MAP_COUNT, "w") as limit:
            limit.write(str(n + 1000))
    try:
        return Live([os.path.join(options.built, "scale/many_mappings"), str(n)])
    finally:
        with open(MAP_COUNT, "w") as limit:
            limit.write(before)


def core_threads(options, place, n):
    return Core(place, n, [(0x10000000, PAGE)])


def core_sparse(options, place, n):
    return Core(place, 1, [(0x10000000, n << 30)])


# name: (maker, sizes, what it is)
TARGETS = {
    "threads": (threads, (100, 1000, 10000), "Python threads of a live process"),
    "frames": (frames, (10000, 100000, 1000000), "Python frames of one thread"),
    "mappings": (mappings, (10000, 100000, 1000000), "mappings of a live process"),
    "core-threads": (core_threads, (10000, 100000, 1000000), "threads of a core"),
    "core-sparse": (core_sparse, (80, 800, 8000), "GB of one segment of a sparse core"),
}


def measure(options, target):
    """Return (exit status, seconds, kB, lines of output, first line of errors)."""
    read, write = os.pipe()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        subprocess.run([os.path.join(options.built, "bench/measure"), str(write), str(LONGEST), options.pystack,
                        "--timeout", "%ds" % LONGEST, target.operand], stdout=out, stderr=err, pass_fds=[write],
                       check=True)
        os.close(write)
        with os.fdopen(read) as report:
            status, started, ended, _, _, peak, _ = [int(word) for word in report.read().split()]
        out.seek(0)
        err.seek(0)
        lines = sum(block.count(b"\n") for block in iter(lambda: out.read(1 << 20), b""))
        return status, (ended - started) / 1e9, peak, lines, err.readline().decode(errors="replace").strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pystack", required=True)
    parser.add_argument("--built", required=True)
    parser.add_argument("--python", default="/usr/bin/python3")
    parser.add_argument("--scales", default="")
    parser.add_argument("--store")
    options = parser.parse_args()
    options.pystack = os.path.abspath(options.pystack)
    patterns = options.scales.split() or ["*"]
    text = ["| target | size | s | MB | lines | status | of the size before |", "|---|--:|--:|--:|--:|--:|--:|"]
    notes, bad = [], False
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        for name, (make, sizes, what) in TARGETS.items():
            if not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
                continue
            before = None
            for n in sizes:
                try:
                    target = make(options, place, n)
                except OSError as error:
                    notes.append("- %s, %d: skipped: %s" % (what, n, error))
                    continue
                try:
                    status, seconds, peak, lines, error = measure(options, target)
                finally:
                    target.end()
                growth = seconds / before if before else None
                text.append("| %s | %d | %.2f | %.0f | %d | %d | %s |" % (
                    what, n, seconds, peak / 1024, lines, os.waitstatus_to_exitcode(status),
                    "%.1f" % growth if growth else ""))
                print(text[-1], flush=True)
                if error:
                    notes.append("- %s, %d: `%s`" % (what, n, error.replace(target.operand, "TARGET")))
                if os.waitstatus_to_exitcode(status) not in (0, 1) or (status and not error):
                    notes.append("- WRONG: %s, %d: exit status %d" % (what, n, os.waitstatus_to_exitcode(status)))
                    bad = True
                if growth and growth > LINEAR and seconds > 1:
                    notes.append("- WRONG: %s, %d: %.1f times as long" % (what, n, growth))
                    bad = True
                before = seconds
    print("\n".join(text + [""] + notes))
    if options.store:
        with open(options.store, "w") as out:
            out.write("# Scale\n\n`make scale`, %s, %d processors, Linux %s, %s.\n\n" % (
                time.strftime("%-d %B %Y"), os.cpu_count(), os.uname().release, os.path.basename(options.python)))
            out.write("\n".join(text + [""] + notes) + "\n")
    return bad


if __name__ == "__main__":
    sys.exit(main())
