/* The only functions that fill a struct fault. */
#include "base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum res fault_set(struct fault *f, int code, int sys, uint64_t va, const char *fmt, ...)
{
	va_list ap;

	if (f == NULL)
		return RES_FAIL;
	f->code = code;
	f->sys = sys;
	f->va = va;
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return RES_FAIL;
}

enum res fault_memory(struct fault *f)
{
	return fault_set(f, 0, ENOMEM, 0, "out of memory");
}
