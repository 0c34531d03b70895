/* Layouts from debug information: they equal the table's row in every member on each interpreter
 * that has any. They are right for a vendor's changed structures too, for which a library is
 * compiled from structures like CPython's. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dwarf/members.h"
#include "elf/symbols.h"
#include "python/layout/py_layout.h"
#include "support/roots.h"
#include "support/run_suite.h"

#define TWICE(...)  \
	__VA_ARGS__ \
	static const char vendor_text[] = #__VA_ARGS__;

/* CPython 3.9's structures as far as they are read, and a vendor's members among them. */
/* clang-format off */
TWICE(
typedef struct _object { long ob_refcnt; struct _typeobject *ob_type; } PyObject;
typedef struct { PyObject ob_base; long ob_size; } PyVarObject;
typedef struct _typeobject { PyVarObject ob_base; const char *tp_name; long tp_basicsize; long vendor_type; unsigned long tp_flags; } PyTypeObject;
typedef struct { PyVarObject ob_base; long ob_shash; char ob_sval[1]; } PyBytesObject;
typedef struct { PyObject ob_base; long length; long hash; int *vendor_text;
	struct { unsigned int interned : 2; unsigned int kind : 3; unsigned int compact : 1; unsigned int ascii : 1; unsigned int ready : 1; } state;
	int *wstr; } PyASCIIObject;
typedef struct { PyASCIIObject _base; long utf8_length; char *utf8; long wstr_length; } PyCompactUnicodeObject;
typedef struct PyCodeObject { PyObject ob_base; int co_argcount; int co_firstlineno; long vendor_code[2]; PyObject *co_code; PyObject *co_filename;
	PyObject *co_name; PyObject *co_lnotab; } PyCodeObject;
typedef struct _frame { PyVarObject ob_base; void *vendor_frame; struct _frame *f_back; PyCodeObject *f_code; PyObject *f_trace; int f_lasti;
	int vendor_ticks; int f_lineno; char f_executing; } PyFrameObject;
typedef struct _ts { struct _ts *prev; struct _ts *next; struct _is *interp; unsigned long vendor_ts[3]; PyFrameObject *frame; unsigned long thread_id; } PyThreadState;
typedef struct _is { struct _is *next; PyThreadState *tstate_head; void *vendor_is; long id; } PyInterpreterState;
typedef struct pyruntimestate { int initialized; struct pyinterpreters { void *mutex; PyInterpreterState *head; } interpreters; } _PyRuntimeState;
)
/* clang-format on */

static const char use_text[] =
    "PyVarObject a; PyTypeObject b; PyBytesObject c; PyCompactUnicodeObject d; PyCodeObject e;"
    "PyFrameObject f; PyThreadState g; PyInterpreterState h; _PyRuntimeState i;"
    "void *PyInterpreterState_Head(void) { return &h; }";

static char folder[] = "/tmp/pystack-layout-XXXXXX";

static struct elf_image *open_path(const char *path)
{
	struct elf_image *img = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && elf_image_open(fd, &img, NULL) != RES_OK)
		img = NULL;
	if (fd >= 0)
		(void)close(fd);
	return img;
}

/* The text compiled, `change` (a sed script) made to it. */
static struct elf_image *compiled(const char *change)
{
	char command[512], path[128];
	struct elf_image *img;
	FILE *cc;

	(void)snprintf(path, sizeof(path), "%s/lib", folder);
	(void)snprintf(
	    command, sizeof(command), "sed '%s' | gcc -g -w -x c -shared -fPIC -o %s -", change, path);
	cc = popen(command, "w");
	ck_assert_ptr_nonnull(cc);
	(void)fprintf(cc, "%s\n%s\n", vendor_text, use_text);
	ck_assert_int_eq(pclose(cc), 0);
	img = open_path(path);
	ck_assert_ptr_nonnull(img);
	return img;
}

static size_t hints_of(struct elf_image *img, uint64_t hints[4])
{
	static const char *const names[] = { "PyInterpreterState_Head", "_PyEval_EvalFrameDefault",
		"PyEval_EvalFrameEx", "PyCode_New" };
	struct elf_symbols *syms = elf_symbols_create(img);
	struct elf_symbol found;
	size_t n = 0;

	ck_assert_ptr_nonnull(syms);
	for (size_t i = 0; i < 4; i++) {
		if (elf_symbols_by_name(syms, names[i], &found) == RES_OK && found.sym.st_shndx != SHN_UNDEF)
			hints[n++] = found.sym.st_value;
	}
	elf_symbols_destroy(syms);
	return n;
}

static enum res layout_of(struct elf_image *img, uint32_t version, struct py_layout *out, struct fault *f)
{
	uint64_t hints[4];
	size_t n = hints_of(img, hints);
	struct py_layout row;

