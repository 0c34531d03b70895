/* The agent's creation and destruction, and frames as text. */
#include "pydb/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/escape.h"
#include "base/strbuf.h"
#include "os/images.h"

struct pydb_agent *pydb_agent_create(struct ps_prochandle *P, int vers)
{
	struct pydb_agent *agent;

	if (vers != PYDB_VERSION) {
		errno = ENOTSUP;
		return NULL;
	}
	agent = calloc(1, sizeof(*agent));
	if (agent != NULL)
		agent->P = P;
	return agent;
}

void pydb_agent_destroy(struct pydb_agent *agent)
{
	if (agent == NULL)
		return;
	activations_free(&agent->activations);
	py_process_destroy(agent->py);
	os_release_images(agent->P);
	free(agent);
}

/* Store the whole lines of text that fit into size - 1 bytes. False: not even one fits. */
static bool put_lines(const char *text, bool unsure, char *buf, size_t size)
{
	static const char more[] = "   ...\n";
	struct strbuf out = STRBUF_EMPTY;
	size_t fits = 0; /* bytes of the lines after which `more` still fits */
	bool whole = true;

	for (const char *end; *text != '\0' && whole; text = end + 1) {
		end = strchr(text, '\n');
		strbuf_add(&out, text, (size_t)(end - text));
		strbuf_str(&out, unsure && end[-1] != '?' ? " ?\n" : "\n");
		whole = !out.failed && out.n < size;
		if (whole && out.n + sizeof(more) <= size)
			fits = out.n;
	}
	if (whole)
		(void)snprintf(buf, size, "%s", strbuf_text(&out));
	else if (fits > 0)
		(void)snprintf(buf, size, "%.*s%s", (int)fits, strbuf_text(&out), more);
	strbuf_free(&out);
	return whole || fits > 0;
}

int pydb_pc_frameinfo(struct pydb_agent *agent, uintptr_t pc, uintptr_t arg, char *buf, size_t size)
{
	const struct pydb_activation *a;
	bool unsure;

	if (size == 0)
		return -1;
	a = activations_find(agent, pc, arg, &unsure);
	if (a == NULL || a->text[0] == '\0')
		return -1;
	/* The buffer is smaller than a line: cut the line. */
	if (!put_lines(a->text, unsure, buf, size))
		(void)snprintf(buf, size, "%.*s", (int)strcspn(a->text, "\n"), a->text);
	return 0;
}

int pydb_get_frameinfo(struct pydb_agent *agent, uintptr_t addr, char *buf, size_t size, int verbose)
{
	struct py_process *py = agent_python(agent);
	const struct py_code *code;
	struct strbuf out = STRBUF_EMPTY;
	struct py_frame frame;
	const char *file, *slash;
	bool ok;

	if (size == 0 || py == NULL || py_frame_at(py, addr, &frame) != RES_OK)
		return -1;
	code = py_code_get(py, &frame);
	if (code == NULL)
		return -1;
	slash = verbose ? NULL : bytes_last(code->file, '/', code->file_len);
	file = slash == NULL ? code->file : slash + 1;
	strbuf_fmt(&out, "%08lx ", (unsigned long)addr);
	escape_text(&out, file, code->file_len - (size_t)(file - code->file), false);
	strbuf_fmt(&out, ":%d ", frame.line);
	escape_text(&out, code->name, code->name_len, false);
	strbuf_str(&out, "()\n");
	ok = !out.failed;
	if (ok)
		(void)snprintf(buf, size, "%s", strbuf_text(&out));
	strbuf_free(&out);
	return ok ? 0 : -1;
}
