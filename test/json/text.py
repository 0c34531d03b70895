#!/usr/bin/env python3
"""Write the text of pystack from its JSON, and compare.   text.py DIRECTORY

DIRECTORY has N.json, the line of an operand that does not change (a core), N.text, what pystack prints of it,
and N.options, the letters of its options. Written from the manual page alone, so that what one of the outputs
lacks, or has in another order, is found. The exit status is 1 if a text differs.
"""
import difflib
import json
import os
import re
import sys
import unicodedata

BLANKS = " \t\f"
WIDTH, RULE, LIMIT, INTERPS = 62, 4, 4096, 8
DECEPTIVE = {0x061C, 0x200E, 0x200F, 0xFEFF, *range(0x2028, 0x202F), *range(0x2066, 0x206A)}


def decoded(text):
    r"""The code points of a text: \\ is a backslash, \uNNNN a surrogate or a byte."""
    for part in re.finditer(r"\\\\|\\u(d[89a-f][0-9a-f]{2})|[^\\]", text, re.DOTALL):
        yield int(part.group(1), 16) if part.group(1) else ord(part.group()[0])


def escaped(text, bracket, is_bytes):
    """As the text output has it. is_bytes: a surrogate stands for a byte."""
    out = []
    for i, c in enumerate(decoded(text)):
        if i == LIMIT:
            out.append("...")
            break
        if c == 0x5C:
            out.append("\\\\")
        elif c < 0x20 or 0x7F <= c <= 0x9F or (c == 0x5B and bracket):
            out.append("\\x%02x" % c)
        elif is_bytes and 0xDC80 <= c <= 0xDCFF:
            out.append("\\x%02x" % (c - 0xDC00))
        elif 0xD800 <= c <= 0xDFFF or c in DECEPTIVE:
            out.append("\\u%04x" % c)
        else:
            out.append(chr(c))
    return "".join(out)


def native(frame):
    if "module" not in frame:
        return frame["pc"]
    module = escaped(frame["module"].rsplit("/", 1)[-1], True, True)
    if "symbol" not in frame:
        return "%s`%s" % (module, frame.get("address") or frame["pc"])
    offset = "+0x%x" % frame["offset"] if frame["offset"] else ""
    return "%s`%s%s" % (module, escaped(frame["symbol"], True, True), offset)


def python(frame, qualified, pythons):
    # Names of Python 2 are bytes.
    is_bytes = "interpreter" in frame and pythons[frame["interpreter"]]["version"].startswith("2.")
    if "function" not in frame:
        words = "[ ?:0 (?) ]"
    else:
        name = frame["qualname"] if qualified and "qualname" in frame else frame["function"]
        name = re.sub(r"(:[0-9]+ )\(", r"\1\\x28", escaped(name, False, is_bytes))
        words = "[ %s:%d (%s) ]" % (escaped(frame["file"], False, is_bytes), frame.get("line", 0), name)
    return "  " + words + ("" if frame["certain"] else " ?")


def shown(c):
    """A character of a source line, and its width."""
    if c == "\t":
        return c, 0
    if ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F:
        return "\\x%02x" % ord(c), 4
    if 0xDC80 <= ord(c) <= 0xDCFF:
        return "\\x%02x" % (ord(c) - 0xDC00), 4
    if ord(c) in DECEPTIVE:
        return "\\u%04x" % ord(c), 6
    return c, 0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1


def marked(frame, lines):
    """The bytes from where to where are marked in each line; nothing if that is all of them."""
    found, partly = [], False
    for i, line in enumerate(lines):
        first = len(line) - len(line.lstrip(BLANKS))
        length = len(line.rstrip(BLANKS).encode("utf-8", "surrogatepass"))
        begin = frame["column"] if i == 0 else first
        end = min(frame["end_column"], length) if frame["line"] + i == frame["end_line"] else length
        partly = partly or begin > first or end < length
        found.append((begin, end))
    return found if partly else [(0, 0)] * len(lines)


def source(frame):
    if "source" not in frame:
        return
    lines = ["".join(map(chr, decoded(line))) for line in frame["source"]["lines"]]
    doubts = frame["source"].get("doubts", [])
    gutter = "  %s " % ("?" if doubts else "|")
    indents = [line[: len(line) - len(line.lstrip(BLANKS))] for line in lines if line.strip(BLANKS)]
    common = len(os.path.commonprefix(indents))
    bounds = marked(frame, lines) if "column" in frame else [(0, 0)] * len(lines)
    for line, (begin, end) in zip(lines, bounds):
        text, marks, at = "", "", 0
        for i, c in enumerate(line):
            if i >= common:
                words, width = shown(c)
                text += words
                marks += c if c == "\t" else ("^" if begin <= at < end else " ") * width
            at += 1 if 0xDC80 <= ord(c) <= 0xDCFF else len(c.encode("utf-8", "surrogatepass"))
        yield gutter + text
        if begin < end and marks.strip():
            yield gutter + marks.rstrip()
    if "cut" in frame["source"]:
        yield gutter + "..."
    if "short" in doubts:
        yield gutter + "(the file has no such line)"


