/* Records: the output about a target, as data.
 *
 *   stack_thread ──collect──┐                       ┌──text────> the report
 *                           ├──> struct record_thread ──folded──> a line for flame graphs
 *   stdin ─────────parse────┘                       └──…
 *                                struct record_warning ──text_warning──> standard error
 *
 * Names are as in the target. Renderers write, escape and indent them. */
#ifndef REPORT_RECORD_H
#define REPORT_RECORD_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/notice.h"
#include "base/vec.h"
#include "capture/thread_state.h"
#include "os/container.h"
#include "python/python.h"
#include "stack/stack.h"
#include "symbol/symbolize.h"

/* n bytes, without a final NUL; at NULL: absent. */
struct record_string {
	const char *at;
	size_t n;
};

/* What pystack says about a stack, between its frames. */
enum record_remark {
	REMARK_SIGNAL_HANDLER,  /* the frames above are a handler's, those below were interrupted */
	REMARK_FRAME_POINTER,   /* the next frame was reached by frame pointer */
	REMARK_REPLACED,        /* other code is mapped now where the next frame's was */
	REMARK_ALL_REPLACED,    /* the same, perhaps, of any frame */
	REMARK_TRAMPOLINE,      /* in place of a caller whose return address a return probe has replaced */
	REMARK_SEVERAL,         /* the next frame is in one of several calls of its function */
	REMARK_LIKELY,          /* the next frame is likely the caller, but others may be */
	REMARK_GAP,             /* native frames that could not be unwound */
	REMARK_JIT,             /* the same, in code of no file */
	REMARK_UNPLACED,        /* the activation of the Python frames that follow was not found */
	REMARK_ENDED,           /* the native frame above is an activation whose last frame has returned */
	REMARK_NO_PYTHON_FRAME, /* the native frame above is an activation without known frames */
	REMARK_GIL,             /* the thread waited for the GIL */
	REMARK_EXITS,           /* the thread exits, and has no stack any more */
	REMARK_GREENLET,        /* a greenlet's stack starts here */
	REMARK_MORE,            /* further frames were not asked for */
	REMARK_THREAD,          /* detail: why a thread has no stack, or not all of it */
	REMARK_NATIVE_ENDS,     /* detail: why the native stack ends early; NULL: unknown */
	REMARK_PYTHON_ENDS,     /* detail: why the Python stack ends early */
	REMARK_PYTHON_UNREAD,   /* detail: what of a Python frame could not be read */
	REMARK_NO_LOCALS,       /* values of variables were asked for, and not read */
};

/* A line of stdin. Its parts are written unchanged. */
struct record_quotation {
	struct record_string line;
	size_t plain_n;                      /* of a native frame: the length without its offset */
	struct record_string file, function; /* of a Python frame; absent: unknown */
};

enum record_kind { RECORD_NATIVE, RECORD_PYTHON, RECORD_REMARK, RECORD_QUOTED_NATIVE, RECORD_QUOTED_PYTHON };

struct record_item {
	uint8_t kind;     /* enum record_kind */
	uint8_t remark;   /* enum record_remark, with RECORD_REMARK */
	bool uncertain;   /* of a Python frame: its position is uncertain */
	int32_t line;     /* of a Python frame; 0 unknown */
	uint32_t code_id; /* of a Python frame: equal for equal `code` */
	uint32_t index;   /* of a frame: in the arrays of record_thread.stack */
	union {
		const struct symbol_name *name;           /* RECORD_NATIVE */
		const struct py_code *code;               /* RECORD_PYTHON; NULL: it was not decoded */
		const char *detail;                       /* RECORD_REMARK; NULL: none */
		const struct record_quotation *quotation; /* RECORD_QUOTED_… */
	};
};

enum record_local_state { LOCAL_VALUE, LOCAL_UNREADABLE, LOCAL_CHANGING };

/* An argument or local variable. The value is as Python's repr() spells it, and has no escapes of
 * its own to be undone. */
struct record_local {
	struct record_string name, value; /* value: with LOCAL_VALUE */
	uint64_t at;                      /* address of the object */
	uint8_t state;                    /* enum record_local_state */
};

struct py_local;
struct py_locals;

/* An interpreter that frames of a thread belong to. */
struct record_interp {
	uint32_t version; /* PY_VERSION_HEX where a process has several Pythons, else 0 */
	int64_t id;
};

struct py_sources;

/* Where the source lines of its Python frames come from. All are borrowed. */
struct record_source {
	struct py_sources *files; /* NULL: they were not asked for */
	const struct stack_target *target;
	const struct py_frame *frames; /* that record_item.index counts */
	bool places; /* only what is the same in every frame at the line, to count equal stacks */
};

/* A thread. Strings are borrowed. */
struct record_thread {
	lwpid_t id;
	const struct stack_thread *stack; /* what it was made of; NULL: text */
	const char *name;                 /* the kernel's; "" when it has none */
	struct thread_state state;
	VEC(struct record_interp) interps; /* innermost first; empty if the process has one */
	VEC(struct record_item) items;     /* in the order to print, innermost first */
	bool incomplete;                   /* the items say that something is missing */
	size_t unread;                     /* Python frames whose code or line could not be read */
	struct record_source source;
	const struct py_locals *locals; /* of its frames, as record_item.index counts; NULL: not read */
};

/* Free the arrays of t, not what its members point to. */
void record_thread_free(struct record_thread *t);

