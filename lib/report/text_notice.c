/* Notices as text. */
#include "report/text_notice.h"

#include <inttypes.h>
#include <string.h>

#include "base/fileio.h"

static void put_id(const struct notice *n, struct strbuf *out)
{
	if (n->id_unknown)
		strbuf_str(out, "unknown: its headers in memory are not readable");
	else if (n->id.n == 0)
		strbuf_str(out, "none");
	for (size_t i = 0; !n->id_unknown && i < n->id.n; i++)
		strbuf_fmt(out, "%02x", n->id.bytes[i]);
}

/* Why a file cannot be opened, and the remedy. */
static void put_failure(const struct notice *n, struct strbuf *out)
{
	strbuf_str(out, "cannot be opened: ");
	if (n->failure == NOTICE_DELETED)
		strbuf_str(out, "it was deleted after it was mapped");
	else if (n->failure == NOTICE_FOREIGN)
		strbuf_str(out, "the core's owner may not read it, or it is outside the core's root");
	else
		strbuf_str(out, fileio_open_error(n->error));
	switch (n->failure) {
	case NOTICE_NOT_IN_ROOT:
		strbuf_str(out, "; it is not in the directory of --sysroot");
		break;
	case NOTICE_EXEC_ABSENT:
		strbuf_str(out, "; give the executable of the core with -e FILE");
		break;
	case NOTICE_ABSENT:
		strbuf_str(out, "; the core needs the files of the machine or container it comes from");
		break;
	case NOTICE_FOREIGN:
		strbuf_str(out, "; no build-id shows that it is the mapped one");
		break;
	case NOTICE_GIVEN_EXEC:
		strbuf_str(out, " (the file of -e)");
		break;
	case NOTICE_BY_ERROR:
	case NOTICE_DELETED:
		break;
	}
}

/* What is wrong with a file, and what is used instead. */
static void put_file(const struct notice *n, struct strbuf *out)
{
	strbuf_fmt(out, "%s: ", n->file);
	switch (n->code) {
	case NOTICE_NOT_OPENED:
		put_failure(n, out);
		break;
	case NOTICE_NOT_READ:
		strbuf_fmt(out, "cannot be read: %s", strerror(n->error));
		break;
	case NOTICE_NOT_ELF:
		strbuf_str(out, "the file there now is not an ELF file");
		break;
	case NOTICE_NOT_USABLE:
		strbuf_fmt(out, "not usable: %s", n->detail);
		break;
	default:
		if (n->detail != NULL)
			strbuf_fmt(out, "%s is not the file that was mapped", n->detail);
		else
			strbuf_str(out, "the file there now is not the one that was mapped");
		break;
	}
	if (n->instead == NOTICE_NO_MATTER)
		return;
	strbuf_str(out, " (build-id of the mapped one: ");
	put_id(n, out);
	if (n->instead == NOTICE_FROM_MEMORY)
		strbuf_str(out, "); using its copy in memory, functions that are not exported are unnamed");
	else
		strbuf_str(out, "); its functions are unnamed and its unwind tables missing");
	if (n->instead == NOTICE_NOTHING && !n->at_hand)
		strbuf_fmt(out, ", put the file %s there or in a directory of -L",
		    n->id.n != 0 ? "with this build-id" : "that was mapped");
}

static void put_unverified(const struct notice *n, struct strbuf *out)
{
	if (n->count[0] == 0)
		strbuf_fmt(out,
		    "%s: cannot be checked against the mapped one (its headers in memory are not "
		    "readable); used unverified",
		    n->file);
	else
		strbuf_fmt(out,
		    "%s and %" PRIu64 " more: cannot be checked against the mapped ones (their headers in "
		    "memory are not readable); used unverified",
		    n->file, n->count[0]);
}

