#!/usr/bin/env python3
"""circles.py LIB...   Print circles between object files of a layer.

LIB is a directory of objects (build/lib). An object depends on another of its layer if it uses a symbol
that the other defines. Prints each circle with the symbols that close it; exits with 1 if there is one.
"""
import os
import subprocess
import sys


def objects(top):
    """Paths of the objects below top, by layer."""
    layers = {}
    for folder, _, names in sorted(os.walk(top)):
        for name in sorted(names):
            if name.endswith(".o"):
                path = os.path.join(folder, name)
                layers.setdefault(os.path.relpath(path, top).split(os.sep)[0], []).append(path)
    return layers


def symbols(path):
    """Global symbols that an object defines, and those that it uses."""
    out = subprocess.run(["nm", "-g", "-P", path], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    defined, used = set(), set()
    for line in out.splitlines():
        name, kind = line.split()[:2]
        (used if kind in "Uw" else defined).add(name)
    return defined, used


def graph(paths):
    """From each object to the objects it uses, with the symbols."""
    known = {path: symbols(path) for path in paths}
    home = {name: path for path in paths for name in known[path][0]}
    edges = {path: {} for path in paths}
    for path in paths:
        for name in sorted(known[path][1]):
            if home.get(name, path) != path:
                edges[path].setdefault(home[name], []).append(name)
    return edges


def reached(edges, start):
    seen, todo = set(), [start]
    while todo:
        for to in edges[todo.pop()]:
            if to not in seen:
                seen.add(to)
                todo.append(to)
    return seen


def circles(edges):
    """The strongly connected components that have more than one object."""
    reach = {path: reached(edges, path) for path in edges}
    done = set()
    for path in edges:
        if path in reach[path] and path not in done:
            circle = {path} | {to for to in reach[path] if path in reach[to]}
            done |= circle
            yield sorted(circle)


def main():
    bad = False
    for top in sys.argv[1:]:
        for layer, paths in objects(top).items():
            edges = graph(paths)
            for circle in circles(edges):
                bad = True
                print("%s: circle of %d files:" % (layer, len(circle)))
                for path in circle:
                    for to, names in sorted(edges[path].items()):
                        if to in circle:
                            print("  %s uses %s: %s" % (os.path.relpath(path, top), os.path.relpath(to, top), ", ".join(names)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
