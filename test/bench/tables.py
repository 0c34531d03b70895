"""The results of bench.py as Markdown."""
import re
import statistics

import peers

FIRST, LAST = "<!-- make bench writes what follows -->", "<!-- to here -->"
OURS = "pystack"
# The summary: the columns of the README's table and of the first table.
SUMMARY = ["threads-1", "threads-21", "threads-100", "threads-1000", "deep-10000", "core-10"]
TITLES = {"threads-1": "1 thread", "deep-10000": "10,000 frames", "core-10": "core, 10 threads",
          "threads-1000": "1,000 threads"}


def plain(text, folder=""):
    """Return another program's message for a table cell: short, on one line, without this machine's paths."""
    text = text.replace(folder, "…") if folder else text
    text = re.sub(r"\s+", " ", re.sub(r"/\S*/", "…/", text)).replace("|", "/").replace("`", "'")
    return text if len(text) <= 90 else text[:89] + "…"


def number(value):
    """Format a number with three significant digits."""
    if value >= 1000:
        return "{:,.0f}".format(round(value, 2 - len(str(int(value))) + 1))
    return "%.*f" % (0 if value >= 100 else 1 if value >= 10 else 2, value)


def spread(values, unit):
    """Format the median and the 10th and 90th percentiles."""
    values = sorted(v / unit for v in values)
    low, high = values[len(values) // 10], values[len(values) - 1 - len(values) // 10]
    return "%s (%s–%s)" % (number(statistics.median(values)), number(low), number(high))


def ratio(row, ours):
    """Return the median of the ratios within rounds."""
    mine = dict(zip(ours.rounds, ours.costs)) if ours else {}
    pairs = [cost.wall / mine[turn].wall for turn, cost in zip(row.rounds, row.costs) if turn in mine]
    return statistics.median(pairs) if pairs else None


def times(value):
    return "" if value is None else "%s×" % (number(value) if value < 10 else "{:,.0f}".format(value))


def runs(row):
    return "%d" % len(row.costs) + (", %d failed: %s" % (len(row.amiss), row.amiss[0]) if row.amiss else "")


def failure(row):
    return row.fails or (row.amiss or ["no run"])[0]


def ours_of(rows):
    return next((row for row in rows if row.name == OURS and row.costs), None)


def title(scene):
    words = TITLES.get(scene.name) or "%s thread%s" % ("{:,}".format(scene.threads), "s" * (scene.threads > 1))
    if scene.core and not words.startswith("core"):
        words = "core, " + words
    if scene.depth > 500:
        words = ("core, " if scene.core else "") + "{:,} frames".format(scene.depth)
    return words + (", stripped interpreter" if scene.stripped else "")


def cost_table(scene, rows):
    ours = ours_of(rows)
    lines = ["", "### %s" % title(scene), "",
             "`%s`, %s frames of Python a thread" % (scene.name, "{:,}".format(scene.depth)), "",
             "| | wall ms (p10–p90) | CPU ms | peak MB | times pystack's | runs |", "|---|--:|--:|--:|--:|--:|"]
    for row in rows:
        if row.fails or not row.costs:
            lines.append("| %s | fails: %s | | | | |" % (row.name, failure(row)))
            continue
        lines.append("| %s | %s | %s | %s | %s | %s |" % (
            row.name, spread([c.wall for c in row.costs], 1e6),
            number(statistics.median(c.cpu for c in row.costs) / 1e3),
            number(statistics.median(c.peak for c in row.costs) / 1024),
            "" if row is ours else times(ratio(row, ours)), runs(row)))
    return lines


PAUSES = {
    "pause-spin-c-1": "a thread that looks at the clock in C, alone",
    "pause-spin-c-100": "a thread that looks at the clock in C, among 99 that wait",
    "pause-spin-py-100": "a thread that looks at the clock in Python, among 99 that wait",
    "pause-naps-101": "100 threads that sleep 5 ms at a time: by how much the latest wakes too late",
    "pause-calls-1": "ten threads in calls that fail when interrupted",
    "pause-busy-30": "a thread that looks at the clock in C, among 29 that wait, beside two busy processes for each processor",
}


def pause_table(scene, rows):
    lines = ["", "### Pause: %s" % PAUSES[scene.name], "",
             "`%s`; µs, median (p10–p90) of the largest gap while a tool runs; noise: the same without any tool, for as long "
             "as that tool takes" % scene.name, "",
             "| | largest gap | noise | failed calls a run | runs |", "|---|--:|--:|--:|--:|"]
    for row in rows:
        if row.fails or not row.costs:
            lines.append("| %s | fails: %s | | | |" % (row.name, failure(row)))
            continue
        calls = scene.kind == "calls"
        lines.append("| %s | %s | %s | %s | %s |" % (
            row.name, "" if calls else spread([p[1] for p in row.pauses], 1e3),
            "" if calls else spread([p[0] for p in row.pauses], 1e3),
            "%.3g" % statistics.mean(row.failed) if calls else "", runs(row)))
    return lines


SAMPLING = {
    "sample-spin-c-1": "a thread that looks at the clock in C, alone",
    "sample-spin-py-100": "a thread that looks at the clock in Python, among 99 that wait",
    "sample-naps-101": "100 threads that sleep 5 ms at a time; the gap is by how much the latest wakes too late",
    "sample-calls-1": "one thread of Python, and ten in calls that fail when interrupted",
    "sample-wait-21": "21 threads, all of which wait",
    "sample-busy-1": "a thread that looks at the clock in Python, alone, beside two busy processes for each processor",
}


def sampling_table(scene, rows):
    """Return the table of a sampling scene. "taken" is pystack's own count, or of a spinning thread its stacks."""
    spins, calls, waits = scene.kind.startswith("spin"), scene.kind == "calls", scene.kind == "wait"
    lines = ["", "### Sampling: %s" % SAMPLING[scene.name], "",
             "`%s`; %d times a second for %d s; mean of the rounds; taken: %s; the largest gap in one round, and in one as long without any "
             "tool" % (scene.name, peers.RATE, peers.DURATION,
                       "stacks of the thread that spins" if spins else "stacks of each Python thread"), "",
             "| | taken | CPU µs a sample | CPU of one core | peak MB | largest gap, µs | noise | failed calls | runs |",
             "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for row in rows:
        if row.fails or not row.costs:
            lines.append("| %s | fails: %s | | | | | | | |" % (row.name, failure(row)))
            continue
        gap, noise = ("", "") if calls or waits else (number(max(p[i] for p in row.pauses) / 1e3) for i in (1, 0))
        cpu = sum(c.cpu for c in row.costs)
        lines.append("| %s | %.0f | %s | %.1f %% | %s | %s | %s | %s | %s |" % (
            row.name, statistics.mean(row.taken), number(cpu / sum(row.taken)),
            cpu * 1e5 / sum(c.wall for c in row.costs), number(max(c.peak for c in row.costs) / 1024), gap, noise,
            "%.3g" % statistics.mean(row.failed) if calls else "", runs(row)))
    return lines


def summary_lines(results):
    """Yield each tool's wall time in ms, and its ratio to pystack's, in the most important scenes."""
    columns = [(s, {row.name: row for row in rows}, rows) for s, rows, _ in results if rows and s.name in SUMMARY]
    names = []
    for _, _, rows in columns:
        names += [row.name for row in rows if row.name not in names and not row.name.startswith("nothing")]
    names = [n for n in names if any(n in by and by[n].costs for _, by, _ in columns)]
    lines = ["| wall ms | %s |" % " | ".join(title(s) for s, _, _ in columns), "|---|%s" % ("--:|" * len(columns))]
    for name in names:
        cells = []
        for _, by, rows in columns:
            row = by.get(name)
            if row is None or row.fails or not row.costs:
                cells.append("–")
                continue
            cell = number(statistics.median(c.wall for c in row.costs) / 1e6)
            cells.append(cell if name == OURS else "%s (%s)" % (cell, times(ratio(row, ours_of(rows)))))
        lines.append("| %s | %s |" % (name, " | ".join(cells)))
    return lines


def document(head, results):
    lines = ["# pystack beside its peers", "",
             "Made by `make bench`; whole processes, from start to end. The tools run in turn on the same target; "
             "ratios are medians of", "the ratios within a round. `nothing (true)` is a program that does nothing: what starting one "
             "takes.", ""]
    lines += ["- " + line for line in head] + [""]
    if any(rows and scene.name in SUMMARY for scene, rows, _ in results):
        lines += ["## Summary", ""] + summary_lines(results) + ["", LEGEND]
    lines += ["", "## Every scene"]
    for scene, rows, why in results:
        if rows is None:
            lines += ["", "### %s" % scene.name, "", "not measured: %s" % plain(why)]
        elif scene.name in SAMPLING:
            lines += sampling_table(scene, rows)
        elif scene.name in PAUSES:
            lines += pause_table(scene, rows)
        else:
            lines += cost_table(scene, rows)
    return "\n".join(lines) + "\n"


LEGEND = "–: the tool fails in this scene. `py-spy dump` and `austin -w` print the Python frames only."


INTRODUCTION = """Compared with other tools, start to finish, in ms and as a multiple of pystack's time; every scene, and the
effect on the target, is in [test/bench/RESULTS.md](test/bench/RESULTS.md):"""


def quote(readme, results, when):
    """Put the summary between the two comments of the README."""
    with open(readme) as f:
        text = f.read()
    before, first, rest = text.partition(FIRST)
    _, last, after = rest.partition(LAST)
    if first and last:
        with open(readme, "w") as f:
            f.write(before + first + "\n\n" + INTRODUCTION + "\n\n" + "\n".join(summary_lines(results)) + "\n\n" + when + " " + LEGEND + "\n\n" +
                    last + after)
