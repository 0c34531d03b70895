#!/usr/bin/python3
"""seeds.py FOLDER    Write inputs that libFuzzer starts from, into FOLDER/PARSER/.

They are sound inputs of each parser (test/fuzz/parsers), most of them made by the compilers and
interpreters of this machine. The corpus in the repository was made from these by libFuzzer.
"""
import glob
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

C_SOURCE = """
int x = 5;
static int helper(int a) { return a * x; }
int main(void) { return helper(3); }
int _PyEval_EvalFrameDefault(int a) { return helper(a) + 1; }
void _start(void) { main(); }
"""

ELF_FLAGS = ["-O1", "-O0 -g", "-O1 -g -gz=zlib", "-shared -fPIC -O1", "-m32 -O1", "-O1 -Wl,--build-id=none",
             "-O1 -Wl,--hash-style=sysv -shared -fPIC", "-static-pie -fPIE -O1"]

CFI_SOURCE = """
f:  .cfi_startproc
    push %rbp
    .cfi_def_cfa_offset 16
    .cfi_offset 6, -16
    mov %rsp, %rbp
    .cfi_def_cfa_register 6
    .cfi_remember_state
    nop
    .cfi_restore_state
    .cfi_escape 0x10, 3, 2, 0x77, 8
    .cfi_escape 0x0f, 3, 0x77, 8, 6
    nop
    .cfi_register 3, 12
    .cfi_undefined 14
    .cfi_same_value 3
    .cfi_val_offset 13, -24
    ret
    .cfi_endproc
g:  .cfi_startproc
    .cfi_signal_frame
    nop
    .cfi_escape 0x16, 12, 4, 0x77, 0, 0x22, 0x06
    nop
    .cfi_endproc
"""

UNWIND_SOURCE = """
extern long sink;
long g(long (*f)(long), long a);
__attribute__((noinline)) long leaf(long a) { volatile long x[20]; x[a & 7] = a; return x[3]; }
__attribute__((noinline)) long f(long a) { char room[(a & 255) + 16]; room[a & 15] = a; return leaf(a) + room[3]; }
__attribute__((noinline)) long h(long a, long b) { long x = a ? f(a - 1) : leaf(b); return g(f, x * b) + a; }
__attribute__((noinline)) long g(long (*f)(long), long a) { return a > 3 ? f(a) + h(a, 2) : leaf(a); }
void _start(void) { g(f, 5); for (;;) ; }
"""

UNWIND_FLAGS = ["-O2", "-O0", "-O2 -fno-omit-frame-pointer", "-O2 -fno-asynchronous-unwind-tables -fno-unwind-tables",
                "-O1 -m32", "-O0 -m32 -fno-asynchronous-unwind-tables -fno-unwind-tables"]

PYTHON_SOURCE = """
def f(a, b):
    x = [i for i in
         a]
    try:
        return (b +
                g(a))
    except Exception as e:
        with e: pass
""" + "\n" * 300 + """
    y = lambda: (yield)
"""

LINES_OF = """
import struct, sys
made = compile(%r, "x", "exec").co_consts
for n, code in enumerate(c for c in made if hasattr(c, "co_code")):
    table = code.co_linetable if sys.version_info >= (3, 10) else code.co_lnotab
    kind = 3 if sys.version_info >= (3, 11) else 2 if sys.version_info >= (3, 10) else int(sys.version_info < (3, 6))
    name = "%%d.%%d-%%d" %% (sys.version_info[0], sys.version_info[1], n)
    with open(%r + "/" + name, "wb") as f:
        f.write(struct.pack("<Bii", kind, code.co_firstlineno, len(code.co_code) // 2) + bytes(table))
"""


def run(*command):
    # In no folder of this machine, which debug information would name.
    return subprocess.run(command, cwd="/", stderr=subprocess.DEVNULL, check=False).returncode == 0


def read(path):
    with open(path, "rb") as f:
        return f.read()


def padded(data, unit):
    return data + bytes(-len(data) % unit)