	ck_assert_int_eq(py_layout_of_version(version, 8, &row), RES_OK);
	return py_layout_of_debug(img, (struct dwarf_hints){ hints, n }, &row, out, f);
}

START_TEST(a_vendors_members)
{
	struct elf_image *img = compiled("");
	struct py_layout l;
	struct fault f = { 0 };

	ck_assert_msg(layout_of(img, PY_HEX(3, 9), &l, &f) == RES_OK, "%s", f.text);
	elf_image_close(img);
#define IS(field, type, member) ck_assert_uint_eq(l.field, PY_AT(offsetof(type, member)))
	IS(runtime.interpreters_head, _PyRuntimeState, interpreters.head);
	IS(interp.next, PyInterpreterState, next);
	IS(interp.threads_head, PyInterpreterState, tstate_head);
	IS(interp.id, PyInterpreterState, id);
	IS(tstate.next, PyThreadState, next);
	IS(tstate.interp, PyThreadState, interp);
	IS(tstate.frame, PyThreadState, frame);
	IS(tstate.thread_id, PyThreadState, thread_id);
	IS(frame.previous, PyFrameObject, f_back);
	IS(frame.code, PyFrameObject, f_code);
	IS(frame.trace, PyFrameObject, f_trace);
	IS(frame.lasti, PyFrameObject, f_lasti);
	IS(frame.lineno, PyFrameObject, f_lineno);
	IS(frame.state, PyFrameObject, f_executing);
	IS(code.bytecode, PyCodeObject, co_code);
	IS(code.filename, PyCodeObject, co_filename);
	IS(code.name, PyCodeObject, co_name);
	IS(code.firstlineno, PyCodeObject, co_firstlineno);
	IS(code.table, PyCodeObject, co_lnotab);
	IS(object.type, PyObject, ob_type);
	IS(object.size, PyVarObject, ob_size);
	IS(type.name, PyTypeObject, tp_name);
	IS(type.flags, PyTypeObject, tp_flags);
	IS(bytes.size, PyBytesObject, ob_base.ob_size);
	IS(bytes.data, PyBytesObject, ob_sval);
	IS(str.length, PyASCIIObject, length);
	IS(str.state, PyASCIIObject, state);
	IS(str.wstr, PyASCIIObject, wstr);
	IS(str.wstr_length, PyCompactUnicodeObject, wstr_length);
	ck_assert_uint_eq(l.str.ascii, PY_AT(sizeof(PyASCIIObject)));
	ck_assert_uint_eq(l.str.compact, PY_AT(sizeof(PyCompactUnicodeObject)));
	ck_assert_uint_eq(l.kind_shift, 2);
	ck_assert_uint_ge(l.frame_extent, offsetof(PyFrameObject, f_executing) + 1);
}
END_TEST

/* Inconsistent or unreadable definitions are refused. */
START_TEST(refused)
{
	static const char *const changes[] = {
		"s/f_lasti;/vendor_lasti;/",     /* a member is missing, and others have moved */
		"s/int f_lasti;/long f_lasti;/", /* another width than is read */
		"s/int co_firstlineno;/int co_firstlineno : 20;/", /* not even a whole one */
		"s/unsigned int kind : 3; unsigned int compact : 1;/unsigned int compact : 1; unsigned int "
		"kind : 3;/",
		"s/struct _ts \\*next;/union { struct _ts *next; struct _is *interp; };/; s/\\*next;[^}]*}; "
		"struct _is "
		"\\*interp;/*next; struct _is *interp; };/", /* two in one place */
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct elf_image *img = compiled(changes[i]);
		struct py_layout l = { .version = 77 };
		struct fault f = { 0 };

		ck_assert_msg(layout_of(img, PY_HEX(3, 9), &l, &f) == RES_FAIL, "%s", changes[i]);
		ck_assert_msg(strstr(f.text, "its debug information") != NULL, "%s: %s", changes[i], f.text);
		ck_assert_uint_eq(l.version, 77);
		elf_image_close(img);
	}
}
END_TEST

START_TEST(nothing_of_python_in_it)
{
	struct elf_image *img = compiled("1,$d; $a int x;");
	struct py_layout l;

	ck_assert_int_eq(layout_of(img, PY_HEX(3, 9), &l, NULL), RES_NONE);
	elf_image_close(img);
}
END_TEST

