/* Checks the stand-in headers against the layouts that illumos publishes (amd64), whose numbers
 * lib/proc uses to read cores. Compiled by `make check-illumos`, never run. */
#include <procfs.h>
#include <stddef.h>

#define AT(type, member, offset) \
	_Static_assert(offsetof(type, member) == (offset), #type "." #member " is not at " #offset)
#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " has not " #size " bytes")

SIZE(siginfo_t, 256);
SIZE(psinfo_t, 416);
AT(psinfo_t, pr_nlwp, 4);
AT(psinfo_t, pr_pid, 8);
AT(psinfo_t, pr_fname, 136);
AT(psinfo_t, pr_psargs, 152);
AT(psinfo_t, pr_wstat, 232);
AT(psinfo_t, pr_dmodel, 256);
AT(psinfo_t, pr_nzomb, 268);
AT(psinfo_t, pr_zoneid, 276);
AT(psinfo_t, pr_lwp, 288);
SIZE(pstatus_t, 1680);
AT(pstatus_t, pr_nlwp, 4);
AT(pstatus_t, pr_pid, 8);
AT(pstatus_t, pr_brkbase, 48);
AT(pstatus_t, pr_brksize, 56);
AT(pstatus_t, pr_stkbase, 64);
AT(pstatus_t, pr_stksize, 72);
AT(pstatus_t, pr_dmodel, 304);
AT(pstatus_t, pr_nzomb, 316);
AT(pstatus_t, pr_zoneid, 320);
AT(pstatus_t, pr_lwp, 384);
SIZE(lwpstatus_t, 1296);
AT(lwpstatus_t, pr_lwpid, 4);
AT(lwpstatus_t, pr_why, 8);
AT(lwpstatus_t, pr_what, 10);
AT(lwpstatus_t, pr_cursig, 12);
AT(lwpstatus_t, pr_info, 16);
AT(lwpstatus_t, pr_oldcontext, 360);
AT(lwpstatus_t, pr_syscall, 368);
AT(lwpstatus_t, pr_nsysarg, 370);
AT(lwpstatus_t, pr_sysarg, 376);
AT(lwpstatus_t, pr_reg, 544);
AT(lwpstatus_t, pr_fpreg, 768);
SIZE(lwpsinfo_t, 128);
AT(lwpsinfo_t, pr_lwpid, 4);
AT(lwpsinfo_t, pr_sname, 26);
SIZE(prmap_t, 104);
AT(prmap_t, pr_size, 8);
AT(prmap_t, pr_mapname, 16);
AT(prmap_t, pr_offset, 80);
AT(prmap_t, pr_mflags, 88);
AT(prmap_t, pr_pagesize, 92);
AT(prmap_t, pr_shmid, 96);
SIZE(auxv_t, 16);
