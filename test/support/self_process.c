/* Reading our own /proc/self/maps into the arrays of a fake process. */
#include "support/self_process.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static ssize_t self_read(struct fake_process *fake, void *buf, size_t n, uintptr_t va)
{
	size_t done = 0;

	(void)fake;
	/* Page by page: the kernel copies up to the first fault of a page-sized piece. */
	while (done < n) {
		size_t room = 4096 - (va + done) % 4096;
		size_t want = room < n - done ? room : n - done;
		struct iovec local = { (char *)buf + done, want };
		struct iovec remote = { (void *)(va + done), want };

		if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)want)
			break;
		done += want;
	}
	return (ssize_t)done;
}

static bool add(struct self_process *self, const char *line, const char *from, const char *to)
{
	struct fake_map *m = &self->maps[self->n];
	unsigned long start, end, offset;
	char perms[5], path[512] = "";

	if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %511[^\n]", &start, &end, perms, &offset, path) < 4)
		return false;
	if (self->n + 1 >= SELF_MAPS)
		return false;
	*m = (struct fake_map){ .va = start, .size = end - start, .offset = (off_t)offset };
	m->flags |= perms[0] == 'r' ? MA_READ : 0;
	m->flags |= perms[1] == 'w' ? MA_WRITE : 0;
	m->flags |= perms[2] == 'x' ? MA_EXEC : 0;
	m->flags |= perms[3] == 's' ? MA_SHARED : 0;
	if (path[0] != '\0') {
		const char *name = from != NULL && strcmp(path, from) == 0 ? to : path;

		(void)snprintf(self->names[self->n], SELF_NAME, "%.63s", name);
		m->name = self->names[self->n];
	}
	self->n++;
	return true;
}

bool self_process(struct self_process *self, const char *from, const char *to)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[1024];
	bool ok = maps != NULL;

	memset(self, 0, sizeof(*self));
	while (ok && fgets(line, sizeof(line), maps) != NULL)
		ok = add(self, line, from, to);
	if (maps != NULL)
		(void)fclose(maps);
	self->fake.pid = getpid();
	self->fake.maps = self->maps;
	self->fake.read = self_read;
	return ok;
}

bool self_path(char path[SELF_NAME])
{
	ssize_t n = readlink("/proc/self/exe", path, SELF_NAME);

	if (n <= 0 || n >= SELF_NAME)
		return false;
	path[n] = '\0';
	return true;
}