/* The variables of a Python frame that are known. Borrowed from its thread. */
struct record_locals {
	bool read; /* else they were not read, or not asked for */
	bool more; /* it has others */
	const char *text;
	const struct py_local *at;
	size_t n;
};
struct record_locals record_locals(const struct record_thread *t, const struct record_item *item);
/* Variable i of them. */
struct record_local record_local(const struct record_locals *locals, size_t i);

/* Put a remark before all items. False: out of memory. */
bool record_remark_first(struct record_thread *t, enum record_remark remark);

/* A process or core. Strings are borrowed. */
struct record_process {
	pid_t pid;
	const char *args;      /* escaped by the system's rules already (proc_unctrl_psinfo) */
	const char *core;      /* as typed, without a set of LWPs; NULL: a process */
	const char *killed_by; /* signal that ended a core's process; NULL: none */
	pid_t sender;          /* of that signal; 0: not sent by a process, or unknown */
	bool has_address;
	uint64_t address;                     /* of the fault, with has_address */
	const struct os_container *container; /* NULL: none, or unknown */
	pid_t parent;                         /* 0: unknown */
	bool found;                           /* as a descendant of an operand (-r) */
};

/* What pystack says about an operand as a whole, on standard error. */
enum record_warning_code {
	WARN_CANNOT_EXAMINE,   /* detail: why */
	WARN_NO_SUBCOMMANDS,   /* the operand is a subcommand of another program named pystack */
	WARN_CORE_CONTENT,     /* a core without stacks or data; -F was not given */
	WARN_NOTICE,           /* notice: what the target lacks; its code says what */
	WARN_MORE_NOTICES,     /* count[0]: further notices, which were not asked for */
	WARN_FRAMES_UNREAD,    /* count[0]: Python frames whose code or line could not be read */
	WARN_STATES_UNREAD,    /* the list of thread states could not be read whole */
	WARN_UNNAMED,          /* count[0]: addresses without a symbol; detail: files that would have one */
	WARN_SOURCE_LINES,     /* file: its debug information cannot be read; detail: why */
	WARN_SOURCE_NAMES,     /* detail: why names of C++ and Rust stay mangled */
	WARN_MADE_CODE,        /* detail: why code that a program has registered is not all known */
	WARN_PERF_MAP,         /* detail: why names of code in no file are not used */
	WARN_NAMES_UNREAD,     /* names that Python has for threads could not be read */
	WARN_SOURCE,           /* detail: what is wrong with source lines of a file */
	WARN_TASKS_UNREAD,     /* tasks of event loops could not be read */
	WARN_TASKS_MORE,       /* count[0]: tasks that were read; there are more */
	WARN_GREENLETS_BUILD,  /* greenlets are not looked for */
	WARN_GREENLETS_UNREAD, /* not all objects could be looked at */
	WARN_GREENLET_UNKNOWN, /* detail: the version of greenlet */
	WARN_GREENLETS_MORE,   /* count[0]: greenlets that were not read */
	WARN_LWPS_LEFT_OUT,    /* count[0] of count[1] LWPs, for lack of memory */
	WARN_NO_LWPS,          /* the process has none of the LWPs asked for */
	WARN_CANNOT_STOP,      /* detail: why no LWP could be stopped */
	WARN_LAYOUT,           /* version; detail: what contradicts the layout of that version */
	WARN_PYTHON_NEWER,     /* version: newer than the supported ones */
	WARN_PYTHON,           /* detail: why an interpreter cannot be decoded */
	WARN_NO_PYTHON,        /* there is no interpreter */
	WARN_NO_PYTHON_READ,   /* there is none in what could be read */
	WARN_PYTHON_TRUNCATED, /* its data are in what the core lacks */
	WARN_PYTHON_REFUSED,   /* its data could not be read */
	WARN_NO_MEMORY,        /* printed */
	WARN_MEMORY,           /* printed; count[0]: bytes that pystack may take */
	WARN_TIME,             /* count[0]: the time, ns; count[1]: a bit for each bound_part */
	WARN_FILE,             /* action, file, error, printed; count[0]: further such errors */
	WARN_SAMPLE_CORE,      /* a core cannot be sampled */
	WARN_SAMPLE_SELF,      /* pystack cannot be sampled by itself */
	WARN_SAMPLES_FAILED,   /* count[0] of count[1] samples; detail: why the last of them */
	WARN_STACKS_LACKING,   /* count[0]: stacks of samples that lack something, as they say */
	WARN_SAMPLES_TAKEN,    /* count[0]: all of them in time */
	WARN_SAMPLES_LATE,     /* count[0] taken, count[1] of them late, count[2] skipped */
	WARN_PROCESSES_LOST,   /* count[0]: processes that have come and are not observed; detail: why */
	WARN_EVENTS_LOST,      /* count[0]: events of a probe; detail: why */
	WARN_CORE_PART,        /* detail: what of a compressed core, or one in a pipe, is missing */
	WARN_INPUT,            /* detail: why standard input cannot be read */
	WARN_NO_STACKS,        /* there are none in standard input */
};

/* Members that the code does not name are 0. Strings are borrowed, and not escaped. */
struct record_warning {
	enum record_warning_code code;
	const char *operand; /* as typed */
	const char *detail;
	const struct notice *notice;
	uint32_t version;   /* PY_VERSION_HEX */
	uint64_t count[3];  /* see the code */
	const char *action; /* a verb: what failed ("open", "read") */
	const char *file;   /* its path */
	int error;          /* errno */
	bool printed;       /* stacks were printed in spite of it */
	bool brief;         /* a notice like those before it: few words suffice */
};

#endif
