"""150 threads, each with its own depth of calls and its own kernel name: stacks and names must not be mixed up."""
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
