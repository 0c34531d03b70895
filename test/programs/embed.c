/* A program that embeds Python by dlopen, in shapes that need no `python`:
 *
 *      embed SHAPE TRUTH LIBRARY [LIBRARY]
 *
 *   two         a thread in each of two libraries, both initialised
 *   beside      a thread in the first; the second is loaded and not initialised
 *   across      the main thread in the first, whose frame calls into the second
 *   nested      a second interpreter above the first on the main thread, one more on another thread
 *   attached    a thread that is attached and runs no Python
 *   starting    Py_Initialize in progress, in the sitecustomize that it imports
 *   before      loaded, not initialised       after     initialised and finalised again
 *   finalizing  Py_Finalize in progress, in the __del__ of an object of a module
 *   ending      the same, in a function of Py_AtExit: no interpreter is left
 *
 * The scripts write the truth about their own frames (format: truth.py); this program adds the
 * threads. */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PYTHONS = 2, THREADS = 2, PARTS = 2, LINES = 4096 };

struct method { /* PyMethodDef, in every version */
	const char *name;
	void *(*function)(void *, void *);
	int flags;
	const char *doc;
};

static struct python {
	void *library;
	void *(*save)(void);
	int (*ensure)(void);
	int (*run)(const char *);
	void (*initialize)(int);
	void (*finalize)(void);
	void *(*new_interpreter)(void);
	void *(*swap)(void *);
	int (*at_exit)(void (*)(void));
	void *(*add_module)(const char *);
	void *(*function)(struct method *, void *, void *);
	int (*set)(void *, const char *, void *);
	void *(*none)(const char *, ...);
} pythons[PYTHONS];

struct thread {
	struct python *py;
	const char *interps;
	void *(*body)(struct thread *);
	int out[2]; /* its scripts' reports of their frames, */
	int parts;  /* in this number of parts, the oldest first */
	long tid;
	char text[PARTS][LINES];
};

static struct thread threads[THREADS];
static int n_threads, ready[2], made[2], never[2], byte_in, byte_out;
static const char *truth, *shape;

static const char told[] = "import os, sys\n"
			   "def told(out, later=0, os=os, sys=sys):\n"
			   "    f, lines = sys._getframe(1), []\n"
			   "    while f:\n"
			   "        c = f.f_code\n"
			   "        names = [c.co_name, getattr(c, 'co_qualname', c.co_name)]\n"
			   "        lines.append('. ' + '\\t'.join(['[ %%s:%%d (%%s) ]' %% (c.co_filename,\n"
			   "            f.f_lineno + later, n) for n in names]) + '\\n')\n"
			   "        f, later = f.f_back, 0\n"
			   "    said = ''.join(lines)\n"
			   "    os.write(out, said if bytes is str else said.encode())\n"
			   "    return %d\n";
static const char block[] = "def inner():\n"
			    "    os.read(told(%d), 1)\n"
			    "inner()\n";
static const char call[] = "def outer():\n"
			   "    told(%d, 1)\n"
			   "    nest()\n"
			   "outer()\n";
static const char delete[] = "class Late(object):\n"
			     "    def __del__(self):\n"
			     "        self.read(self.told(%d), 1)\n"
			     "Late.read, Late.told = os.read, staticmethod(told)\n"
			     "late = Late()\n";

static void die(const char *why)
{
	(void)fprintf(stderr, "embed: %s\n", why);
	_exit(3);
}

static void *name(struct python *py, const char *symbol)
{
	void *p = dlsym(py->library, symbol);

	if (p == NULL)
		die(symbol);
	return p;
}

static void load(struct python *py, const char *path)
{
	py->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (py->library == NULL)
		die(dlerror());
	py->save = name(py, "PyEval_SaveThread");
	py->ensure = name(py, "PyGILState_Ensure");
	py->run = name(py, "PyRun_SimpleString");
	py->initialize = name(py, "Py_InitializeEx");
	py->finalize = name(py, "Py_Finalize");
	py->new_interpreter = name(py, "Py_NewInterpreter");
	py->swap = name(py, "PyThreadState_Swap");
	py->at_exit = name(py, "Py_AtExit");
	py->add_module = name(py, "PyImport_AddModule");
	py->function = name(py, "PyCFunction_NewEx");
	py->set = name(py, "PyObject_SetAttrString");
	py->none = name(py, "Py_BuildValue");
}

