/* See warning_code.h. */
#include "report/warning_code.h"

static const char *notice_code(enum notice_code code)
{
	static const char *const names[] = {
		[NOTICE_CORE_MAPPINGS] = "core-mappings",
		[NOTICE_CORE_TRUNCATED] = "core-truncated",
		[NOTICE_CORE_DAMAGED] = "core-damaged",
		[NOTICE_CORE_FILES] = "core-files",
		[NOTICE_CORE_LINK_MAP] = "core-link-map",
		[NOTICE_NOT_OPENED] = "file-not-opened",
		[NOTICE_NOT_READ] = "file-not-read",
		[NOTICE_NOT_ELF] = "file-not-elf",
		[NOTICE_NOT_USABLE] = "file-not-usable",
		[NOTICE_OTHER_FILE] = "file-replaced",
		[NOTICE_NO_BUILD_ID] = "file-without-build-id",
		[NOTICE_UNVERIFIED] = "file-unverified",
		[NOTICE_DEBUG_FILE] = "debug-file",
		[NOTICE_MINI_DEBUG] = "mini-debug",
		[NOTICE_SILENT] = "file-system-silent",
		[NOTICE_SILENT_UNKNOWN] = "file-system-silent",
		[NOTICE_TURN] = "turn-refused",
		[NOTICE_NO_RTLD_DB] = "no-rtld-db",
	};

	return names[code];
}

const char *warning_code(const struct record_warning *w)
{
	static const char *const names[] = {
		[WARN_CANNOT_EXAMINE] = "cannot-examine",
		[WARN_NO_SUBCOMMANDS] = "no-subcommands",
		[WARN_CORE_CONTENT] = "core-content",
		[WARN_NOTICE] = NULL,
		[WARN_MORE_NOTICES] = "more-notices",
		[WARN_FRAMES_UNREAD] = "frames-unread",
		[WARN_STATES_UNREAD] = "states-unread",
		[WARN_UNNAMED] = "unnamed",
		[WARN_SOURCE_LINES] = "source-lines",
		[WARN_SOURCE_NAMES] = "source-names",
		[WARN_MADE_CODE] = "made-code",
		[WARN_PERF_MAP] = "perf-map",
		[WARN_NAMES_UNREAD] = "names-unread",
		[WARN_SOURCE] = "source",
		[WARN_TASKS_UNREAD] = "tasks-unread",
		[WARN_TASKS_MORE] = "tasks-more",
		[WARN_GREENLETS_BUILD] = "greenlets-free-threaded",
		[WARN_GREENLETS_UNREAD] = "greenlets-unread",
		[WARN_GREENLET_UNKNOWN] = "greenlets-unknown",
		[WARN_GREENLETS_MORE] = "greenlets-more",
		[WARN_LWPS_LEFT_OUT] = "threads-left-out",
		[WARN_NO_LWPS] = "no-lwps",
		[WARN_CANNOT_STOP] = "cannot-stop",
		[WARN_LAYOUT] = "layout",
		[WARN_PYTHON_NEWER] = "python-newer",
		[WARN_PYTHON] = "python",
		[WARN_NO_PYTHON] = "no-python",
		[WARN_NO_PYTHON_READ] = "no-python-read",
		[WARN_PYTHON_TRUNCATED] = "python-truncated",
		[WARN_PYTHON_REFUSED] = "python-refused",
		[WARN_NO_MEMORY] = "no-memory",
		[WARN_MEMORY] = "memory-limit",
		[WARN_TIME] = "time",
		[WARN_FILE] = "file",
		[WARN_SAMPLE_CORE] = "sample-core",
		[WARN_SAMPLE_SELF] = "sample-self",
		[WARN_SAMPLES_FAILED] = "samples-failed",
		[WARN_STACKS_LACKING] = "stacks-lacking",
		[WARN_SAMPLES_TAKEN] = "samples-taken",
		[WARN_SAMPLES_LATE] = "samples-late",
		[WARN_PROCESSES_LOST] = "processes-lost",
		[WARN_EVENTS_LOST] = "events-lost",
		[WARN_CORE_PART] = "core-part",
		[WARN_INPUT] = "input",
		[WARN_NO_STACKS] = "no-stacks",
	};

	return w->code == WARN_NOTICE ? notice_code(w->notice->code) : names[w->code];
}
