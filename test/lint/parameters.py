#!/usr/bin/env python3
"""parameters.py FILE...   Print functions of C files that have more than 6 parameters.

Parameters that several functions share, or that are one thing together, are to be a struct.
The exit status is 1 if a function was printed.
"""
import re
import sys

MOST = 6

# The name of a function that is defined or declared: the format puts the first word of its
# declaration in the first column. Macros (in capitals) have parameters of their own.
START = re.compile(r"^(?!typedef\b)[A-Za-z_](?:[\w\s*]|\(\([^()]*(?:\([^()]*\)[^()]*)*\)\))*?"
                   r"\b([a-z_]\w*)\((?!\()", re.MULTILINE)


def code_of(text):
    """Return text with spaces in place of comments, of strings and of characters."""
    pattern = r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'"
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.DOTALL)


def parameters(code, start):
    """Return how many parameters the list has that begins at start."""
    depth, n = 0, 1
    for c in code[start:]:
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth < 0:
                break
        elif c == "," and depth == 0:
            n += 1
    return n


def main():
    bad = False
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            code = code_of(f.read())
        for m in START.finditer(code):
            n = parameters(code, m.end())
            if n > MOST:
                bad = True
                line = code.count("\n", 0, m.start(1)) + 1
                print("%s:%d: %s has %d parameters" % (path, line, m.group(1), n))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