class Seeds:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.work = tempfile.mkdtemp()

    def write(self, parser, name, data):
        os.makedirs(os.path.join(self.folder, parser), exist_ok=True)
        with open(os.path.join(self.folder, parser, name), "wb") as f:
            f.write(data)

    def path(self, name):
        return os.path.join(self.work, name)

    def source(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)
        return self.path(name)

    def section(self, path, name):
        out = self.path("section")
        run("objcopy", "-O", "binary", "--only-section=" + name, "--set-section-flags", name + "=alloc", path, out)
        return read(out)

    @staticmethod
    def placed(path, name):
        """The bytes of a section, as readelf finds them; none if there is no such section."""
        listed = subprocess.run(["readelf", "-SW", path], stdout=subprocess.PIPE, check=True).stdout.decode()
        for line in listed.splitlines():
            words = line.partition("]")[2].split()
            if words and words[0] == name:
                return read(path)[int(words[3], 16):][:int(words[4], 16)]
        return b""

    def elf(self):
        source = self.source("a.c", C_SOURCE)
        for i, flags in enumerate(ELF_FLAGS):
            out = self.path("elf%d" % i)
            if run("gcc", *flags.split(), "-nostdlib", "-o", out, source, "-Wl,-z,noseparate-code"):
                self.write("elf", "made%d" % i, struct.pack("<H", 0) + read(out))
        # More symbols at an address, and in a group of them, than are sorted the simple way.
        many = "".join("void f%d(void) { }\n" % i + ("void __a%d(void) __attribute__((alias(\"f%d\")));\n" % (i, i)) * (i % 3 == 0)
                       for i in range(90))
        out = self.path("many")
        if run("gcc", "-O1", "-c", "-o", out, self.source("many.c", many)):
            self.write("elf", "many", struct.pack("<H", 0) + read(out))
        out, debug, linked = self.path("elf1"), self.path("elf1.debug"), self.path("linked")
        run("objcopy", "--only-keep-debug", out, debug)
        run("objcopy", "--strip-all", "--add-gnu-debuglink=" + debug, out, linked)
        file = padded(read(linked), 64)
        self.write("elf", "debuglink", struct.pack("<H", len(file) // 64) + file + read(debug))
        run("xz", "-k", "-f", "--format=xz", debug)
        run("objcopy", "--strip-all", "--add-section=.gnu_debugdata=" + debug + ".xz", out, linked)
        self.write("elf", "debugdata", struct.pack("<H", 0) + read(linked))

    def cfi(self):
        for i, head in enumerate(["", ".cfi_sections .debug_frame\n"]):
            out = self.path("cfi")
            run("gcc", "-shared", "-nostdlib", "-o", out, self.source("a.s", head + CFI_SOURCE),
                "-Wl,-Ttext=0x1000", "-Wl,--eh-frame-hdr", "-Wl,-z,noseparate-code")
            table = self.section(out, ".debug_frame" if i else ".eh_frame")
            self.write("cfi", "table%d" % i, bytes([4 * i, 1, 0, 0]) + table)
            if i == 0:
                header = self.section(out, ".eh_frame_hdr")
                self.write("cfi", "header", bytes([2, 1]) + struct.pack("<H", len(header)) + header + table)
        for word in (4, 8):
            self.cfi_by_hand(word)

    def cfi_by_hand(self, word):
        """Entries with absolute addresses, at the first pc that the parser is asked for."""
        sp, pc = (4, 8) if word == 4 else (7, 16)
        programs = [[0x0a, 0x41, 0x0b], [0x41, 0x0e, 16, 0x86, 2, 0x41, 0x0d, 6, 2, 5, 0x0c, sp, 8],
                    [0x0f, 5, 0x70 + sp, 8, 6, 0x23, 8], [0x10, 3, 4, 0x70 + sp, 0, 0x12, 0x22],
                    [0x16, 3, 6, 0x30, 0x31, 0x28, 1, 0, 0x2f], [0x14, 3, 1, 0x15, 5, 0x7f, 9, 3, 2, 5, 6, 2]]
        cie = padded(bytes([0, 0, 0, 0, 1, ord("z"), ord("R"), 0, 1, 0x80 - word & 0x7f, pc, 1, 0,
                            0x0c, sp, word, 0x80 | pc, 1]), 4)
        cie = struct.pack("<I", len(cie)) + cie
        for i, program in enumerate(programs):
            fde = struct.pack("<II" if word == 4 else "<QQ", 0x1000, 0x100) + bytes([0]) + bytes(program)
            fde = padded(struct.pack("<I", len(cie) + 4) + fde, 4)
            table = cie + struct.pack("<I", len(fde)) + fde + bytes(4)
            self.write("cfi", "hand%d-%d" % (word, i), bytes([word == 4, 1, 0, 0]) + table)

    def core(self):
        """A thread in _PyEval_EvalFrameDefault of a file that is in the core's memory."""
        image = padded(read(self.path("elf3")), 4096)
        symbols = subprocess.run(["nm", "-D", self.path("elf3")], stdout=subprocess.PIPE, check=True).stdout.split()
        base, sp = 0x7f0000000000, 0x7ffd00000100
        loop = base + int(symbols[symbols.index(b"_PyEval_EvalFrameDefault") - 2], 16)
        registers = [0] * 27
        registers[16], registers[19], registers[4] = loop + 4, sp, sp + 32
        stack = b"".join(struct.pack("<Q", sp + i + 16 if i % 32 else loop + 9) for i in range(0, 1024, 8))
        status = bytearray(336)
        struct.pack_into("<iii", status, 0, 11, 0, 0)
        struct.pack_into("<i", status, 32, 100)
        struct.pack_into("<27Q", status, 112, *registers)
        other = bytearray(status)
        struct.pack_into("<i", other, 32, 101)
        info = bytearray(136)
        struct.pack_into("<i", info, 24, 100)
        info[40:48], info[56:64] = b"python3\0", b"python3\0"
        files = struct.pack("<QQQQQ", 1, 4096, base, base + len(image), 0) + b"/usr/lib/libpython3.11.so.1.0\0"
        auxv = struct.pack("<QQQQQQ", 3, base + 64, 5, 4, 0, 0)
        notes = b"".join(self.note(kind, data) for kind, data in
                         [(1, status), (3, info), (6, auxv), (0x46494c45, files), (1, other)])
        loads = [(base, 5, image), (sp & ~4095, 6, bytes(256) + stack),
                 (base + len(image), 6, bytes(64)), (0x600000, 6, bytes(64))]
        offset = 64 + 56 * (1 + len(loads))
        headers = struct.pack("<IIQQQQQQ", 4, 0, offset, 0, 0, len(notes), 0, 4)
        offset += len(notes)
        for va, flags, data in loads:
            headers += struct.pack("<IIQQQQQQ", 1, flags, offset, va, 0, len(data), 4096 * -(-len(data) // 4096), 1)
            offset += len(data)
        head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1 + len(loads),
                                                          0, 0, 0)
        whole = head + headers + notes + b"".join(data for _, _, data in loads)
        for how in (0, 8):
            self.write("core", "made%d" % how, whole + bytes([how]))

    @staticmethod
    def note(kind, data):
        return struct.pack("<III", 5, len(data), kind) + b"CORE\0\0\0\0" + padded(bytes(data), 4)

    def unwind(self):
        """Stacks of this code: words, frames with frame pointers, and addresses that follow calls."""
        rng = random.Random(1)
        for i, flags in enumerate(UNWIND_FLAGS):
            out = self.path("unwind")
            if not run("gcc", *flags.split(), "-fcf-protection=none", "-fno-stack-protector", "-nostdlib", "-static",
                       "-o", out, self.source("u.c", UNWIND_SOURCE), "-Wl,-Ttext=0x401000",
                       "-Wl,--section-start=.eh_frame=0x402000"):
                continue
            code, table = self.placed(out, ".text")[:4096], self.placed(out, ".eh_frame")[:4096]
            returns = [at + 5 for at in range(len(code) - 5) if code[at] == 0xe8]
            word = 4 if "-m32" in flags else 8
            for how in range(0, 24):
                head = bytes([(word == 4) | (how & 15) << 1, rng.randrange(min(256, len(code) // 2)), rng.randrange(4)])
                self.write("unwind", "stack%d-%d" % (i, how), head + struct.pack("<HH", len(code), len(table)) +
                           code + table + self.stack(rng, returns, word))

    @staticmethod
    def stack(rng, returns, word):
        """512 words, each a kind (test/fuzz/parsers/unwind.c) and a value."""
        words = [(0, rng.randrange(9)) for _ in range(512)]
        at = rng.randrange(12)
        while at < 500:
            step = rng.choice([2, 3, 4, 8, 20])
            words[at] = (1, (at + step) * word)
            words[at + 1] = (2, rng.choice(returns)) if rng.randrange(12) else (3, 0)
            if rng.randrange(3) == 0:
                words[at + 2] = rng.choice([(2, rng.choice(returns)), (1, rng.randrange(4096)), (9, 65535)])
            at += step
        words[at % 500:] = [(0, 0)] * (512 - at % 500)
        return b"".join(struct.pack("<BH", kind, value) for kind, value in words)

    def values(self):
        rng = random.Random(1)
        for i in range(90):
            types = bytes(rng.randrange(2 * 50) for _ in range(48))
            words = b"".join(struct.pack("<BH", rng.choice([0, 0, 1, 1, 1, 2, 3, 4, 5, 7]), rng.choice([rng.randrange(24),
                             rng.randrange(65536)])) for _ in range(48 * (32 if i % 2 == 0 else 64)))
            self.write("values", "objects%d" % i, bytes([i]) + types + words)

    def lines(self):
        os.makedirs(os.path.join(self.folder, "lines"), exist_ok=True)
        program = LINES_OF % (PYTHON_SOURCE, os.path.join(self.folder, "lines"))
        for python in ["/usr/bin/python3"] + glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python")):
            run(python, "-c", program)

    def python(self):
        for version in range(128):
            self.write("python", "version%d" % version, bytes([version]))
        for i in range(0, 64, 3):
            self.write("python", "change%d" % i, bytes([i]) + struct.pack("<HBQ", 512 * i, i % 4, 0x1f0 + i))

    def texts(self):
        for i, name in enumerate(["maps", "stat", "status"]):
            self.write("proc", name, bytes([i]) + read("/proc/self/" + name)[:2000])
        self.write("proc", "deleted", b"\0" b"7f00-7f10 r-xp 00000000 fe:01 12   /a\\012b (deleted)\n7f10-8000 rw-p 0 0:0 0 [stack]\n")
        self.write("stacks", "pystack", b"\0" b"4711:\tpython3\n              libc.so.6`poll+0x1f\n"
                   b"              python3.11`_PyEval_EvalFrameDefault+0x1\n                [ a.py:1 (f) ] ?\n\n")
        self.write("stacks", "dtrace", b"\1\n              libc.so.1`__read+0x1f\n                [ a.py:1 (f) ]\n               12\n")
        self.write("stacks", "bpftrace", b"\2@[\n    foo+12\n    bar+3\n, python3]: 17\n")
        for i, text in enumerate(["fd == 11 && size > 4K", 'path ~ "/var/*" || !(size & 0x40)', 'comm != "a\\x41*" && retval < -1',
                                  '(int32)arg0 >= 3 && func == "f"', 'str(arg0) ~ "/x*" && str(arg1) != "y"',
                                  "(int8)arg0 == 300", "arg0 == 99999999999999999999", "(uint16)arg1 < -1",
                                  "0x7fff", '"text"', "-12K", "EAGAIN"]):
            self.write("conditions", "when%d" % i, b"\0" + text.encode())
        for i, text in enumerate(["syscall:rmdir:return", "tracepoint:block:block_rq_issue", "profile:997", "off-cpu",
                                  "uprobe:/usr/bin/python3:main+0x10", "usdt:/lib/a.so:python:gc-done", "python:gc-start",
                                  "tracepoint:syscalls:sys_enter_newfstat", "tracepoint:syscalls:sys_exit_write"]):
            self.write("conditions", "probe%d" % i, b"\1" + text.encode())
        self.write("conditions", "args64", b"\2" b"8@%rdi -4@-20(%rbp) 8@$5 1@(%rax,%rbx,4) 8@counter(%rip)")
        self.write("conditions", "args32", b"\3" b"4@%eax 2@%ax -4@8(%esp) 1@%ah 4@$-0x7f")
        for i, text in enumerate([b"__pyx_pw_3pkg_6module_5Class_7method", b"__pyx_f_1a_2bc", b"7f0000001000 10 py::f:/a.py\nbad\n",
                                  "é\u202e\u2028\\\x1b[1m".encode() + b"\xff\xed\xa0\x80", b"f[g;`"]):
            self.write("names", "name%d" % i, text)

    def records(self):
        """A stack that begins, has memory and ends. The sizes of the records are those of probe_abi.h."""
        def record(kind, body):
            whole = struct.pack("<IIQ", kind, 16 + len(body), 7) + body
            return struct.pack("<I", len(whole)) + whole
        memory = struct.pack("<QIIQ", 0x7f00, 5, 0, 1) + padded(b"stack", 8)
        for begin in (1320, 1336):
            self.write("records", "stack%d" % begin, b"".join(
                record(kind, body) for kind, body in [(1, bytes(begin)), (2, memory), (3, b"")]))
        pieces = [struct.pack("<QIIQ", 0x7f00 + kind * 64, 5, kind, 9) + padded(b"f.py", 8) for kind in (0, 1, 2, 1, 2)]
        for begin in (1320, 1336):
            self.write("records", "names%d" % begin, b"".join(
                record(kind, body) for kind, body in [(1, bytes(begin)), (2, b"".join(pieces)), (3, b"")]) * 2)
        for kind in range(8):
            self.write("records", "kind%d" % kind, record(kind, bytes(240)) + record(kind, memory))

    def all(self):
        self.elf()
        self.cfi()
        self.core()
        self.unwind()
        self.values()
        self.lines()
        self.python()
        self.texts()
        self.records()
        shutil.rmtree(self.work)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.splitlines()[0])
    Seeds(sys.argv[1]).all()