/* A program that has one frame of such a Python in its memory. */
static const char program_text[] =
    "int write(int, const void *, unsigned long); int pause(void); unsigned long pthread_self(void);\n"
    "_PyRuntimeState _PyRuntime; PyTypeObject PyType_Type, PyCode_Type, PyFrame_Type, PyUnicode_Type, "
    "PyBytes_Type;\n"
    "char text[] = \"3.9.2 (default, Jan  1 2024, 00:00:00) \\n[GCC 12.2.0]\";\n"
    "struct { PyASCIIObject a; char data[16]; } file, name; PyCompactUnicodeObject d; PyBytesObject table;\n"
    "struct { PyBytesObject b; char more[8]; } bytecode; PyCodeObject code; PyFrameObject frame; "
    "PyThreadState ts;\n"
    "PyInterpreterState interp; void *PyInterpreterState_Head(void) { return _PyRuntime.interpreters.head; "
    "}\n"
    "static void type(PyTypeObject *t, const char *n, long size) { t->ob_base.ob_base.ob_type = "
    "&PyType_Type;\n"
    "  t->tp_name = n; t->tp_basicsize = size; }\n"
    "static void str(void *s, const char *n) { PyASCIIObject *a = s; char *to = (char *)(a + 1); "
    "a->ob_base.ob_type = &PyUnicode_Type;\n"
    "  a->state.kind = a->state.compact = a->state.ascii = a->state.ready = 1; while (*n) { *to++ = *n++; "
    "a->length++; } }\n"
    "int main(void) { type(&PyType_Type, \"type\", 0); type(&PyCode_Type, \"code\", sizeof(code));\n"
    "  type(&PyFrame_Type, \"frame\", sizeof(frame)); type(&PyUnicode_Type, \"str\", sizeof(d) + 8);\n"
    "  type(&PyBytes_Type, \"bytes\", table.ob_sval - (char *)&table + 1); PyUnicode_Type.tp_flags = 1u << "
    "28;\n"
    "  str(&file, \"vendor.py\"); str(&name, \"patched\"); table.ob_base.ob_base.ob_type = &PyBytes_Type;\n"
    "  bytecode.b.ob_base.ob_base.ob_type = &PyBytes_Type; bytecode.b.ob_base.ob_size = 8;\n"
    "  code.ob_base.ob_type = &PyCode_Type; code.co_filename = &file.a.ob_base; code.co_name = "
    "&name.a.ob_base;\n"
    "  code.co_lnotab = &table.ob_base.ob_base; code.co_code = &bytecode.b.ob_base.ob_base; "
    "code.co_firstlineno = 41;\n"
    "  frame.ob_base.ob_base.ob_type = &PyFrame_Type; frame.f_code = &code; frame.f_lasti = 2; "
    "frame.f_executing = 1;\n"
    "  ts.interp = &interp; ts.frame = &frame; ts.thread_id = pthread_self(); interp.tstate_head = &ts;\n"
    "  _PyRuntime.interpreters.head = &interp; write(1, text, 1); for (;;) pause(); }\n";

