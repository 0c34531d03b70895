/* A number of an event, by its name (probe_when.h). */
#include "probe/probe_when_impl.h"

enum res probe_when_parse_value(
    const char *text, const struct probe_when_names *names, struct probe_when_value *out, struct fault *f)
{
	struct when_parse p = { .text = text, .at = text, .names = names, .f = f };
	struct when_subject s;

	when_skip_spaces(&p);
	if (when_take_subject(&p, &s) != RES_OK)
		return RES_FAIL;
	when_skip_spaces(&p);
	if (*p.at != '\0')
		return when_expected(&p, p.at, "nothing more");
	if (s.subject > PROBE_WHEN_RETVAL || s.kind == PROBE_WHEN_STRING ||
	    (s.bytes != 1 && s.bytes != 2 && s.bytes != 4 && s.bytes != 8))
		return when_fail(
		    &p, s.word.at, "%.*s is not a number that can be summed", (int)s.word.n, s.word.at);
	*out =
	    (struct probe_when_value){ s.subject, (uint8_t)(64 - 8 * s.bytes), s.kind == PROBE_WHEN_SIGNED };
	return RES_OK;
}
