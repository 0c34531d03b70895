"""A signal handler in Python that runs on an alternate stack: the native stack goes on on another one."""
import ctypes
import functools
import os
import signal

import c_library
import truth

libc = c_library.load()
# A static Python has none: then rt_sigsuspend of x86-64.
suspend = getattr(libc, "sigsuspend", None) or functools.partial(libc.syscall, 130)


class Stack(ctypes.Structure):
    """stack_t"""
    _fields_ = [("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


Signals = ctypes.c_ulong * (1024 // 8 // ctypes.sizeof(ctypes.c_ulong))


class Action(ctypes.Structure):
    """glibc's struct sigaction on x86-64 and i386"""
    _fields_ = [("handler", ctypes.c_void_p), ("mask", Signals), ("flags", ctypes.c_int),
                ("restorer", ctypes.c_void_p)]


SA_ONSTACK = 0x08000000
memory = ctypes.create_string_buffer(256 * 1024)


def c_handler(_):
    os.read(truth.fd(), 1)


handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(c_handler)
stack = Stack(ctypes.addressof(memory), 0, len(memory))
action = Action(handler=ctypes.cast(handler, ctypes.c_void_p).value, flags=SA_ONSTACK)
assert libc.sigaltstack(ctypes.byref(stack), None) == 0
assert libc.sigaction(signal.SIGUSR1, ctypes.byref(action), None) == 0

# Pending until sigsuspend lets it in: the handler interrupts nothing else.
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
