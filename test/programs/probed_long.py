"""Calls rmdir(2) at the end of a function of 1000 lines, and is gone at once."""
import os

lines = ["def long(x):\n"] + ["    x = abs(x) + %d\n" % n for n in range(998)]
lines += ["    os.rmdir('absent-directory')\n"]
names = {"os": os}
exec(compile("".join(lines), "<made>", "exec"), names)
try:
    names["long"](1)
except OSError:
    os._exit(0)
