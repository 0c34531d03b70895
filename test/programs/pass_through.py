"""A file system in user space that shows a directory: pass_through.py DIRECTORY MOUNT-POINT. Writes a byte when it is
mounted. Stopped by SIGSTOP, it is a file system whose server does not answer; while the directory has a file named
"broken", one whose reads fail."""
import errno
import os
import sys

from fusepy import FUSE, FuseOSError, Operations

STAT = ("st_mode", "st_size", "st_mtime", "st_atime", "st_ctime", "st_uid", "st_gid", "st_nlink")


class PassThrough(Operations):
    def __init__(self, folder):
        self.folder = folder

    def init(self, path):
        os.write(1, b"m")

    def getattr(self, path, fh=None):
        try:
            st = os.lstat(self.folder + path)
        except OSError as e:
            raise FuseOSError(e.errno)
        return {key: getattr(st, key) for key in STAT}

    def readdir(self, path, fh):
        return [".", ".."] + os.listdir(self.folder + path)

    def open(self, path, flags):
        if flags & os.O_ACCMODE != os.O_RDONLY:
            raise FuseOSError(errno.EROFS)
        return os.open(self.folder + path, os.O_RDONLY)

    def read(self, path, size, offset, fh):
        if os.path.exists(self.folder + "/broken"):
            raise FuseOSError(errno.EIO)
        return os.pread(fh, size, offset)

    def release(self, path, fh):
        os.close(fh)


FUSE(PassThrough(sys.argv[1]), sys.argv[2], foreground=True, nothreads=True, attr_timeout=0, entry_timeout=0)
