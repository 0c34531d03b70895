/* Capabilities and groups. */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/restrict.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38 /* Linux 5.8 */
#define CAP_BPF 39
#endif
#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40 /* Linux 5.9 */
#endif

#define CAP(number) ((uint64_t)1 << (number))

static uint64_t join_halves(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

/* has: what this process may use now. */
static uint64_t needed_capabilities(const struct os_needs *needs, uint64_t has)
{
	/* SETUID, SETGID: for the rights of a core's owner. SYS_NICE: for the time in which a
	 * target is held. CHECKPOINT_RESTORE: for /proc/PID/map_files, which SYS_ADMIN opened
	 * before it existed. */
	uint64_t keep = CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_SETUID) | CAP(CAP_SETGID);

	if (!needs->files)
		keep |= CAP(CAP_SYS_PTRACE) | CAP(CAP_SYS_NICE) | CAP(CAP_CHECKPOINT_RESTORE);
	if (!needs->files && (has & CAP(CAP_CHECKPOINT_RESTORE)) == 0)
		keep |= CAP(CAP_SYS_ADMIN);
	if (needs->probes)
		keep |= CAP(CAP_BPF) | CAP(CAP_PERFMON) | CAP(CAP_SYS_ADMIN) | CAP(CAP_SYS_RESOURCE) |
			CAP(CAP_SYSLOG);
	if (needs->command)
		keep |= CAP(CAP_KILL);
	/* Containers have the one without the other. Fetched files are stored in the user's
	 * directory. */
	if (needs->network || (has & CAP(CAP_DAC_READ_SEARCH)) == 0)
		keep |= CAP(CAP_DAC_OVERRIDE);
	return keep;
}

void os_rights_drop(const struct os_needs *needs)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	uint64_t permitted, effective, keep;

	if (syscall(SYS_capget, &header, data) != 0)
		return;
	permitted = join_halves(data[0].permitted, data[1].permitted);
	effective = join_halves(data[0].effective, data[1].effective);
	if (permitted == 0 || (!needs->files && (effective & CAP(CAP_SYS_PTRACE)) == 0))
		return;
	/* A reader of all files needs no group, except to write. */
	if ((effective & CAP(CAP_SETGID)) != 0 && (effective & CAP(CAP_DAC_READ_SEARCH)) != 0)
		(void)setgroups(0, NULL);
	keep = needed_capabilities(needs, effective);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective &= (uint32_t)(keep >> (32 * i));
		data[i].inheritable = 0; /* and with them the ambient ones */
	}
	(void)syscall(SYS_capset, &header, data);
}
