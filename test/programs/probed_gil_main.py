"""The first thread keeps the GIL, asleep in C code, while another wants it.   probed_gil_main.py TRUTH

TRUTH has the ids of both threads.
"""
import ctypes
import sys
import threading
import time

gettid = {8: 186, 4: 224}[ctypes.sizeof(ctypes.c_void_p)]
library = ctypes.PyDLL(None)  # its functions are called with the GIL
ids = []
done = threading.Event()


def wanting():
    ids.append(library.syscall(gettid))
    while not done.is_set():
        time.sleep(0.001)


thread = threading.Thread(target=wanting)
thread.start()
while not ids:
    time.sleep(0.001)
for i in range(25):
    library.usleep(20000)
    time.sleep(0.002)
done.set()
thread.join()
with open(sys.argv[1], "w") as truth:
    truth.write("%d %d\n" % (library.syscall(gettid), ids[0]))
