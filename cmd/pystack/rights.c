/* See rights.h. */
#include "rights.h"

#include <ctype.h>
#include <string.h>

#include "core_spool.h"
#include "os/restrict.h"

/* May this operand be a process? */
static bool is_process(const char *operand)
{
	return isdigit((unsigned char)operand[0]) || strncmp(operand, "/proc/", 6) == 0;
}

static bool reads_files_only(const struct options *opt, int argc, char **argv)
{
	if (opt->at[0] != NULL || opt->list != NULL || opt->exe != NULL || opt->all || opt->children)
		return false;
	for (int i = opt->first; i < argc; i++) {
		if (is_process(argv[i]))
			return false;
	}
	return true;
}

void rights_drop(const struct options *opt, int argc, char **argv)
{
	const struct os_needs needs = {
		.probes = opt->at[0] != NULL || (opt->interval_ns != 0 && !opt->no_bpf),
		/* The C library loads the encodings of source files. */
		.libraries = opt->engine == UNWIND_ENGINE_LIBUNWIND || opt->debuginfod || opt->source,
		.network = opt->debuginfod,
		.command = opt->command,
		.files = reads_files_only(opt, argc, argv),
	};

	os_rights_drop(&needs);
	os_restrict(&needs, spool_dir());
}
