#!/usr/bin/python3
"""Compare values of all types on every interpreter, and print a table of what was compared.   values.py LIVE_VALUES_TEST

Interpreters are those that `make check` finds, and the rows of test/matrix/rows that `make matrix` has made. A cell has
the number of values of a process that were written as it says, or `wrong/all`, cores included. The exit status is 1 if any was wrong.
"""
import collections
import glob
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "pystack/matrix")
LEFT_OUT = ("-perf", "-nopie", "-stripped", "-asan-fake")  # the same objects as other rows have


def interpreters():
    """(label, environment) of each."""
    yield "Debian 3.11", {"PYTHON": "/usr/bin/python3"}
    for path in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python[23].[0-9]*")),
                       key=lambda p: [int(n) for n in p.split("/")[-3].split(".")]):
        if path.rpartition("python")[2].replace(".", "").isdigit():
            yield path.split("/")[-3], {"PYTHON": path}
    with open(os.path.join(HERE, "rows")) as rows:
        for row in rows:
            label, root, path, version, *more = row.split("#")[0].split() or [""] * 4
            root = os.path.join(CACHE, root)
            if label and not label.endswith(LEFT_OUT) and os.path.exists(root + path):
                yield label, dict([m.split("=", 1) for m in more], PYTHON=path, PYSTACK_TEST_ROOT=root,
                                  PYSTACK_TEST_VERSION=version)


def count(test, environment):
    """Counter of values, and of wrong ones, by kind; whether cores were compared."""
    good, bad, cores = collections.Counter(), collections.Counter(), False
    with tempfile.NamedTemporaryFile("r") as table:
        subprocess.run([test], env=dict(os.environ, PYSTACK_VALUES_TABLE=table.name, **environment),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for line in table:
            way, kind, right = line.rstrip("\n").split("\t")
            good[kind] += right == "1" and way == "live"
            bad[kind] += right != "1"
            cores |= way == "core"
    return good, bad, cores


def main():
    columns = [(label, count(sys.argv[1], environment)) for label, environment in interpreters()]
    columns = [column for column in columns if column[1][0]]
    kinds = sorted(set().union(*[good for _, (good, _, _) in columns]), key=str.lower)
    print("| type | " + " | ".join(label for label, _ in columns) + " |")
    print("|---|" + "--:|" * len(columns))
    for kind in kinds:
        cells = []
        for _, (good, bad, _) in columns:
            cells.append("%d/%d" % (bad[kind], bad[kind] + good[kind]) if bad[kind] else str(good[kind] or ""))
        print("| %s | %s |" % (kind, " | ".join(cells)))
    print("| cores as well | " + " | ".join("yes" if cores else "" for _, (_, _, cores) in columns) + " |")
    sys.exit(any(any(bad.values()) for _, (_, bad, _) in columns) or not columns)


main()
