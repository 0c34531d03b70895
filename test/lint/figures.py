#!/usr/bin/env python3
"""Figures of a source tree, to compare it with another one.

    figures.py TREE...     print a table of the trees; circles are counted if a tree is built
    figures.py --one-word  print the functions of this tree whose name is one word (make lint)

A function of one word says nothing in a search or a backtrace. Names that libproc prescribes are exempt, and
main.
"""
import os
import re
import statistics
import subprocess
import sys

import circles

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
DEFINITION = re.compile(r"^[a-z][\w \t*]*?[ *](\w+)\([^;{}]*\)[^;{}()]*\n\{\n(.*?)^\}", re.M | re.S)
# One architecture's registers and names elsewhere than in lib/arch and in the BPF program.
OWN_ARCHITECTURE = re.compile(r"lib/(arch/|probe/bpf/|probe/probe\.bpf\.c)")
PRESCRIBED = re.compile(r"main|P[a-z]+")


def sources(tree):
    """Return {path: text} of the C files of lib and cmd."""
    out = {}
    for top in "lib", "cmd":
        for directory, _, names in os.walk(os.path.join(tree, top)):
            for name in names:
                if name.endswith((".c", ".h")):
                    path = os.path.join(directory, name)
                    with open(path, encoding="utf-8") as text:
                        out[os.path.relpath(path, tree)] = text.read()
    return out


def functions(files):
    """Yield the path, name and number of lines of each function."""
    for path, text in sorted(files.items()):
        for found in DEFINITION.finditer(text):
            yield path, found[1], found[2].count("\n")


def one_word(files):
    return [(path, name) for path, name, _ in functions(files)
            if "_" not in name and not PRESCRIBED.fullmatch(name)]


def know_architecture(tree):
    """Return how many files outside of lib/arch know an architecture."""
    found = subprocess.run(["grep", "-rlE", "--include=*.[ch]", "-f", HERE + "/architecture.patterns", "lib", "cmd"],
                           cwd=tree, stdout=subprocess.PIPE, text=True).stdout
    return sum(not OWN_ARCHITECTURE.match(path) for path in found.split())


def long_comments(tree, files):
    run = subprocess.run(["awk", "-f", HERE + "/comments.awk", *sorted(files)], cwd=tree, stdout=subprocess.PIPE,
                         text=True)
    return run.stdout.count("\n")


def count_circles(tree):
    lib = os.path.join(tree, "build", "lib")
    if not os.path.isdir(lib):
        return "not built"
    found = [c for paths in circles.objects(lib, os.path.join(tree, "lib")).values()
             for c in circles.circles(circles.graph(lib, paths))]
    return "%d (files: %s)" % (len(found), " ".join(map(str, sorted(map(len, found), reverse=True)))) if found else 0


def words(tree, name):
    with open(os.path.join(tree, name), encoding="utf-8") as text:
        return len(text.read().split())


def figures(tree):
    """Return pairs of a figure's name and its value."""
    files = sources(tree)
    lines = {path: text.count("\n") for path, text in files.items()}
    sizes = list(functions(files))
    longest_file, longest = max(lines, key=lines.get), max(sizes, key=lambda f: f[2])
    single = one_word(files)
    return [
        ("files of lib and cmd", len(files)),
        ("lines of them", sum(lines.values())),
        ("median, longest file", "%d, %d" % (statistics.median(lines.values()), lines[longest_file])),
        ("functions", len(sizes)),
        ("median, longest function", "%d, %d" % (statistics.median(f[2] for f in sizes), longest[2])),
        ("circles", count_circles(tree)),
        ("files that know an architecture", know_architecture(tree)),
        ("functions of one word", len(single)),
        ("comment lines over 100 columns", long_comments(tree, files)),
        ("words of README.md", words(tree, "README.md")),
        ("words of HACKING.md", words(tree, "HACKING.md")),
    ]


def main():
    if sys.argv[1:] == ["--one-word"]:
        found = one_word(sources(TOP))
        for path, name in found:
            print("%s: the name of %s() is one word" % (path, name))
        return 1 if found else 0
    columns = [figures(tree) for tree in sys.argv[1:] or [TOP]]
    for row in zip(*columns):
        print("%-34s" % row[0][0] + "".join("%24s" % value for _, value in row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
