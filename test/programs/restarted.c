/* Starts and ends Python again and again, and runs a function of another name each time.
 *
 *      restarted LIBRARY
 *
 * The functions are f100 to f149; each calls umask(2) a hundred times, when it has got the version
 * that CPython 3.11 gives to a function which is called often. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void *find(void *library, const char *name)
{
	void *at = dlsym(library, name);

	if (at == NULL)
		exit(2);
	return at;
}

int main(int argc, char **argv)
{
	void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
	void (*initialize)(int), (*finalize)(void);
	int (*run)(const char *);

	if (library == NULL)
		return 2;
	initialize = (void (*)(int))find(library, "Py_InitializeEx");
	finalize = (void (*)(void))find(library, "Py_Finalize");
	run = (int (*)(const char *))find(library, "PyRun_SimpleString");
	for (int i = 100; i < 150; i++) {
		char text[256];

		(void)snprintf(text, sizeof(text),
		    "import os\n"
		    "def f%d(call):\n"
		    "    if call:\n"
		    "        os.umask(18)\n"
		    "for i in range(150):\n"
		    "    f%d(i >= 50)\n",
		    i, i);
		initialize(0);
		if (run(text) != 0)
			return 1;
		finalize();
	}
	return 0;
}
