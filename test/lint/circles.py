#!/usr/bin/env python3
"""circles.py [--known FILE] LIB   Print circles between the object files of each layer.

LIB is the directory of a build's objects (build/lib). An object depends on another one of its layer
if it uses a symbol that the other defines. Objects without a source file are ignored: they are left
from an earlier build. A line "circle OBJECT OBJECT ..." of FILE exempts a circle of these objects or
of some of them. Prints the other circles with the symbols that close them, and the lines of FILE that
exempt nothing. The exit status is 1 if a circle was printed.
"""
import argparse
import os
import subprocess
import sys


OWN_SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib")


def objects(top, source=OWN_SOURCE):
    """Return the paths of the objects below top, relative to it, by layer. source: the layers' sources."""
    layers = {}
    for directory, _, names in sorted(os.walk(top)):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(directory, name), top)
            if name.endswith(".o") and os.path.exists(os.path.join(source, path[:-2] + ".c")):
                layers.setdefault(path.split(os.sep)[0], []).append(path)
    return layers


def symbols(path):
    """Return the global symbols that an object defines, and those that it uses."""
    out = subprocess.run(["nm", "-g", "-P", path], check=True, stdout=subprocess.PIPE,
                         universal_newlines=True).stdout
    defined, used = set(), set()
    for line in out.splitlines():
        name, kind = line.split()[:2]
        (used if kind in "Uw" else defined).add(name)
    return defined, used


def graph(top, paths):
    """Return for each object the objects it uses, with the symbols."""
    known = {path: symbols(os.path.join(top, path)) for path in paths}
    home = {name: path for path in paths for name in known[path][0]}
    edges = {path: {} for path in paths}
    for path in paths:
        for name in sorted(known[path][1]):
            if home.get(name, path) != path:
                edges[path].setdefault(home[name], []).append(name)
    return edges


def reached(edges, start):
    """Return the objects that start uses, directly or through others."""
    seen, todo = set(), [start]
    while todo:
        for to in edges[todo.pop()]:
            if to not in seen:
                seen.add(to)
                todo.append(to)
    return seen


def circles(edges):
    """Yield the strongly connected components of more than one object."""
    reach = {path: reached(edges, path) for path in edges}
    done = set()
    for path in edges:
        if path in reach[path] and path not in done:
            circle = {path} | {to for to in reach[path] if path in reach[to]}
            done |= circle
            yield circle


def exempted(path):
    """Return the circles of the file at path, each a set of objects."""
    with open(path, encoding="utf-8") as lines:
        words = [line.split() for line in lines]
    return [frozenset(w[1:]) for w in words if w[:1] == ["circle"]]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--known")
    parser.add_argument("lib")
    args = parser.parse_args()
    known = exempted(args.known) if args.known else []
    needed = set()
    bad = False
    for layer, paths in objects(args.lib).items():
        edges = graph(args.lib, paths)
        for circle in circles(edges):
            needed |= {k for k in known if circle <= k}
            if any(circle <= k for k in known):
                continue
            bad = True
            print("%s: circle of %d files:" % (layer, len(circle)))
            for path in sorted(circle):
                for to, names in sorted(edges[path].items()):
                    if to in circle:
                        print("  %s uses %s: %s" % (path, to, ", ".join(names)))
    for k in known:
        if k not in needed:
            print('the circle is cut: remove "circle %s" from %s' % (" ".join(sorted(k)), args.known))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
