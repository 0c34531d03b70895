/* See refused.h. */
#include "base/refused.h"

void refused_file(const char *verb, int fd, const char *path)
{
	(void)verb;
	(void)fd;
	(void)path;
}
