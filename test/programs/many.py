"""150 threads, each in a call of its own depth and with a name of its own in the kernel: whose stack and name is whose?"""
import os

import truth

COUNT = 150


def deeper(left):
    if left > 0:
        return deeper(left - 1)
    return os.read(truth.fd(), 1)


def called(number):
    tid = os.readlink("/proc/thread-self").split("/")[-1]
    with open("/proc/self/task/%s/comm" % tid, "w") as name:
        name.write("lwp-%s" % tid)
    deeper(number % 7)


truth.watch(COUNT + 1)
for i in range(COUNT):
    truth.start(called, args=(i,))
called(COUNT)
