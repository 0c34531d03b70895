"""Kinds of remarks and messages, with the words that builds of pystack have had for them: for compare_outputs.py.

A text that no row matches is a kind of its own, so new words for an old kind are found.
"""
import re

# The output depends on how busy the machine is.
LOADED = r"stopped later than the others|did not stop within|samples taken, [1-9]"

EARLY_END = "a stack ends early"
EARLY_END_COUNTS = "fc3d1264 pystack: count what the system refuses, and end with status 1"

# Each kind with the patterns of its words, later ones last.
KINDS = [
    ("state of a thread", r"(in |running|stopped|holds the GIL|waits for |detached|attached|suspended|collecting|"
                          r"finalizing|daemon)"),
    (EARLY_END, r"(older|outer) Python frames cannot be read: |nothing shows the caller of |cannot find the caller of "
                r"|needs .*, which is not known$|no frame at the frame pointer |no return address at "
                r"|stack not readable at |no unwind information at "),
    ("unwind gap", r"(unwind gap|JIT)$"),
    ("Python frame has returned", r"Python frame has returned$"),
    ("lines that cannot be read", r".*: the code or the line of \d+ Python frames could not be read"),
    ("frame of Python unknown", r"(its Python frame is not known|Python frame unknown)"),
    ("kernel thread", r".*: system process: it is a (thread of the kernel|kernel thread) "),
    ("bad lwp specification", r".*: bad lwp specification"),
    ("no Python", r".*: no Python( interpreter)? found( in it)?$"),
    ("-n needs a number", r".*: -n (takes|needs) a "),
    ("-o needs a form", r".*: -o takes "),
    ("no stacks on standard input", r".*: standard input: no stacks found( in it)?$"),
    ("-i and a core", r".*(holds still: -i samples processes|-i needs a process, not a core file)$"),
    ("core is truncated", r".*: core file is corrupt or missing required data(: it is truncated,|$)"),
    ("file is missing, in short", r".*: cannot be opened, either"),
    ("file is missing", r".*: cannot be opened: "),
    ("more missing files", r".*: \d+ more files like these; -v names them all$"),
    ("file is another one", r".* is not the (one|file) that was mapped "),
    ("sampled in the kernel", r".*sampling in the kernel"),
    ("CPython is not as released", r".*(is not as released|has a non-standard layout) "),
    ("unknown option", r".*: (invalid option -- '|option \S+ is unknown)"),
    ("usage", r"usage: "),
]
# Differences that a commit made on purpose: "ROW: WHAT: OLD => NEW".
MENDED = [
    ("6b623bd8 escape: double backslashes, so that no two names look alike",
     r".* line: .*\bnew\\x0aline.py.* => .*\bnew\\\\x0aline.py.*"),
    ("8d47bdc7 python, stack: place frames of compiled code, and take their own lines",
     r".* line: (.*/pyexpat.c:.* => | => .*/pyexpat.c:.*)"),
    ("1e952bd4 symbol: name code in no file by the program's perf map",
     r".*-perf: native line: (0x[0-9a-f]+|ADDR) => JIT`py::.*"),
    ("1ab8ab8e capture, join: anchor frames whose markers AddressSanitizer has moved",
     r"\S*-asan-fake: (Python line|native line|remark|stderr|exit status): .*"),
    ("fefa36e2 symbol: demangle names of C++ and Rust", r".* line: \S+`_(Z|R)\w+.* => \S+`.*"),
    ("de7f07fe stack: say of an activation that its last Python frame has ended",
     r".*: (native line:  => \(Python frame has returned\)|remark:  => Python frame has returned)"),
]
# What one build prints and the other does not, or as often: names are given in another way.
OPTIONAL = {"state of a thread", "sampled in the kernel", "file is missing, in short", "more missing files",
            "lines that cannot be read"}


def plain(text):
    """Return the text with placeholders for numbers and paths."""
    text = re.sub(r"/tmp/pystack-compare-\w+(/\w+(\.\w+)?)?|/usr/[\w./-]+", "PATH", text)
    text = re.sub(r"mapped one: \w+", "mapped one: ID", re.sub(r"0x[0-9a-f]+", "ADDR", text))
    return re.sub(r"\b\d+(\.\d+)*", "N", text)


def kind(text):
    for name, pattern in KINDS:
        if re.match(pattern, text):
            return name
    return plain(text)


def is_optional(name):
    return name in OPTIONAL
