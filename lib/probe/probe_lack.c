/* See probe_lack.h. The kernel gives an error number only, the same for several causes. */
#include "probe/probe_lack.h"

#include <errno.h>
#include <fcntl.h>
#include <libproc.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fileio.h"

bool probe_lack_locked(const char *text)
{
	return strstr(text, "[confidentiality]") != NULL; /* in brackets is what holds */
}

bool probe_lack_old(const char *release)
{
	unsigned major = 0, minor = 0;

	return sscanf(release, "%u.%u", &major, &minor) == 2 && (major < 5 || (major == 5 && minor < 17));
}

static bool is_locked(void)
{
	char text[64];

	return fileio_head(AT_FDCWD, "/sys/kernel/security/lockdown", text, sizeof(text)) > 0 &&
	       probe_lack_locked(text);
}

enum res probe_lack(struct fault *f, int error)
{
	struct utsname name;

	if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
		return fault_set(f, 0, errno, 0,
		    "this kernel has no BTF (/sys/kernel/btf/vmlinux; CONFIG_DEBUG_INFO_BTF)");
	if (is_locked())
		return fault_set(f, 0, error, 0,
		    "the kernel is locked down (lockdown=confidentiality): BPF programs may not read memory");
	if (error == EPERM) /* the verifier's refusal is EACCES */
		return fault_set(f, G_PERM, error, 0,
		    "BPF programs may not be loaded: %sCAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE%s",
		    geteuid() == 0 ? "root has not all of " : "run it as root, or with ",
		    geteuid() == 0 ? " here, or a filter of system calls forbids bpf(2) (in a container: its "
				     "capabilities and seccomp profile)"
				   : "");
	if (error == ENOSYS)
		return fault_set(f, 0, error, 0, "this kernel has no bpf(2)");
	return fault_set(f, 0, error, 0, "the BPF program cannot be loaded: %s%s", strerror(error),
	    uname(&name) == 0 && probe_lack_old(name.release) ? "; Linux 5.17 or later is needed" : "");
}