static void initialize(struct python *py)
{
	void (*threads_too)(void) = dlsym(py->library, "PyEval_InitThreads");

	py->initialize(0);
	if (threads_too != NULL)
		threads_too();
}

static void compose(char text[LINES], const char *script, int out)
{
	int n = snprintf(text, LINES, told, never[0]);

	(void)snprintf(text + n, (size_t)(LINES - n), script, out);
}

static void run(struct python *py, const char *script, int out)
{
	char text[LINES];

	compose(text, script, out);
	if (py->run(text) != 0)
		die("a script failed");
}

static struct thread *add(struct python *py, const char *interps, void *(*body)(struct thread *))
{
	struct thread *t = &threads[n_threads++];

	*t = (struct thread){ .py = py, .interps = interps, .body = body, .parts = 1, .tid = getpid() };
	if (pipe2(t->out, O_DIRECT) != 0) /* each write is read separately */
		die("pipe");
	return t;
}

static void *begin(void *data)
{
	struct thread *t = data;

	t->tid = syscall(SYS_gettid);
	return t->body(t);
}

static void start(struct thread *t)
{
	pthread_t id;

	if (pthread_create(&id, NULL, begin, t) != 0)
		die("no thread");
}

static void *body_block(struct thread *t)
{
	(void)t->py->ensure();
	run(t->py, block, t->out[1]);
	return NULL;
}

static void *body_attached(struct thread *t)
{
	char byte;

	(void)t->py->ensure();
	(void)t->py->save();
	(void)write(t->out[1], "\n", 1);
	(void)read(never[0], &byte, 1);
	return NULL;
}

static void *body_sub(struct thread *t)
{
	(void)t->py->ensure();
	(void)t->py->new_interpreter();
	(void)write(made[1], "!", 1);
	run(t->py, block, t->out[1]);
	return NULL;
}

/* Called by a script in the first library. */
static void *nest(void *self, void *arg)
{
	(void)self;
	(void)arg;
	if (strcmp(shape, "across") == 0) {
		initialize(&pythons[1]);
		run(&pythons[1], block, threads[0].out[1]);
	} else {
		(void)pythons[0].new_interpreter();
		run(&pythons[0], block, threads[0].out[1]);
	}
	return NULL;
}

static void body_main(struct thread *t)
{
	static struct method method = { "nest", nest, 4 /* METH_NOARGS */, NULL };

	(void)t->py->set(t->py->add_module("__main__"), "nest", t->py->function(&method, NULL, NULL));
	run(t->py, call, t->out[1]);
}

static void hang(void)
{
	char byte;

	(void)write(threads[0].out[1], "\n", 1);
	(void)read(never[0], &byte, 1);
}

static void listen(struct thread *t)
{
	for (int i = 0; i < t->parts; i++) {
		ssize_t n = read(t->out[0], t->text[i], LINES - 1);

		if (n <= 0)
			die("nothing was said");
		t->text[i][t->text[i][0] == '\n' ? 0 : n] = 0;
	}
}

static void write_thread(FILE *f, long tid)
{
	char path[64], comm[64];
	FILE *c;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%ld/comm", tid);
	c = fopen(path, "r");
	if (c == NULL || fgets(comm, sizeof(comm), c) == NULL)
		die("no name");
	(void)fclose(c);
	(void)fprintf(f, "thread %ld %s", tid, comm);
	for (int k = 0; k < n_threads; k++) {
		if (threads[k].tid != tid)
			continue;
		if (threads[k].interps != NULL)
			(void)fprintf(f, "interp %s\n", threads[k].interps);
		for (int i = threads[k].parts; i > 0; i--)
			(void)fputs(threads[k].text[i - 1], f);
	}
}

