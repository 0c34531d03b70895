"""The C functions of this process, like ctypes.CDLL(None), also in a static program. That cannot look up names, but
its file has a symbol table; for a stripped program (NAME-stripped), the file NAME in its directory has one."""
import ctypes
import struct
import sys


def _symbols(path):
    """Return {name: address} of the symbol tables of a 64-bit ELF file."""
    with open(path, "rb") as f:
        image = f.read()
    offset, = struct.unpack_from("<Q", image, 0x28)
    size, count = struct.unpack_from("<HH", image, 0x3a)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, offset + i * size) for i in range(count)]
    out = {}
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        names = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", image, at)
            out[image[names + name:image.index(b"\0", names + name)].decode()] = value
    return out


class Static(object):
    def __init__(self, kind):
        self._kind = kind
        self._symbols = _symbols(sys.executable.replace("-stripped", ""))

    def __getattr__(self, name):
        if name not in self._symbols:
            raise AttributeError(name)
        return self._kind(ctypes.c_int)(self._symbols[name])


def load(gil=False):
    """The library. gil: its functions keep the interpreter's lock."""
    library = (ctypes.PyDLL if gil else ctypes.CDLL)(None)
    try:
        library.qsort
    except AttributeError:
        return Static(ctypes.PYFUNCTYPE if gil else ctypes.CFUNCTYPE)
    return library
