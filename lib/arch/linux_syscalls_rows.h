/* PRIVATE to lib/arch: the rows of linux_syscalls_table.h. linux_syscalls_64.c and
 * linux_syscalls_32.c include this with the kernel's header of that architecture and expand the
 * table twice. */
#ifndef ARCH_LINUX_SYSCALLS_ROWS_H
#define ARCH_LINUX_SYSCALLS_ROWS_H

#include "arch/syscalls.h"
#include "arch/x86.h"

#define INT(name) "i" #name "\0"
#define UINT(name) "u" #name "\0"
#define FD(name) "f" #name "\0"
#define DIRFD(name) "d" #name "\0"
#define MODE(name) "o" #name "\0"
#define CREATE(name) "c" #name "\0"
#define FLAGS(name) "x" #name "\0"
#define LONG(name) "l" #name "\0"
#define SIZE(name) "z" #name "\0"
#define WORD(name) "w" #name "\0"
#define PTR(name) "p" #name "\0"
#define PATH(name) "P" #name "\0"
#define STR(name) "s" #name "\0"
#define RETURNS_PTR "*\0"
#define UNKNOWN "?\0"
#define NONE ""

/* A number as digits; the name of the macro, which begins with _, where the kernel's header has no
 * such call. The digits are turned back into a number while this is compiled. */
#define SYSCALL_DIGITS(macro) SYSCALL_DIGITS_(macro)
#define SYSCALL_DIGITS_(number) #number "\0\0"
#define SYSCALL_DIGIT(text, i) ((text)[i] - '0')
#define SYSCALL_NUMBER_OF(text)                                        \
	((text)[0] == '_'    ? -1                                      \
	    : (text)[1] == 0 ? SYSCALL_DIGIT(text, 0)                  \
	    : (text)[2] == 0                                           \
		? SYSCALL_DIGIT(text, 0) * 10 + SYSCALL_DIGIT(text, 1) \
		: SYSCALL_DIGIT(text, 0) * 100 + SYSCALL_DIGIT(text, 1) * 10 + SYSCALL_DIGIT(text, 2))
#define SYSCALL_NUMBER(name) (int16_t) SYSCALL_NUMBER_OF(SYSCALL_DIGITS(__NR_##name)),
#define SYSCALL_ROW(name, args) { #name, args },

/* Calls that are younger than the headers of Debian 11 (Linux 5.10); both have the same numbers. */
#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441
#endif
#ifndef __NR_mount_setattr
#define __NR_mount_setattr 442
#endif
#ifndef __NR_quotactl_fd
#define __NR_quotactl_fd 443
#endif
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#endif
#ifndef __NR_landlock_add_rule
#define __NR_landlock_add_rule 445
#endif
#ifndef __NR_landlock_restrict_self
#define __NR_landlock_restrict_self 446
#endif
#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif
#ifndef __NR_process_mrelease
#define __NR_process_mrelease 448
#endif
#ifndef __NR_futex_waitv
#define __NR_futex_waitv 449
#endif
#ifndef __NR_set_mempolicy_home_node
#define __NR_set_mempolicy_home_node 450
#endif
#ifndef __NR_cachestat
#define __NR_cachestat 451
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __NR_map_shadow_stack
#define __NR_map_shadow_stack 453
#endif
#ifndef __NR_futex_wake
#define __NR_futex_wake 454
#endif
#ifndef __NR_futex_wait
#define __NR_futex_wait 455
#endif
#ifndef __NR_futex_requeue
#define __NR_futex_requeue 456
#endif
#ifndef __NR_statmount
#define __NR_statmount 457
#endif
#ifndef __NR_listmount
#define __NR_listmount 458
#endif
#ifndef __NR_lsm_get_self_attr
#define __NR_lsm_get_self_attr 459
#endif
#ifndef __NR_lsm_set_self_attr
#define __NR_lsm_set_self_attr 460
#endif
#ifndef __NR_lsm_list_modules
#define __NR_lsm_list_modules 461
#endif
#ifndef __NR_mseal
#define __NR_mseal 462
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat 463
#endif
#ifndef __NR_getxattrat
#define __NR_getxattrat 464
#endif
#ifndef __NR_listxattrat
#define __NR_listxattrat 465
#endif
#ifndef __NR_removexattrat
#define __NR_removexattrat 466
#endif
#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr 467
#endif
#ifndef __NR_file_getattr
#define __NR_file_getattr 468
#endif
#ifndef __NR_file_setattr
#define __NR_file_setattr 469
#endif

#endif
