"""A signal handler in Python that runs on an alternate stack: the native stack goes on on another one."""
import ctypes
import os
import signal
import truth

libc = ctypes.CDLL(None)


class Stack(ctypes.Structure):
    """stack_t"""
    _fields_ = [("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


class Action(ctypes.Structure):
    """glibc's struct sigaction on x86-64"""
    _fields_ = [("handler", ctypes.c_void_p), ("mask", ctypes.c_ulong * 16), ("flags", ctypes.c_int),
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
usr1, none = (ctypes.c_ulong * 16)(1 << (signal.SIGUSR1 - 1)), (ctypes.c_ulong * 16)()
assert libc.pthread_sigmask(SIG_BLOCK, ctypes.byref(usr1), None) == 0
truth.watch(1)
getattr(libc, "raise")(signal.SIGUSR1)


def c_inner(_):
    libc.sigsuspend(ctypes.byref(none))


def p_outer():
    list(map(c_inner, [1]))


p_outer()
