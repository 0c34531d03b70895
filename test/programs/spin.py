"""One thread runs Python all the time, another waits for it; the watcher of the truth waits as well."""
import os
import threading
import truth


def p_spin():
    while True:
        pass


def p_wait():
    threading.Event().wait()


# The truth can be taken of threads at rest only: here it tells of the main one.
for function in p_spin, p_wait:
    thread = threading.Thread(target=function)
    thread.daemon = True
    thread.start()
truth.watch(1)
os.read(truth.fd(), 1)
