"""The child of a fork writes its stack and blocks. The fork is Python's, or C's, which Python does not notice."""
import os
import sys
import threading
import warnings

import c_library
import truth

warnings.simplefilter("ignore")  # 3.12 and newer warn about the other thread
truth.ALONE = True
truth.start(threading.Event().wait)


def p_child():
    os.read(truth.fd(), 1)


fork = os.fork if sys.argv[2] == "python" else c_library.load(gil=True).fork
if fork() == 0:
    p_child()
os.wait()
