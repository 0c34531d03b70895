/* Notices: codes for what a target lacks. lib/proc and lib/os find it out; renderers put it into
 * words (report/text_notice.c). */
#ifndef BASE_NOTICE_H
#define BASE_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum notice_code {
	NOTICE_CORE_MAPPINGS,  /* a core has more than count[0] mappings: further ones are left out */
	NOTICE_CORE_TRUNCATED, /* count[0] of a core's count[1] bytes are missing */
	NOTICE_CORE_DAMAGED,   /* invalid headers or notes were left out */
	NOTICE_CORE_FILES,     /* a core has no list of its mapped files */
	NOTICE_CORE_LINK_MAP,  /* a core of illumos has no list of its mapped files */
	NOTICE_NOT_OPENED,     /* file; error, failure: why it cannot be opened */
	NOTICE_NOT_READ,       /* file; error */
	NOTICE_NOT_ELF,        /* file: the mapped one is an ELF file, the one at its path is not */
	NOTICE_NOT_USABLE,     /* file; detail: why it is not an ELF file that can be used */
	NOTICE_OTHER_FILE,     /* file: it is not the mapped one; detail: its path, NULL: file */
	NOTICE_NO_BUILD_ID,    /* file: used unverified, because it and the mapped one have no build-id */
	NOTICE_UNVERIFIED,     /* file and count[0] more: used unverified, memory was unreadable */
	NOTICE_DEBUG_FILE,     /* file; detail: why its debug file is not used */
	NOTICE_MINI_DEBUG,     /* file; detail: why its .gnu_debugdata is not used */
	NOTICE_SILENT,         /* the file system at `file` (type, source) has not answered in count[0] ms */
	NOTICE_SILENT_UNKNOWN, /* that of `file`, or if NULL of the file mapped at va, has not answered */
	NOTICE_TURN,           /* another program kept the lock of stops: count[0] ms waited in vain */
	NOTICE_NO_RTLD_DB,     /* illumos: libraries are unknown without librtld_db */
};

/* Why a file cannot be opened. */
enum notice_failure {
	NOTICE_BY_ERROR,    /* the error of the notice says it */
	NOTICE_DELETED,     /* it was deleted after it was mapped */
	NOTICE_NOT_IN_ROOT, /* the root given for a core does not have it */
	NOTICE_EXEC_ABSENT, /* a core's executable is not on this machine, and none was given */
	NOTICE_ABSENT,      /* another file of a core is not on this machine */
	NOTICE_FOREIGN,     /* the owner of a core may not read it, or it is outside the core's root */
	NOTICE_GIVEN_EXEC,  /* it stands for the executable given for a core, which failed */
};

/* What replaces a file that cannot be used. */
enum notice_instead {
	NOTICE_NO_MATTER,   /* nothing is known to be missing */
	NOTICE_FROM_MEMORY, /* its loaded segments */
	NOTICE_NOTHING,
};

enum { NOTICE_ID_MAX = 64 }; /* usual build-ids have 8 to 20 bytes */

struct notice_id {
	uint8_t bytes[NOTICE_ID_MAX];
	size_t n; /* 0: there is none */
};

/* Members that the code does not name are 0. Strings are borrowed, as in the target and not
 * escaped. */
struct notice {
	enum notice_code code;
	bool failed;      /* something is missing: the exit status is not 0 */
	const char *file; /* path in the target */
	const char *detail;
	const char *type, *source; /* of a file system */
	int error;                 /* errno */
	enum notice_failure failure;
	/* With NOTICE_NOT_OPENED, _READ, _ELF, _USABLE and OTHER_FILE: */
	enum notice_instead instead;
	bool at_hand;        /* the file is at its path but cannot be read */
	bool id_unknown;     /* the mapped file's build-id is unreadable */
	struct notice_id id; /* the mapped file's build-id */
	uint64_t va;         /* in the target */
	uint64_t count[2];
};

#endif
