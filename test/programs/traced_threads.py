"""traced_threads.py DIRECTORY: in warm(), tries to remove a missing directory until DIRECTORY/go exists. Then four threads
make and remove directories in remove(), the same number each. DIRECTORY/count has the total."""
import os
import sys
import threading
import time

base = sys.argv[1]
TIMES = 25


def warm():
    try:
        os.rmdir(os.path.join(base, "none"))
    except OSError:
        pass


def remove(path):
    os.rmdir(path)


def work(n):
    path = os.path.join(base, "thread%d" % n)
    for _ in range(TIMES):
        os.mkdir(path)
        remove(path)
        time.sleep(0.005)


end = time.time() + 120
while not os.path.exists(os.path.join(base, "go")) and time.time() < end:
    warm()
    time.sleep(0.1)
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
with open(os.path.join(base, "count"), "w") as f:
    f.write("%d\n" % (len(threads) * TIMES))
