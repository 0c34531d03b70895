"""every_version.py in a process whose text is not mapped from its file.   moved.py TRUTH LIBMOVE NAME[,NAME...] HOW

See move_library.c. Of the names, the first one of which anything is mapped counts.
"""
import ctypes
import os
import sys

library, names, how = sys.argv[2:5]
move_text = ctypes.CDLL(library).move_text
if not any(move_text(name.encode(), how.encode()) for name in names.split(",")):
    sys.exit("nothing is mapped of " + names)
path = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "every_version.py")
with open(path) as f:
    exec(compile(f.read(), path, "exec"), {"__name__": "__main__", "__file__": path})
