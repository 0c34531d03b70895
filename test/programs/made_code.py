"""Python called by code made at run time (like Numba's), without unwind information: it spins in the vDSO. x86-64 only."""
import ctypes
import mmap
import time

import truth

# push %rbp; mov %rsp,%rbp; sub $0x20,%rsp; call *%rdi; leave; ret
CODE = b"\x55\x48\x89\xe5\x48\x83\xec\x20\xff\xd7\xc9\xc3"
page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                 prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(CODE)
made = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(ctypes.addressof(ctypes.c_char.from_buffer(page)))


def c_leaf():
    sum(iter(time.time, 0), truth.fd())


def p_outer():
    made(leaf)


leaf = ctypes.CFUNCTYPE(None)(c_leaf)
p_outer()
