/* See fetch.h. The functions are those of elfutils' debuginfod.h, which need not be installed. */
#include "proc/fetch.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LIBRARY "libdebuginfod.so.1"

typedef struct debuginfod_client client;
typedef int progress_fn(client *c, long a, long b);
typedef int find_fn(client *c, const unsigned char *id, int n, char **path);

struct fetch {
	client *client;
	void (*end)(client *c);
	find_fn *find_executable, *find_debuginfo;
	fetch_progress_fn *progress;
	void *data;
	int64_t began; /* of the current file, clock_now_ms() */
	int64_t spent; /* milliseconds, on those before */
	int error;     /* why nothing is fetched any more; 0: it is */
};

struct functions {
	client *(*begin)(void);
	void (*set_data)(client *c, void *data);
	void *(*get_data)(client *c);
	void (*set_progress)(client *c, progress_fn *fn);
};

/* Only the library knows the pointers' types. */
static bool find_function(void *lib, const char *name, void *slot)
{
	void *found = dlsym(lib, name);

	memcpy(slot, &found, sizeof(found));
	return found != NULL;
}

static bool look_up_all(void *lib, struct functions *x, struct fetch *f)
{
	return find_function(lib, "debuginfod_begin", &x->begin) &&
	       find_function(lib, "debuginfod_end", &f->end) &&
	       find_function(lib, "debuginfod_find_executable", &f->find_executable) &&
	       find_function(lib, "debuginfod_find_debuginfo", &f->find_debuginfo) &&
	       find_function(lib, "debuginfod_set_user_data", &x->set_data) &&
	       find_function(lib, "debuginfod_get_user_data", &x->get_data) &&
	       find_function(lib, "debuginfod_set_progressfn", &x->set_progress);
}

/* Not 0: give up. */
static int see_progress(client *c, long done, long all)
{
	void *(*get_data)(client * c);
	struct fetch *f;

	if (!find_function(RTLD_DEFAULT, "debuginfod_get_user_data", &get_data))
		return 1;
	f = get_data(c);
	f->progress(f->data, false, done > 0 ? (uint64_t)done : 0, all > 0 ? (uint64_t)all : 0);
	if (f->spent + (clock_now_ms() - f->began) <= FETCH_MS)
		return 0;
	f->error = ETIME;
	return 1;
}

enum res fetch_create(fetch_progress_fn *progress, void *data, struct fetch **out, struct fault *why)
{
	struct fetch *f;
	struct functions x;
	void *lib;

	/* Never closed. Global, so that see_progress finds it. */
	lib = dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL);
	if (lib == NULL)
		return fault_set(why, 0, 0, 0, "%s (Debian: libdebuginfod1)", dlerror());
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return fault_memory(why);
	f->progress = progress;
	f->data = data;
	f->client = look_up_all(lib, &x, f) ? x.begin() : NULL;
	if (f->client == NULL) {
		free(f);
		return fault_set(why, 0, 0, 0, LIBRARY " cannot be used");
	}
	x.set_data(f->client, f);
	x.set_progress(f->client, see_progress);
	*out = f;
	return RES_OK;
}

void fetch_destroy(struct fetch *f)
{
	if (f == NULL)
		return;
	f->end(f->client);
	free(f);
}

int fetch_file(struct fetch *f, const struct notice_id *id, bool debug)
{
	find_fn *find = debug ? f->find_debuginfo : f->find_executable;
	int fd;

	if (f->error != 0 || id->n == 0)
		return -1;
	f->began = clock_now_ms();
	fd = find(f->client, id->bytes, (int)id->n, NULL);
	f->spent += clock_now_ms() - f->began;
	f->progress(f->data, true, 0, 0);
	if (fd >= 0)
		return fd;
	/* Another error than that no server has it would come again and again. */
	if (fd != -ENOENT && f->error == 0)
		f->error = -fd;
	return -1;
}

bool fetch_stopped(const struct fetch *f, int *error)
{
	*error = f->error;
	return f->error != 0;
}
