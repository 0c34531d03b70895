"""One thread always runs Python, another waits for it; the watcher of the truth waits too."""
import os
import threading
import truth


def p_spin():
    while True:
        pass


def p_wait():
    threading.Event().wait()


# The truth exists only for blocked threads: here for the main one.
for function in p_spin, p_wait:
    thread = threading.Thread(target=function)
    thread.daemon = True
    thread.start()
truth.watch(1)
os.read(truth.fd(), 1)
