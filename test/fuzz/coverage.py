#!/usr/bin/python3
"""coverage.py    From a report of llvm-cov on standard input, write the lines of each parser that the corpus reaches.

Left out are files that run no bytes of a target, or in child processes only, where nothing is counted.
"""
import datetime
import re
import sys

PARSERS = [
    ("lines", r"python/objects/py_(lines|positions|varint)"),
    ("cfi", r"unwind/cfi_"),
    ("elf", r"elf/(class|image|image_memory|image_sections|notes|symbols|symbols_order|symbols_dynamic|symbol_table|"
            r"debugfile|unpack|slots)\.c|probe/probe_usdt\.c"),
    ("core", r"proc/core/|proc/(maps|mapped|lwps|read)\.c"),
    ("python", r"python/(frames|objects|find|layout|locals)/|python/threads/py_(status|names)"),
    ("values", r"python/values/|python/objects/py_dict"),
    ("unwind", r"unwind/(callsite|code_flow|engine|engine_cfi|engine_fp|frame_search|native_stack|prologue|regs|"
               r"return_probe|sigframe|unwind_memory|unwind_modules)\.c"),
    ("proc", r"proc/live/live_maps\.c|os/linux_process_stat\.c"),
    ("stacks", r"report/stack_text"),
    ("conditions", r"probe/probe_(spec|when[a-z_]*|usdt_args|args)\.c"),
    ("names", r"base/escape\.c|symbol/(cython_name|perf_map)\.c"),
    ("records", r"probe/probe_stacks\.c"),
]
CHILDREN = r"py_layout_dwarf|objects/py_lines\.h"


def files():
    """(path, lines, lines not reached) of each file of the report."""
    for line in sys.stdin:
        words = line.split()
        if len(words) > 9 and re.search(r"\.[ch]$", words[0]) and words[7].isdigit() and int(words[7]):
            yield words[0], int(words[7]), int(words[8])


def percent(lines, missed):
    return "%.1f" % (100 * (lines - missed) / lines)


def main():
    found = [f for f in files() if not re.search(CHILDREN, f[0])]
    print("# Fuzzing: what the corpus reaches\n")
    print("`make fuzz-coverage STORE=yes`, %s. Lines of lib/ that `test/fuzz/corpus` reaches.\n" %
          datetime.date.today().strftime("%d %B %Y").lstrip("0"))
    print("| parser | files | lines | reached | % |\n|---|--:|--:|--:|--:|")
    below = []
    for parser, pattern in PARSERS:
        mine = [f for f in found if re.search(pattern, f[0])]
        lines, missed = sum(f[1] for f in mine), sum(f[2] for f in mine)
        if lines:
            print("| %s | %d | %d | %d | %s |" % (parser, len(mine), lines, lines - missed, percent(lines, missed)))
        below += [f for f in mine if f[2] * 10 > f[1]]
    print("\nFiles of them of which less than 90 % is reached:\n\n| file | lines | % |\n|---|--:|--:|")
    for path, lines, missed in sorted(set(below), key=lambda f: (f[1] - f[2]) / f[1]):
        print("| %s | %d | %s |" % (path, lines, percent(lines, missed)))


main()
