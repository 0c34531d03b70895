"""A signal handler in Python that runs on an alternate stack, so the native stack continues on another one.
Argument 2 says where the alternate stack is: `heap`, or `above`: in the same stack above all frames (in the
place of an environment variable), like an array in a caller's frame."""
import ctypes
import functools
import os
import signal
import sys

ROOM = b"ROOM_FOR_A_STACK="
SIZE = 100 * 1024  # one variable has at most 128 KB
if sys.argv[2] == "above" and "ROOM_FOR_A_STACK" not in os.environ:
    os.environ["ROOM_FOR_A_STACK"] = "x" * SIZE
    os.execv(sys.executable, getattr(sys, "orig_argv", [sys.executable] + sys.argv))

import c_library
import truth

libc = c_library.load()
# A static Python has no sigsuspend: call rt_sigsuspend of x86-64.
suspend = getattr(libc, "sigsuspend", None) or functools.partial(libc.syscall, 130)


class Stack(ctypes.Structure):
    """The C library's stack_t."""
    _fields_ = [("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


Signals = ctypes.c_ulong * (1024 // 8 // ctypes.sizeof(ctypes.c_ulong))


class Action(ctypes.Structure):
    """glibc's struct sigaction on x86-64 and i386."""
    _fields_ = [("handler", ctypes.c_void_p), ("mask", Signals), ("flags", ctypes.c_int),
                ("restorer", ctypes.c_void_p)]


SA_ONSTACK = 0x08000000



def in_environment():
    """Return the address of the variable's value."""
    with open("/proc/self/stat") as f:
        start, end = [int(n) for n in f.read().rpartition(")")[2].split()[47:49]]
    return start + ctypes.string_at(start, end - start).index(ROOM) + len(ROOM)


memory = ctypes.create_string_buffer(256 * 1024)
stack = Stack(ctypes.addressof(memory), 0, len(memory))
if sys.argv[2] == "above":
    stack = Stack(in_environment(), 0, SIZE)


def c_handler(_):
    os.read(truth.fd(), 1)


handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(c_handler)
action = Action(handler=ctypes.cast(handler, ctypes.c_void_p).value, flags=SA_ONSTACK)
assert libc.sigaltstack(ctypes.byref(stack), None) == 0
assert libc.sigaction(signal.SIGUSR1, ctypes.byref(action), None) == 0

# The signal is pending until sigsuspend: the handler interrupts nothing else.
SIG_BLOCK = 0
usr1, none = Signals(1 << (signal.SIGUSR1 - 1)), Signals()
assert libc.pthread_sigmask(SIG_BLOCK, ctypes.byref(usr1), None) == 0
truth.watch(1)
getattr(libc, "raise")(signal.SIGUSR1)


def c_inner(_):
    suspend(ctypes.byref(none), ctypes.c_size_t(8))


def p_outer():
    list(map(c_inner, [1]))


p_outer()
