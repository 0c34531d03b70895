/* The session of a build without libbpf: it cannot be opened. */
#include "probe/probe.h"

#include <string.h>

#ifndef WITH_LIBBPF

void probe_session_clocks(struct probe_session *s, struct probe_clocks *out)
{
	(void)s;
	*out = (struct probe_clocks){ .due = 0 };
}

bool probe_session_python(struct probe_session *s, uint32_t *pid)
{
	(void)s;
	(void)pid;
	return false;
}

uint64_t probe_session_count(const struct probe_session *s, const struct probe_key *key)
{
	(void)s;
	(void)key;
	return 0;
}

void probe_session_replaced(struct probe_session *s, uint32_t number, uint64_t at,
    const struct probe_reading *reading, struct probe_ranges *out)
{
	(void)s;
	(void)number;
	(void)at;
	(void)reading;
	*out = (struct probe_ranges){ .all = true };
}

bool probe_session_pending(const struct probe_session *s)
{
	(void)s;
	return false;
}

enum res probe_session_open(const struct probe_config *config, struct probe_session **out, struct fault *f)
{
	(void)config;
	(void)out;
	return fault_set(f, 0, 0, 0, "this pystack was built without libbpf");
}

void probe_session_close(struct probe_session *s)
{
	(void)s;
}

enum res probe_session_add(
    struct probe_session *s, const struct probe_observed *one, uint32_t *number, struct fault *f)
{
	(void)s;
	(void)one;
	(void)number;
	(void)f;
	return RES_FAIL;
}

enum res probe_session_expect(struct probe_session *s, uint32_t pid, uint32_t *number, struct fault *f)
{
	(void)s;
	(void)pid;
	(void)number;
	(void)f;
	return RES_FAIL;
}

size_t probe_session_processes(const struct probe_session *s)
{
	(void)s;
	return 0;
}

struct probe_process probe_session_process(const struct probe_session *s, size_t i)
{
	(void)s;
	(void)i;
	return (struct probe_process){ .observed = 0 };
}

bool probe_session_lives(struct probe_session *s, uint32_t number)
{
	(void)s;
	(void)number;
	return false;
}

void probe_session_remove(struct probe_session *s, uint32_t number)
{
	(void)s;
	(void)number;
}

uint64_t probe_session_changes(const struct probe_session *s, uint32_t number)
{
	(void)s;
	(void)number;
	return 0;
}

enum res probe_session_refresh(struct probe_session *s, uint32_t number, struct ps_prochandle *P,
    const struct py_process *py, uint64_t *changes, struct fault *f)
{
	(void)s;
	(void)number;
	(void)P;
	(void)py;
	(void)changes;
	(void)f;
	return RES_FAIL;
}

void probe_session_decide(struct probe_session *s, const struct probe_begin *begin, uint32_t results)
{
	(void)s;
	(void)begin;
	(void)results;
}

bool probe_session_watch(struct probe_session *s, uint32_t pid, uint64_t address)
{
	(void)s;
	(void)pid;
	(void)address;
	return false;
}

void probe_session_unwatch(struct probe_session *s)
{
	(void)s;
}

enum res probe_session_attach(
    struct probe_session *s, const struct probe_place *places, size_t n, struct fault *f)
{
	(void)s;
	(void)places;
	(void)n;
	(void)f;
	return RES_FAIL;
}

enum res probe_session_attach_places(
    struct probe_session *s, const struct probe_place *places, size_t n, struct fault *f)
{
	(void)s;
	(void)places;
	(void)n;
	(void)f;
	return RES_FAIL;
}

void probe_session_detach(struct probe_session *s)
{
	(void)s;
}

enum res probe_session_read(
    struct probe_session *s, int ms, const struct probe_reader *reader, struct fault *f)
{
	(void)s;
	(void)ms;
	(void)reader;
	(void)f;
	return RES_FAIL;
}

enum res probe_session_held(struct probe_session *s,
    bool (*each)(void *data, const struct probe_held *held, const struct probe_count *count), void *data,
    struct fault *f)
{
	(void)s;
	(void)each;
	(void)data;
	(void)f;
	return RES_FAIL;
}

enum res probe_session_counts(struct probe_session *s,
    bool (*each)(void *data, const struct probe_key *key, const struct probe_count *count), void *data,
    struct fault *f)
{
	(void)s;
	(void)each;
	(void)data;
	(void)f;
	return RES_FAIL;
}

void probe_session_waiting(struct probe_session *s,
    bool (*each)(void *data, const struct probe_key *key, const struct probe_count *count), void *data)
{
	(void)s;
	(void)each;
	(void)data;
}

void probe_session_losses(struct probe_session *s, uint64_t out[PROBE_LOSSES])
{
	(void)s;
	memset(out, 0, PROBE_LOSSES * sizeof(out[0]));
}

#endif
