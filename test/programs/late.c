/* Has no Python at first.   late LIBRARY
 *
 * For each byte it calls rmdir(2) once from Python, by the libpython that it loads for the first
 * one, and answers with the byte. */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int (*run)(const char *text);

static void load(const char *library)
{
	void *python = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
	void (*initialize)(int signals);

	if (python == NULL)
		abort();
	initialize = (void (*)(int))dlsym(python, "Py_InitializeEx");
	run = (int (*)(const char *))dlsym(python, "PyRun_SimpleString");
	initialize(0);
	run("import os\n"
	    "def leaf():\n"
	    "    try:\n"
	    "        os.rmdir('absent-directory')\n"
	    "    except OSError:\n"
	    "        pass\n");
}

int main(int argc, char **argv)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) == 1) {
		if (run == NULL)
			load(argv[1]);
		run("leaf()\n");
		if (write(STDOUT_FILENO, &byte, 1) != 1)
			break;
	}
	return 0;
}
