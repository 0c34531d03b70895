"""A process with two children and a grandchild, all of which wait.   tree.py FILE

In the syntax common to 2.7 and 3. FILE gets the pids: parent, first child, its child, second child. They end
when the parent does.
"""
import os
import signal
import sys

end, held = os.pipe()


def wait():
    os.read(end, 1)
    os._exit(0)


def child(work):
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(held)
        os.close(told)
        work(tell)
        wait()
    os.close(tell)
    return pid, told


def first(tell):
    pid = os.fork()
    if pid == 0:
        wait()
    os.write(tell, str(pid).encode())
    os.close(tell)


def second(tell):
    os.close(tell)


one, told = child(first)
inner = int(os.read(told, 20))
two, told = child(second)
os.read(told, 1)
with open(sys.argv[1] + ".new", "w") as out:
    out.write("%d %d %d %d\n" % (os.getpid(), one, inner, two))
os.rename(sys.argv[1] + ".new", sys.argv[1])
signal.pause()
