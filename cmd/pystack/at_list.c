/* --list: the probes that there are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "at.h"
#include "at_file.h"
#include "base/escape.h"
#include "base/owned.h"
#include "os/images.h"
#include "probe/probe_list.h"
#include "stack/stack.h"
#include "warn.h"

/* The interpreter of a process, and its static probes. */
struct interpreter {
	char *path; /* owned */
	struct probe_usdt_list probes;
};

/* Read the static probes of the process's first Python. False: a message was printed. */
static bool interpreter_read(const char *typed, struct interpreter *out)
{
	OWNED(mem_release) char *arg = strdup(typed);
	struct py_process *py = NULL;
	struct fault f = { 0 };
	struct ps_prochandle *P;
	bool ok = false;
	int code = 0;

	P = arg == NULL ? NULL : proc_arg_xgrab(arg, NULL, PR_ARG_PIDS, PGRAB_RDONLY, &code, NULL);
	if (P == NULL) {
		warn_fault(WARN_CANNOT_EXAMINE, typed, &(struct fault){ .code = code });
		return false;
	}
	if (py_process_create(P, &py, &f) == RES_OK && py_runtimes(py) > 0) {
		out->path = at_file_path(P, py_runtime_file(py, 0));
		ok = out->path == NULL ? fault_memory(&f) == RES_OK
				       : probe_usdt_read_file(out->path, &out->probes, &f) != RES_FAIL;
	} else {
		(void)fault_set(&f, 0, 0, 0, "it runs no Python");
	}
	if (!ok)
		warn_fault(WARN_CANNOT_EXAMINE, typed, &f);
	py_process_destroy(py);
	os_release_images(P);
	Prelease(P, 0);
	return ok;
}

enum outcome at_list(int argc, char **argv, const struct options *opt)
{
	size_t n = (size_t)(argc - opt->first), read = 0;
	struct interpreter *interps = calloc(n + 1, sizeof(*interps));
	struct probe_source_file *files = calloc(n + 1, sizeof(*files));
	struct probe_sources sources = { .files = files };
	struct probe_tracefs tracefs;
	struct probe_list list = { VEC_EMPTY };
	struct fault f = { 0 };
	enum outcome outcome = NOTHING;

	if (probe_tracefs_open(&tracefs, &f) == RES_OK)
		sources.tracefs = &tracefs;
	else
		warn_line("--list: without tracepoints: %s", f.text);
	for (; interps != NULL && files != NULL && read < n; read++) {
		if (!interpreter_read(argv[(size_t)opt->first + read], &interps[read]))
			break;
		files[read] = (struct probe_source_file){ interps[read].path, &interps[read].probes, true };
	}
	sources.n_files = read;
	if (read < n || interps == NULL || files == NULL) {
		f.text[0] = '\0'; /* a message was printed */
	} else if (probe_list_make(&sources, opt->list[0] == '\0' ? NULL : opt->list, &list, &f) == RES_OK) {
		for (size_t i = 0; i < list.names.n; i++) {
			struct strbuf name = STRBUF_EMPTY;

			escape_text(&name, list.names.at[i], strlen(list.names.at[i]), false);
			(void)puts(strbuf_text(&name));
			strbuf_free(&name);
		}
		if (list.names.n == 0)
			(void)fprintf(stderr, "pystack: --list: no probe matches\n");
		outcome = list.names.n == 0 ? NOTHING : sources.tracefs == NULL ? PARTLY : DONE;
	} else {
		warn_line("--list: %s", f.text);
	}
	probe_list_free(&list);
	for (size_t i = 0; interps != NULL && i < n; i++) {
		free(interps[i].path);
		probe_usdt_free(&interps[i].probes);
	}
	if (sources.tracefs != NULL)
		probe_tracefs_close(&tracefs);
	free(interps);
	free(files);
	return outcome;
}
