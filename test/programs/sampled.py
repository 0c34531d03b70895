"""Waits until pystack samples it (and holds the file of its waiting thread's schedstat open), and then changes:
  load LIBRARY   maps that library and runs in its code    exec   executes another program
"""
import ctypes
import os
import sys
import threading
import truth


def wait():
    threading.Event().wait()


def sampled():
    mine = "/proc/%d/task/" % os.getpid()
    for pid in os.listdir("/proc"):
        try:
            for fd in os.listdir("/proc/%s/fd" % pid):
                link = os.readlink("/proc/%s/fd/%s" % (pid, fd))
                if link.startswith(mine) and link.endswith("/schedstat"):
                    return True
        except OSError:
            pass
    return False


thread = threading.Thread(target=wait)
thread.daemon = True
thread.start()
os.write(truth.OUT, b"!")
while not sampled():
    pass
if sys.argv[2] == "exec":
    os.execv("/bin/sleep", ["sleep", "1000"])
ctypes.CDLL(sys.argv[3]).sampled_spin()
