"""Calls rmdir(2) a known number of times, in processes that it starts.   probed_family.py MODE TRUTH

In the syntax common to 2.7 and 3. Each process appends to TRUTH a line for each function: COUNT FUNCTION. Modes: alone;
fork (children and grandchildren); workers (children that exist before the byte is read); exec (children that execute this program); threads (begun after a byte was read);
selected (two threads that exist before the byte is read, the second one is that of the highest id).
"""
import os
import subprocess
import sys
import threading


def leaf():
    try:
        os.rmdir("absent-directory")
    except OSError:
        pass


def by_parent(n):
    for i in range(n):
        leaf()


def by_child(n):
    for i in range(n):
        leaf()


def by_grandchild(n):
    for i in range(n):
        leaf()


def by_program(n):
    for i in range(n):
        leaf()


def by_thread(n):
    for i in range(n):
        leaf()


def tell(function, n):
    function(n)
    f = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0x1B6)
    os.write(f, ("%d %s\n" % (n, function.__name__)).encode("ascii"))
    os.close(f)


def child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    os.waitpid(pid, 0)


def child_with_child():
    tell(by_child, 30)
    child(lambda: tell(by_grandchild, 7))
    tell(by_child, 3)


def wait_and_tell(gate, function, n):
    gate.wait()
    tell(function, n)


def worker(ready, go):
    os.write(ready, "x".encode("ascii"))
    os.read(go, 1)
    tell(by_child, 30)
    os._exit(0)


def main():
    mode = sys.argv[1]
    go, start = os.pipe()
    begun, ready = os.pipe()
    selected = []
    if mode == "selected":
        for function, n in ((by_thread, 20), (by_child, 30)):
            gate = threading.Event()
            t = threading.Thread(target=wait_and_tell, args=(gate, function, n))
            t.start()
            selected.append((gate, t))
    workers = []
    if mode == "workers":
        for i in range(3):
            workers.append(os.fork())
            if workers[-1] == 0:
                worker(ready, go)
            os.read(begun, 1)
    if "PYSTACK_TEST_FDS" in os.environ:
        fds = [int(n) for n in os.environ["PYSTACK_TEST_FDS"].split(",")]
        os.write(fds[1], "!".encode("ascii"))
        echo = os.read(fds[0], 1)
    if mode == "program":
        tell(by_program, 40)
        return
    tell(by_parent, 100)
    for gate, t in selected:
        gate.set()
        t.join()
    for pid in workers:
        os.write(start, "x".encode("ascii"))
    for pid in workers:
        os.waitpid(pid, 0)
    if mode == "fork":
        for i in range(3):
            child(child_with_child)
    if mode == "exec":
        environ = dict(os.environ)
        environ.pop("PYSTACK_TEST_FDS", None)
        for i in range(3):
            subprocess.call([sys.executable, sys.argv[0], "program", sys.argv[2]], env=environ)
    if mode == "threads":
        threads = [threading.Thread(target=tell, args=(by_thread, 20)) for i in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    tell(by_parent, 5)
    if "PYSTACK_TEST_FDS" in os.environ:
        os.write(fds[1], echo)
        os.read(fds[0], 1)


main()
