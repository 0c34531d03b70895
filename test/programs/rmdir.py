"""Makes and removes a directory until a tracer stops it in the removal, or for one minute."""
import os
import truth

truth.ALONE = True
TARGET = os.path.abspath("folder")
published = False


def with_truth(path):
    global published
    if not published:
        published = True
        truth.fd(2)
    return path


def remove(path):
    os.rmdir(with_truth(path))


end = truth.now() + 60
while truth.now() < end:
    os.mkdir(TARGET)
    remove(TARGET)
