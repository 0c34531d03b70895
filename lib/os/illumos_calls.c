/* System calls that LWPs wait in: names and arguments are in their status. */
#include "os/calls.h"

const char *os_call_name(const struct arch *arch, int32_t number)
{
	(void)arch;
	(void)number;
	return NULL;
}

void os_hold_call_of(struct ps_prochandle *P, const struct os_hold *h, size_t i, struct os_call *out)
{
	(void)P;
	(void)h;
	(void)i;
	*out = (struct os_call)OS_CALL_INIT;
}

void os_status_call(const lwpstatus_t *status, struct os_call *out)
{
	(void)status;
	*out = (struct os_call)OS_CALL_INIT;
}

bool os_may_be_stopped(struct ps_prochandle *P)
{
	(void)P;
	return false;
}

bool os_rest_varies(struct ps_prochandle *P, const struct os_call *call)
{
	(void)P;
	(void)call;
	return false;
}

enum os_rest os_lwp_rest(struct ps_prochandle *P, lwpid_t id)
{
	(void)P;
	(void)id;
	return OS_REST_UNKNOWN;
}

enum os_timeout os_call_timeout(struct ps_prochandle *P, const struct arch *arch, struct ps_prochandle *live,
    const struct os_call *call, int64_t *ns)
{
	(void)arch;
	(void)P;
	(void)live;
	(void)call;
	(void)ns;
	return OS_TIMEOUT_NONE;
}

uint64_t os_call_futex(const struct os_call *call)
{
	(void)call;
	return 0;
}

uint64_t os_call_mutex(const struct os_call *call)
{
	(void)call;
	return 0;
}

lwpid_t os_mutex_owner(struct ps_prochandle *P, uint64_t at)
{
	(void)P;
	(void)at;
	return 0;
}

lwpid_t os_mutex_owner_now(struct ps_prochandle *live, uint64_t at)
{
	(void)live;
	(void)at;
	return 0;
}

/* The kernel of illumos resumes a call by itself, as the same call. */
void os_call_resumed(
    struct ps_prochandle *P, const struct arch *arch, const prgregset_t regs, bool all, struct os_call *call)
{
	(void)P;
	(void)arch;
	(void)regs;
	(void)all;
	(void)call;
}
