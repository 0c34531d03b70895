"""The child of a fork blocks and says its stack; the fork is Python's or, which Python is not told of, C's."""
import os
import sys
import threading
import warnings

import c_library
import truth

warnings.simplefilter("ignore")  # 3.12 and newer warn of the other thread
truth.ALONE = True
truth.start(threading.Event().wait)


def p_child():
    os.read(truth.fd(), 1)


fork = os.fork if sys.argv[2] == "python" else c_library.load(gil=True).fork
if fork() == 0:
    p_child()
os.wait()