/* Start it, compiled with these flags; its pid. */
static pid_t program_start(const char *flags)
{
	char command[256], path[128], ready;
	int ends[2];
	FILE *cc;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/python", folder);
	(void)snprintf(command, sizeof(command), "gcc %s -w -x c -o %s -", flags, path);
	cc = popen(command, "w");
	ck_assert_ptr_nonnull(cc);
	(void)fprintf(cc, "%s\n%s", vendor_text, program_text);
	ck_assert_int_eq(pclose(cc), 0);
	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)execl(path, path, (char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	ck_assert_int_eq(read(ends[0], &ready, 1), 1);
	(void)close(ends[0]);
	return pid;
}

static void program_end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

START_TEST(a_vendors_process)
{
	pid_t pid = program_start("-g");
	int error;
	struct ps_prochandle *P = Pgrab(pid, PGRAB_RDONLY, &error);
	struct py_process *py = NULL;
	struct fault f = { 0 };
	py_threads threads = VEC_EMPTY;
	struct py_stack stack;
	const struct py_code *code;

	ck_assert_ptr_nonnull(P);
	ck_assert_msg(py_process_create(P, &py, &f) == RES_OK, "%s", f.text);
	ck_assert_uint_eq(py_version(py, 0) >> 16, 0x0309);
	ck_assert_ptr_null(py_layout_mismatch(py, 0));
	ck_assert_int_eq(py_threads_read(py, &threads, &f), RES_OK);
	ck_assert_uint_eq(threads.n, 1);
	ck_assert_int_eq(py_stack_read(py, &threads.at[0], &stack, &f), RES_OK);
	py_stack_finish(py, &stack);
	ck_assert_msg(!stack.broken, "%s", stack.why);
	ck_assert_uint_eq(stack.frames.n, 1);
	ck_assert(!stack.frames.at[0].bad);
	ck_assert_int_eq(stack.frames.at[0].line, 41);
	code = py_code_get(py, &stack.frames.at[0]);
	ck_assert_ptr_nonnull(code);
	ck_assert_str_eq(code->file, "vendor.py");
	ck_assert_str_eq(code->name, "patched");
	py_stack_free(&stack);
	vec_free(&threads);
	py_process_destroy(py);
	Prelease(P, 0);
	program_end(pid);
}
END_TEST

/* The same without debug information: only that something is wrong can be detected. */
START_TEST(a_vendors_secret)
{
	pid_t pid = program_start("-g0");
	int error;
	struct ps_prochandle *P = Pgrab(pid, PGRAB_RDONLY, &error);
	struct py_process *py = NULL;
	struct fault f = { 0 };
	enum res res;

	ck_assert_ptr_nonnull(P);
	res = py_process_create(P, &py, &f);
	ck_assert(res == RES_FAIL || (res == RES_OK && py_layout_mismatch(py, 0) != NULL));
	py_process_destroy(py);
	Prelease(P, 0);
	program_end(pid);
}
END_TEST

/* The separate debug file by build-id below a root, or NULL. */
static struct elf_image *debug_of(struct elf_image *img, const char *root)
{
	char path[512];
	struct span id;
	int at;

	if (elf_image_build_id(img, &id) != RES_OK || span_left(&id) < 2)
		return NULL;
	at = snprintf(path, sizeof(path), "%s/usr/lib/debug/.build-id/%02x/", root, id.at[0]);
	for (const uint8_t *byte = id.at + 1; byte < id.end && at < (int)sizeof(path) - 16; byte++)
		at += snprintf(path + at, sizeof(path) - (size_t)at, "%02x", *byte);
	(void)snprintf(path + at, sizeof(path) - (size_t)at, ".debug");
	return open_path(path);
}

/* One binary against the table. False: it has no debug information. */
static bool compare(const char *path, const char *root, uint32_t version)
{
	struct elf_image *img = open_path(path), *debug;
	struct py_layout row, refs, l;
	struct fault f = { 0 };
	uint64_t hints[4];
	size_t n;
	enum res res;

	if (img == NULL)
		return false;
	n = hints_of(img, hints);
	debug = elf_image_section(img, ".debug_info", NULL, NULL) == RES_OK ? NULL : debug_of(img, root);
	memset(&row, 0, sizeof(row));
	memset(&l, 0, sizeof(l));
	ck_assert_int_eq(py_layout_of_version(version, 8, &row), RES_OK);
	/* A program that is only a front of its library has nothing to show. */
	res = n == 0 ? RES_NONE
		     : py_layout_of_debug(
			   debug == NULL ? img : debug, (struct dwarf_hints){ hints, n }, &row, &l, &f);
	elf_image_close(debug);
	elf_image_close(img);
	ck_assert_msg(res != RES_FAIL, "%s: %s", path, f.text);
	if (res != RES_OK)
		return false;
	row.source = l.source;
	memset(&row.more, 0, sizeof(row.more)); /* is not asked of debug information */
	refs = row;
	py_layout_add_refs(&refs);
	ck_assert_msg(memcmp(&l, &row, sizeof(l)) == 0 || memcmp(&l, &refs, sizeof(l)) == 0,
	    "%s: debug information and table differ", path);
	(void)fprintf(stderr, "compared: %s\n", path);
	return true;
}

START_TEST(the_table_is_right)
{
	struct interpreter found[64];
	size_t n = roots_find(found, 64, 0), compared = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t version = PY_HEX((unsigned)found[i].major, (unsigned)found[i].minor);
		char path[1024], *slash;

		if (version >= PY_HEX(3, 13))
			continue;
		(void)snprintf(path, sizeof(path), "%s%s", found[i].root, found[i].path);
		if (compare(path, found[i].root, version)) {
			compared++;
			continue;
		}
		/* bin/pythonX.Y → lib/libpythonX.Y[m].so.1.0 */
		slash = strrchr(path, '/');
		for (int m = 0; slash != NULL && m < 2; m++) {
			(void)snprintf(slash, sizeof(path) - (size_t)(slash - path),
			    "/../lib/libpython%d.%d%s.so.1.0", found[i].major, found[i].minor,
			    m == 0 ? "" : "m");
			compared += compare(path, found[i].root, version);
		}
	}
	if (compared == 0)
		(void)puts("SKIP: no interpreter below 3.13 with debug information");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("python/layout by debug information");
	TCase *tcase = tcase_create("layout");
	char command[128];
	int status;

	if (!dwarf_can_read()) {
		(void)puts("SKIP: built without libdwarf");
	} else {
		tcase_add_test(tcase, a_vendors_members);
		tcase_add_test(tcase, refused);
		tcase_add_test(tcase, nothing_of_python_in_it);
		tcase_add_test(tcase, a_vendors_process);
		tcase_add_test(tcase, a_vendors_secret);
		tcase_add_test(tcase, the_table_is_right);
	}
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	if (mkdtemp(folder) == NULL)
		return 2;
	status = run_made_suite(suite);
	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	(void)!system(command);
	return status;
}