def variables(frame, pythons):
    is_bytes = "interpreter" in frame and pythons[frame["interpreter"]]["version"].startswith("2.")
    for one in frame.get("locals", []):
        if "value" in one:
            value = one["value"]
        elif one["error"] == "changed":
            value = "<changed while read>"
        else:
            value = "<unreadable%s>" % (" at " + one["object"] if "object" in one else "")
        yield "%s = %s" % (escaped(one["name"], False, is_bytes), value)
    if "locals_cut" in frame:
        yield "..."


def remark(frame):
    return "..." if frame["code"] == "more" else "(%s)" % escaped(frame["text"], True, True)


def duration(ns):
    ns = max(ns, 0)
    unit, name = (10**6, "ms") if ns < 10**9 else (10**9, "s")
    return ("%d.%03d" % (ns // unit, ns % unit // (unit // 1000))).rstrip("0").rstrip(".") + " " + name


def waits(thing):
    words = "waits for the " + thing["what"]
    if "address" in thing:
        words += " at " + thing["address"]
    return words + (" held by %d" % thing["held_by"] if "held_by" in thing else "")


def state(thread):
    parts = []
    call = thread.get("system_call")
    if call:
        words = "in " + call.get("name", "system call %d" % call["number"])
        if "timeout_ns" in call:
            words += ", time-out " + duration(call["timeout_ns"])
        if "left_ns" in call:
            words += ", " + duration(call["left_ns"]) + " left"
        parts.append(words)
    activities = {"running": "running", "disk-sleep": "in disk sleep", "stopped": "stopped", "traced": "stopped by a tracer"}
    if thread.get("activity") in activities:
        parts.append(activities[thread["activity"]])
    if "holds_gil" in thread:
        parts.append("holds the GIL")
    if "waits_for_gil" in thread:
        parts.append(waits(thread["waits_for_gil"]))
    if "attachment" in thread:
        parts.append(thread["attachment"])
    if "waits_for" in thread:
        parts.append(waits(thread["waits_for"]))
    if "collecting" in thread:
        parts.append("collecting garbage" + ("" if thread["collecting_certain"] else " ?"))
    for word in ("finalizing", "daemon"):
        if word in thread:
            parts.append(word)
    return parts


def header(thread):
    words = "thread# %d / lwp# %d" % (thread["lwp"], thread["lwp"])
    ids = [("%s:%d" % (one["version"], one["id"]) if "version" in one else "%d" % one["id"]) for one in thread.get("interpreters", [])]
    if ids:
        words += " / interp# " + ",".join(ids[:INTERPS] + ["..."] * (len(ids) > INTERPS))
    name, kernel = thread.get("python_name"), thread.get("name", "")
    if name is not None and name != kernel:
        words += ' "%s"' % escaped(name, True, False).replace('"', "\\x22")
    if kernel:
        words += " [%s]" % escaped(kernel, True, True)
    n = len(words.encode("utf-8", "surrogatepass"))
    rules = WIDTH - 2 - n if WIDTH - RULE - 2 > n else RULE
    return "%s %s %s" % ("-" * (rules // 2), words, "-" * (rules - rules // 2))


def rendered(target, options):
    psargs = "".join(c if " " <= c <= "~" else " " for c in target["psargs"])[:70]
    core = "core '%s' of " % escaped(target["file"], False, True) if target["kind"] == "core" else ""
    yield ("%s%d:\t%s" % (core, target["pid"], psargs)).rstrip()
    if "signal" in target:
        signal = target["signal"]
        yield "killed by %s%s" % (signal["name"], " sent by pid %d" % signal["sender"] if "sender" in signal else
                                  " at " + signal["address"] if "address" in signal else "")
    threads = target["threads"]
    headed = target["thread_count"] > 1 or any("interpreters" in t or t["lwp"] != target["pid"] for t in threads)
    for thread in threads:
        if headed:
            yield header(thread)
        parts = state(thread)
        if parts:
            yield " " * 14 + "(%s)" % "; ".join(parts)
        for frame in thread["frames"]:
            if frame["kind"] == "native":
                yield " " * 14 + native(frame)
            elif frame["kind"] == "python":
                yield " " * 14 + python(frame, "v" in options, target["interpreters"])
                for line in source(frame):
                    yield (" " * 16 + line).rstrip()
                for line in variables(frame, target["interpreters"]):
                    yield (" " * 20 + line).rstrip()
            else:
                yield " " * 14 + remark(frame)

    for circle in target.get("deadlocks", []):
        yield "deadlock: %d %s" % (circle[0]["lwp"], ", which ".join(waits(one) for one in circle))


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as f:
        return f.read()


def main():
    wrong = compared = 0
    for name in sorted(os.listdir(sys.argv[1])):
        if not name.endswith(".json"):
            continue
        stem = os.path.join(sys.argv[1], name[: -len(".json")])
        options = read(stem + ".options")
        text = [line.rstrip() for line in read(stem + ".text").split("\n")[:-1]]
        made = []
        for line in read(stem + ".json").split("\n")[:-1]:
            target = json.loads(line)
            if "kind" in target:
                made += rendered(target, options)
        compared += 1
        if made != text:
            wrong += 1
            print("\n".join(list(difflib.unified_diff(text, made, stem + ".text", stem + ".json", lineterm=""))[:40]))
    print("%d texts, %d differ" % (compared, wrong))
    return wrong != 0


sys.exit(main())