static void write_truth(void)
{
	struct dirent **names;
	int n = scandir("/proc/self/task", &names, NULL, alphasort);
	FILE *f = fopen(truth, "w");

	for (int k = 0; k < n_threads; k++)
		listen(&threads[k]);
	for (int i = 0; i < n && f != NULL; i++) {
		if (names[i]->d_name[0] != '.')
			write_thread(f, atol(names[i]->d_name));
	}
	if (f == NULL || fclose(f) != 0)
		die("no truth");
	(void)write(byte_out, "!", 1);
}

/* Reports when it is time, and answers. */
static void *watch(void *data)
{
	char byte;

	(void)data;
	if (read(ready[0], &byte, 1) != 1)
		return NULL;
	write_truth();
	while (read(byte_in, &byte, 1) == 1)
		(void)write(byte_out, &byte, 1);
	_exit(0);
}

static const char *version_of(const struct python *py, const char *id)
{
	const char *(*version)(void) = dlsym(py->library, "Py_GetVersion");
	char *out = malloc(32);

	(void)snprintf(out, 32, "%.*s:%s", (int)strcspn(strchr(version(), '.') + 1, ".") + 2, version(), id);
	return out;
}

static const char *both(const char *a, const char *b)
{
	char *out = malloc(64);

	(void)snprintf(out, 64, "%s,%s", a, b);
	return out;
}

static void be_ready(void)
{
	(void)write(ready[1], "!", 1);
}

static bool is(const char *word)
{
	return strcmp(shape, word) == 0;
}

/* One further thread, or none, and the main thread without Python. */
static void shape_threads(struct python *py)
{
	initialize(py);
	(void)py->save();
	if (!is("two")) {
		start(add(py, NULL, is("beside") ? body_block : body_attached));
		return;
	}
	initialize(&py[1]);
	(void)py[1].save();
	for (int i = 0; i < PYTHONS; i++)
		start(add(&py[i], version_of(&py[i], "0"), body_block));
}

/* Two interpreters on the main thread. */
static void shape_nested(struct python *py)
{
	struct thread *t =
	    add(py, is("nested") ? "2,0" : both(version_of(&py[1], "0"), version_of(py, "0")), NULL);
	char byte;

	t->parts = 2;
	initialize(py);
	if (is("nested")) {
		(void)py->save();
		start(add(py, "1", body_sub));
		(void)read(made[0], &byte, 1);
		(void)py->ensure();
	}
	be_ready();
	body_main(t);
}

/* In the directory of the truth. */
static void shape_starting(struct python *py)
{
	char text[LINES], path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%.*s", (int)(strrchr(truth, '/') - truth), truth);
	(void)setenv("PYTHONPATH", path, 1);
	(void)strncat(path, "/sitecustomize.py", sizeof(path) - strlen(path) - 1);
	compose(text, block, add(py, NULL, NULL)->out[1]);
	f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		die("no sitecustomize");
	be_ready();
	initialize(py);
}

static void shape_end(struct python *py)
{
	initialize(py);
	if (!is("after"))
		(void)add(py, NULL, NULL);
	if (is("ending"))
		(void)py->at_exit(hang);
	if (!is("after"))
		be_ready();
	if (is("finalizing"))
		run(py, delete, threads[0].out[1]);
	py->finalize();
}

int main(int argc, char **argv)
{
	const char *fds = getenv("PYSTACK_TEST_FDS");
	pthread_t id;

	if (argc < 4 || argc - 3 > PYTHONS || fds == NULL || sscanf(fds, "%d,%d", &byte_in, &byte_out) != 2 ||
	    pipe(ready) != 0 || pipe(made) != 0 || pipe(never) != 0)
		die("usage");
	shape = argv[1];
	truth = argv[2];
	for (int i = 0; i < argc - 3; i++)
		load(&pythons[i], argv[3 + i]);
	if (pthread_create(&id, NULL, watch, NULL) != 0)
		die("no thread");
	if (is("two") || is("beside") || is("attached"))
		shape_threads(pythons);
	else if (is("across") || is("nested"))
		shape_nested(pythons);
	else if (is("after") || is("finalizing") || is("ending"))
		shape_end(pythons);
	else if (is("starting"))
		shape_starting(pythons);
	else if (!is("before"))
		die("no such shape");
	be_ready();
	for (;;)
		(void)pause();
}
