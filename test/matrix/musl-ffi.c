/* What Debian's libffi calls of glibc, for musl. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int __isoc23_sscanf(const char *text, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsscanf(text, format, ap);
	va_end(ap);
	return n;
}

int __snprintf_chk(char *out, size_t most, int flag, size_t size, const char *format, ...)
{
	va_list ap;
	int n;

	(void)flag;
	(void)size;
	va_start(ap, format);
	n = vsnprintf(out, most, format, ap);
	va_end(ap);
	return n;
}

ssize_t __getdelim(char **line, size_t *n, int end, FILE *f)
{
	return getdelim(line, n, end, f);
}
