/* An instruction of a process that a debug register of the processor watches. */
#include "probe/probe.h"

#ifdef WITH_LIBBPF

#include "probe/probe_session_impl.h"

#include <bpf/libbpf.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

bool probe_session_watch(struct probe_session *s, uint32_t pid, uint64_t address)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_X,
		.bp_addr = address,
		.bp_len = sizeof(long), /* what the kernel expects of an instruction */
		.sample_period = 1,
		.exclude_kernel = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, (pid_t)pid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return false;
	s->watch = bpf_program__attach_perf_event(s->bpf->progs.at_watch, fd);
	if (s->watch == NULL)
		(void)close(fd);
	return s->watch != NULL;
}

void probe_session_unwatch(struct probe_session *s)
{
	(void)bpf_link__destroy(s->watch);
	s->watch = NULL;
}

#endif
