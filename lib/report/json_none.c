/* json.h without jansson: nothing but json_is_built is called. */
#ifndef WITH_JANSSON
#include "report/json.h"

bool json_is_built(void)
{
	return false;
}

void json_target_begin(const char *operand, const struct record_details *details, struct strbuf *out)
{
	(void)operand;
	(void)details;
	(void)out;
}

void json_threads_begin(struct strbuf *out)
{
	(void)out;
}

void json_threads_end(struct strbuf *out)
{
	(void)out;
}

void json_thread_begin(
    const struct record_thread *t, bool ended, bool complete, bool first, struct strbuf *out)
{
	(void)t;
	(void)ended;
	(void)complete;
	(void)first;
	(void)out;
}

void json_thread_end(struct strbuf *out)
{
	(void)out;
}

size_t json_frames(
    const struct record_thread *t, size_t from, bool apart, struct text_cache *cache, struct strbuf *out)
{
	(void)from;
	(void)apart;
	(void)cache;
	(void)out;
	return t->items.n;
}

void json_deadlock(const deadlock_waits *circle, struct strbuf *out)
{
	(void)circle;
	(void)out;
}

bool json_target_end(const struct json_end *end, struct strbuf *out)
{
	(void)end;
	(void)out;
	return false;
}

bool json_stack(const char *members, uint64_t count, struct strbuf *out)
{
	(void)members;
	(void)count;
	(void)out;
	return false;
}
#endif
