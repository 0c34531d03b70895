/* restrict.h on illumos, where nothing is restricted. */
#include "os/restrict.h"

void os_rights_drop(const struct os_needs *needs)
{
	(void)needs;
}

void os_restrict(const struct os_needs *needs, const char *dir)
{
	(void)needs;
	(void)dir;
}

void os_restrict_programs(void)
{
}
