/* Threads that hold the GIL while others wait for it: see bpf/gil.h. */
#include "probe/probe.h"

#ifdef WITH_LIBBPF

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe/probe_session_impl.h"

static bool has_off_cpu(const struct probe_config *c)
{
	for (size_t i = 0; i < c->n_specs; i++) {
		if (c->specs[i].kind == PROBE_AT_SWITCH)
			return true;
	}
	return false;
}

void probe_holders_choose(struct probe_bpf *b, const struct probe_config *c)
{
	*(uint32_t *)(uintptr_t)&b->rodata->holders = has_off_cpu(c);
	(void)bpf_program__set_autoload(b->progs.list_threads, has_off_cpu(c));
}

int probe_holders_size(struct probe_bpf *b, const struct probe_config *c)
{
	int error;

	if (!has_off_cpu(c))
		return 0;
	error = bpf_map__set_max_entries(b->maps.pointers, PROBE_POINTERS);
	return error != 0 || !c->counting ? error : bpf_map__set_max_entries(b->maps.held, PROBE_HELD);
}

void probe_holders_list(struct probe_session *s)
{
	struct bpf_link *link;
	ssize_t n;
	char byte;
	int fd;

	if (!has_off_cpu(&s->config))
		return;
	link = bpf_program__attach_iter(s->bpf->progs.list_threads, NULL);
	fd = link == NULL ? -1 : bpf_iter_create(bpf_link__fd(link));
	/* It writes nothing: a read goes through all threads. */
	do
		n = fd < 0 ? 0 : read(fd, &byte, sizeof(byte));
	while (n > 0 || (n < 0 && errno == EAGAIN));
	if (fd >= 0)
		(void)close(fd);
	if (link != NULL)
		(void)bpf_link__destroy(link);
}

enum res probe_session_held(struct probe_session *s,
    bool (*each)(void *data, const struct probe_held *held, const struct probe_count *count), void *data,
    struct fault *f)
{
	struct probe_held held, *last = NULL;
	struct probe_count count;
	int fd = bpf_map__fd(s->bpf->maps.held);

	if (!has_off_cpu(&s->config))
		return RES_OK;
	while (bpf_map_get_next_key(fd, last, &held) == 0) {
		if (bpf_map_lookup_elem(fd, &held, &count) != 0)
			return fault_set(f, 0, errno, 0, "the counts cannot be read: %s", strerror(errno));
		if (!each(data, &held, &count))
			return RES_OK;
		last = &held;
	}
	return errno == ENOENT ? RES_OK
			       : fault_set(f, 0, errno, 0, "the counts cannot be read: %s", strerror(errno));
}

#endif
