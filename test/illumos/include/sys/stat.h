/* Stand-in for illumos <sys/stat.h>, LP64. */
#ifndef STAND_IN_SYS_STAT_H
#define STAND_IN_SYS_STAT_H

#include <sys/types.h>

struct stat {
	dev_t st_dev;
	ino_t st_ino;
	mode_t st_mode;
	nlink_t st_nlink;
	uid_t st_uid;
	gid_t st_gid;
	dev_t st_rdev;
	off_t st_size;
	timespec_t st_atim;
	timespec_t st_mtim;
	timespec_t st_ctim;
	blksize_t st_blksize;
	blkcnt_t st_blocks;
	char st_fstype[16];
};

#define S_IFMT 0xF000
#define S_IFIFO 0x1000
#define S_IFCHR 0x2000
#define S_IFDIR 0x4000
#define S_IFBLK 0x6000
#define S_IFREG 0x8000
#define S_IFSOCK 0xC000
#define S_ISREG(mode) (((mode)&S_IFMT) == S_IFREG)
#define S_ISDIR(mode) (((mode)&S_IFMT) == S_IFDIR)

extern int fstat(int, struct stat *);
extern int stat(const char *, struct stat *);

#endif