static void put_silent(const struct notice *n, struct strbuf *out)
{
	if (n->file == NULL)
		strbuf_fmt(out, "the file mapped at %#" PRIx64 ": ", n->va);
	else
		strbuf_fmt(out, "%s: ", n->file);
	if (n->code == NOTICE_SILENT)
		strbuf_fmt(out, "the file system there (%s, %s)", n->type, n->source);
	else
		strbuf_str(out, "the file system of this");
	strbuf_fmt(out,
	    " has not answered within %" PRIu64 " ms: its files are left out, so names of functions in "
	    "them, and callers of these, may be missing; try again when it answers",
	    n->count[0]);
}

static void put_core(const struct notice *n, struct strbuf *out)
{
	switch (n->code) {
	case NOTICE_CORE_MAPPINGS:
		strbuf_fmt(out,
		    "core has more than %" PRIu64 " mappings: functions in further mappings are unnamed",
		    n->count[0]);
		break;
	case NOTICE_CORE_TRUNCATED:
		strbuf_fmt(out,
		    "core is truncated: %" PRIu64 " of %" PRIu64 " bytes are missing; check free space, "
		    "ulimit -c and the copy of the file",
		    n->count[0], n->count[1]);
		break;
	case NOTICE_CORE_DAMAGED:
		strbuf_str(out, "core has damaged headers or notes, which are left out");
		break;
	default:
		strbuf_fmt(out, "core does not say which files were mapped (%s): functions are unnamed",
		    n->code == NOTICE_CORE_LINK_MAP ? "no link map of the dynamic linker"
						    : "no NT_FILE note");
		break;
	}
}

bool text_notice_of_file(const struct notice *n)
{
	return n->code == NOTICE_NOT_OPENED || n->code == NOTICE_NOT_READ || n->code == NOTICE_NOT_ELF ||
	       n->code == NOTICE_NOT_USABLE || n->code == NOTICE_OTHER_FILE;
}

void text_notice_brief(const struct notice *n, struct strbuf *out)
{
	strbuf_fmt(out, "%s: %s (build-id of the mapped one: ", n->file,
	    n->code == NOTICE_NOT_OPENED   ? "cannot be opened, either"
	    : n->code == NOTICE_OTHER_FILE ? "not the file that was mapped, either"
					   : "not usable, either");
	if (n->id_unknown)
		strbuf_str(out, "unknown)");
	else {
		put_id(n, out);
		strbuf_char(out, ')');
	}
}

void text_notice(const struct notice *n, struct strbuf *out)
{
	switch (n->code) {
	case NOTICE_CORE_MAPPINGS:
	case NOTICE_CORE_TRUNCATED:
	case NOTICE_CORE_DAMAGED:
	case NOTICE_CORE_FILES:
	case NOTICE_CORE_LINK_MAP:
		put_core(n, out);
		break;
	case NOTICE_NOT_OPENED:
	case NOTICE_NOT_READ:
	case NOTICE_NOT_ELF:
	case NOTICE_NOT_USABLE:
	case NOTICE_OTHER_FILE:
		put_file(n, out);
		break;
	case NOTICE_NO_BUILD_ID:
		strbuf_fmt(out, "%s: cannot be checked against the mapped one (no build-id); used unverified",
		    n->file);
		break;
	case NOTICE_UNVERIFIED:
		put_unverified(n, out);
		break;
	case NOTICE_DEBUG_FILE:
		strbuf_fmt(out, "%s: its debug file %s; functions that are not exported are unnamed", n->file,
		    n->detail);
		break;
	case NOTICE_MINI_DEBUG:
		strbuf_fmt(out,
		    "%s: its symbols in .gnu_debugdata are not used: %s; functions that are not exported are "
		    "unnamed",
		    n->file, n->detail);
		break;
	case NOTICE_SILENT:
	case NOTICE_SILENT_UNKNOWN:
		put_silent(n, out);
		break;
	case NOTICE_TURN:
		strbuf_fmt(out,
		    "another program holds the lock by which tools take turns (flock on /proc/PID/mem): "
		    "waited %" PRIu64 " ms for it in vain, then stopped threads nevertheless",
		    n->count[0]);
		break;
	case NOTICE_NO_RTLD_DB:
		strbuf_str(out, "functions in shared libraries are unnamed (librtld_db is not available)");
		break;
	}
}
