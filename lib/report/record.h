/* Records: what there is to be printed of a target, as data.
 *
 *   stack_thread ──collect──┐                       ┌──text────> the report
 *                           ├──> struct record_thread ──folded──> a line for flame graphs
 *   stdin ─────────parse────┘                       └──…
 *
 * Names are as in the target. How they are written, escaped and indented is the renderer's. */
#ifndef REPORT_RECORD_H
#define REPORT_RECORD_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "python/python.h"
#include "symbol/symbolize.h"

/* n bytes that need not end in a NUL; at NULL: absent. */
struct record_string {
	const char *at;
	size_t n;
};

/* What pystack has to say of a stack. */
enum record_remark {
	REMARK_SIGNAL_HANDLER,  /* the frames above are a handler's, those below were interrupted */
	REMARK_FRAME_POINTER,   /* the next frame was reached by frame pointer */
	REMARK_GAP,             /* native frames that could not be unwound */
	REMARK_JIT,             /* the same, in code that is in no file */
	REMARK_UNPLACED,        /* Python frames follow whose activation was not found */
	REMARK_ENDED,           /* the native frame above is an activation whose last frame has ended */
	REMARK_NO_PYTHON_FRAME, /* the native frame above is an activation without known frames */
	REMARK_GREENLET,        /* a greenlet's stack starts here */
	REMARK_MORE,            /* further frames were not asked for */
	REMARK_THREAD,          /* detail: why a thread has no stack, or not all of it */
	REMARK_NATIVE_ENDS,     /* detail: why the native stack ends early */
	REMARK_PYTHON_ENDS,     /* detail: why the Python stack ends early */
};

/* From stdin: a line as another program wrote it. Its parts are written as they are. */
struct record_quotation {
	struct record_string line;
	size_t plain_n;                      /* of a native frame: the length without its offset */
	struct record_string file, function; /* of a Python frame; absent: not to be told apart */
};

enum record_kind { RECORD_NATIVE, RECORD_PYTHON, RECORD_REMARK, RECORD_QUOTED_NATIVE, RECORD_QUOTED_PYTHON };

struct record_item {
	uint8_t kind;     /* enum record_kind */
	uint8_t remark;   /* enum record_remark, with RECORD_REMARK */
	bool uncertain;   /* of a Python frame: its position is */
	int32_t line;     /* of a Python frame; 0 unknown */
	uint32_t code_id; /* of a Python frame: equal for equal `code` */
	union {
		const struct symbol_name *name;           /* RECORD_NATIVE */
		const struct py_code *code;               /* RECORD_PYTHON; NULL: it could not be decoded */
		const char *detail;                       /* RECORD_REMARK; NULL: none */
		const struct record_quotation *quotation; /* RECORD_QUOTED_… */
	};
};

/* An interpreter that frames of a thread belong to. */
struct record_interp {
	uint32_t version; /* PY_VERSION_HEX where a process has several Pythons, else 0 */
	int64_t id;
};

/* A thread. Strings are borrowed from what it was made of. */
struct record_thread {
	lwpid_t id;
	const char *name;                  /* "" when it has none */
	VEC(struct record_interp) interps; /* innermost first; empty where a process has one interpreter */
	VEC(struct record_item) items;     /* in the order to print, innermost first */
	bool incomplete;                   /* the items say that something could not be had */
	size_t unread;                     /* Python frames whose code or line could not be read */
};

void record_thread_free(struct record_thread *t);

/* A process or core. Strings are borrowed. */
struct record_process {
	pid_t pid;
	const char *args;      /* escaped by the system's rules already (proc_unctrl_psinfo) */
	const char *core;      /* as typed, without a set of LWPs; NULL: a process */
	const char *killed_by; /* name of the signal that ended a core's process; NULL: none did */
	pid_t sender;          /* of that signal; 0: not sent by a process, or not known */
	bool has_address;
	uint64_t address; /* with has_address: of the fault */
};

#endif
