"""The main thread, or another one, waits in vfork or posix_spawn for a child that blocks before its exec."""
import os
import sys
import threading

import truth

truth.ALONE = True


def p_vfork():
    return truth.fd() + os.getppid()


def wait_in_it():
    p_vfork()


def p_spawn():
    os.posix_spawn("/bin/true", ["true"], {}, file_actions=[(os.POSIX_SPAWN_OPEN, truth.fd() + 2, "fifo", os.O_RDONLY, 0)])


if sys.argv[2] == "spawn":
    os.mkfifo("fifo")
    p_spawn()
elif "LD_PRELOAD" not in os.environ:
    os.environ["LD_PRELOAD"] = sys.argv[2]
    os.execv(sys.executable, [sys.executable] + sys.argv)
elif sys.argv[3] == "main":
    p_vfork()
else:
    thread = threading.Thread(target=wait_in_it)
    thread.start()
    thread.join()
