"""One thread writes its stack and dies on the same line: by a bad pointer in C, or by its own signal."""
import ctypes
import os
import signal
import sys
import truth

truth.ALONE = True


def after_truth(value):
    truth.fd(2)
    return value


def p_crash(how):
    if how == "null":
        ctypes.memset(after_truth(16), 0, 8)
    elif how == "call":
        ctypes.CFUNCTYPE(None)(after_truth(0))()
    elif how == "abort":
        os.kill(after_truth(os.getpid()), signal.SIGABRT)
    elif how == "del":
        class Dying:
            def __del__(self):
                ctypes.memset(after_truth(16), 0, 8)
        dying = Dying()
        dying = None


p_crash(sys.argv[2])
