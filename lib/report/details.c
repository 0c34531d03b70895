/* See details.h. */
#include "report/details.h"

#include <string.h>
#include <sys/auxv.h>

#include "os/arguments.h"
#include "os/images.h"

/* The build-id of the file mapped at va. */
static void id_at(struct ps_prochandle *P, uint64_t va, struct details_id *out)
{
	struct elf_image *img;
	struct span id;
	uint64_t bias;

	if (os_object_image(P, va, &img, &bias) != RES_OK || elf_image_build_id(img, &id) != RES_OK ||
	    span_left(&id) > sizeof(out->bytes))
		return;
	out->n = span_left(&id);
	memcpy(out->bytes, id.at, out->n);
}

static enum res collect_pythons(
    struct ps_prochandle *P, const struct stack_target *t, struct record_details *out, struct fault *f)
{
	const struct py_process *py = stack_python_process(t);

	for (size_t i = 0; py != NULL && i < py_runtimes(py); i++) {
		struct details_python one = { .version = py_version(py, i),
			.file = py_runtime_file(py, i),
			.address = py_runtime_address(py, i),
			.found = py_found_by(py, i),
			.free_threaded = py_free_threaded(py, i) };

		id_at(P, one.address, &one.id);
		if (!vec_push(&out->pythons, one))
			return fault_memory(f);
	}
	return RES_OK;
}

enum res details_collect(struct ps_prochandle *P, const struct stack_target *t,
    const struct record_process *process, struct record_details *out, struct fault *f)
{
	const psinfo_t *info = Ppsinfo(P);
	long phdr = Pgetauxval(P, AT_PHDR);

	memset(out, 0, sizeof(*out));
	out->process = *process;
	out->psargs = "";
	if (info != NULL) {
		out->has_uid = true;
		out->uid = info->pr_uid;
		out->psargs = info->pr_psargs;
	}
	if (os_arguments(P, &out->args) != RES_OK && out->args.failed)
		return fault_memory(f);
	out->executable = Pexecname(P, out->path, sizeof(out->path));
	if (phdr > 0)
		id_at(P, (uint64_t)phdr, &out->id);
	return collect_pythons(P, t, out, f);
}

void details_free(struct record_details *d)
{
	strbuf_free(&d->args);
	vec_free(&d->pythons);
}
