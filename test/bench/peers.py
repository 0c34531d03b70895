"""The measured tools: how each is called, and what its output must contain."""
import collections
import glob
import os
import re
import shutil
import subprocess
import sys

# live and core: arguments, with {pid}, {core} and {exe}; None: the tool has no such mode. shows: a pattern
# that matches in each thread's stack. deep: a pattern of a frame of the recursion.
Tool = collections.namedtuple("Tool", "name live core shows deep version")

# A tool that samples {pid} and writes stacks to {file} or to standard output. form: how it prints the number
# of times that a stack was seen.
Sampler = collections.namedtuple("Sampler", "name command form version")
DURATION, RATE = 5, 100  # seconds, samples per second

NATIVE_FRAME = r"(?m)^#\d+ "
PACKAGES = ["py-spy", "pystack", "austin-dist"]


def run(command, seconds=60):
    """Return a command's output and errors as text; None if it does not run or fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds, text=True, errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def environment(folder, say):
    """Make a virtual environment below folder with PyPI's peers. Each is installed separately: one may not
    support this machine."""
    place = os.path.join(folder, "venv")
    pip = os.path.join(place, "bin/pip")
    if not os.path.exists(pip) and run([sys.executable, "-m", "venv", "--clear", place]) is None:
        say("no virtual environment: %s -m venv fails (Debian: python3-venv)" % sys.executable)
        return place
    for package in PACKAGES:
        if run([pip, "show", "-q", package]) is None and run([pip, "install", "-q", package], 300) is None:
            say("pip cannot install " + package)
    # The newest version needs a newer C library than a stable distribution has.
    austin = os.path.join(place, "bin/austin")
    if os.path.exists(austin) and run([austin, "--version"]) is None:
        run([pip, "install", "-q", "austin-dist<4"], 300)
    return place


def first_number(text):
    found = re.search(r"\d+(\.\d+)+", text or "")
    return found.group(0) if found else "?"


def gdb_helpers(python):
    """Return the files of gdb's commands for Python, which are in the interpreter's debug package."""
    name = os.path.basename(os.path.realpath(python))
    return glob.glob("/usr/share/gdb/auto-load" + os.path.realpath(python) + "-gdb.py") + \
        glob.glob("/usr/share/gdb/auto-load/usr/bin/" + name + "-gdb.py")


def tools(pystack, also, place, python):
    """Return all tools, pystack first, missing ones too."""
    def found(name):
        own = os.path.join(place, "bin", name)
        return own if os.path.exists(own) else shutil.which(name)

    def version(path, *arguments):
        return first_number(run([path, *arguments])) if path else None

    spy, peer, eu, gdb = found("py-spy"), os.path.join(place, "bin/pystack"), found("eu-stack"), found("gdb")
    austin, austinp = found("austin"), found("austinp")
    if not os.path.exists(peer):
        peer = None
    batch = [gdb, "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set pagination off"]
    here = r"\(wait_here\)|\bwait_here\b"
    result = [Tool("pystack", [pystack, "{pid}"], [pystack, "{core}"], r"\((wait_here|nap_here|main_waits|spin_\w+)\) \]",
                   r"\(down\)", version(pystack, "--version"))]
    if also:
        result.append(result[0]._replace(name="pystack (ALSO)", live=[also, "{pid}"], core=[also, "{core}"],
                                         version=version(also, "--version")))
    shows = r"\b(wait_here|nap_here|main_waits|spin_in_c|spin_in_python)\b"
    result += [
        Tool("py-spy dump", [spy, "dump", "--pid", "{pid}"], [spy, "dump", "--core", "{core}"], shows, r"\bdown\b",
             version(spy, "--version")),
        Tool("py-spy dump --native", [spy, "dump", "--native", "--pid", "{pid}"],
             [spy, "dump", "--native", "--core", "{core}"], shows, r"\bdown\b", version(spy, "--version")),
        Tool("PyStack --native-all", [peer, "remote", "--native-all", "{pid}"],
             [peer, "core", "--native-all", "{core}", "{exe}"], shows, r"\bdown\b", version(peer, "--version")),
        Tool("eu-stack", [eu, "-n", "0", "-p", "{pid}"], [eu, "-n", "0", "--core", "{core}", "-e", "{exe}"],
             r"(?m)^TID \d+:\n#\d+ .*\n#\d+ ", NATIVE_FRAME, version(eu, "--version")),
        Tool("gdb, bt", batch + ["-p", "{pid}", "-ex", "thread apply all bt"],
             batch + ["{exe}", "{core}", "-ex", "thread apply all bt"], r"(?m)^Thread \d+ .*\n#0 .*\n#1 ", NATIVE_FRAME,
             version(gdb, "--version")),
    ]
    helpers = gdb_helpers(python)
    if helpers:
        source = ["-ex", "source " + helpers[0], "-ex", "thread apply all py-bt"]
        result.append(Tool("gdb, py-bt", batch + ["-p", "{pid}"] + source, batch + ["{exe}", "{core}"] + source, shows,
                           r"\bdown\b", version(gdb, "--version")))
    else:
        result.append(Tool("gdb, py-bt", [None], [None], shows, here, None))
    result += [
        Tool("austin -w", [austin, "-w", "{pid}"], None, shows, r"\bdown\b", version(austin, "--version")),
        Tool("austinp -w", [austinp, "-w", "{pid}"], None, shows, r"\bdown\b", version(austinp, "--version")),
    ]
    return result


def samplers(pystack, also, place, spins):
    """Return the samplers, pystack first. Waiting threads are sampled too if the target has no running ones."""
    def found(name):
        own = os.path.join(place, "bin", name)
        return own if os.path.exists(own) else shutil.which(name)

    def version(path):
        return first_number(run([path, "--version"])) if path else None

    spy, austin, austinp = found("py-spy"), found("austin"), found("austinp")
    every, all_ = "%dms" % (1000 // RATE), [] if spins else ["--idle"]
    ours = ["-i", every, "-d", "%ds" % DURATION, "-o", "folded", "{pid}"]
    record = ["-r", str(RATE), "-d", str(DURATION), "-f", "raw", "-o", "{file}", "-p", "{pid}"]
    expose = ["-i", every, "-x", str(DURATION), "-p", "{pid}"]
    words = " --idle" if all_ else ""
    result = []
    for name, path in (("pystack -i", pystack), ("pystack (ALSO) -i", also)):
        if path:
            result.append(Sampler(name, [path, *ours], "folded" if spins else "said", version(path)))
        if path and all_:
            result.append(Sampler(name + words, [path, *all_, *ours], "folded", version(path)))
    return result + [
        Sampler("py-spy record --native" + words, [spy, "record", "--native", *all_, *record], "file", version(spy)),
        Sampler("py-spy record" + words, [spy, "record", *all_, *record], "file", version(spy)),
        Sampler("austin", [austin, *expose], "lines", version(austin)),
        Sampler("austinp", [austinp, *expose], "lines", version(austinp)),
    ]


def taken(sampler, scene, output):
    """Return the number of stacks of the spinning thread, or of all threads if none spins; a text if the tool
    does not print it."""
    path = output + (".stacks" if sampler.form == "file" else "")
    try:
        with open(path, errors="replace") as f:
            lines = f.read().splitlines()
    except OSError as e:
        return "no stacks: %s" % e.strerror
    if sampler.form == "file":
        os.unlink(path)
    if sampler.form == "said":
        late = re.search(r"(\d+) samples taken, \d+ (?:of them )?late", "\n".join(lines))
        return int(late.group(1)) if late else DURATION * RATE
    spins = scene.kind.startswith("spin")
    wanted = re.compile(r"\bspin_in_(c|python)\b" if spins else
                        r"\b(wait_here|nap_here|main_waits)\b")
    mine = [line for line in lines if wanted.search(line)]
    count = len(mine) if sampler.form == "lines" else sum(int(line.rpartition(" ")[2]) for line in mine)
    return count / (1 if spins else scene.threads) or "has no stack of it"
