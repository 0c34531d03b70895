/* Preloaded: getppid() waits in vfork for a child that never ends. */
#include <unistd.h>

pid_t getppid(void)
{
	if (vfork() == 0) {
		for (;;)
			pause();
	}
	return 1;
}
