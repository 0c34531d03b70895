/* Made-up processes: a backend whose functions are the caller's. */
#include "proc/handle.h"

struct ps_prochandle *Pgrab_ops(pid_t pid, void *data, const ps_ops_t *ops, int flags)
{
	struct proc_backend backend = { .kind = HANDLE_MADE_UP, .ops = *ops };

	return handle_create(pid, flags, &backend, data);
}
