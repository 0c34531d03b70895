/* Which options go together. */
#include "options_agree.h"

#include <stddef.h>

struct rule {
	bool broken;
	const char *why;
};

static const char *first_broken(const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (rules[i].broken)
			return rules[i].why;
	}
	return NULL;
}

#define FIRST_BROKEN(rules) first_broken(rules, sizeof(rules) / sizeof((rules)[0]))

static const char *at_conflict(const struct options *o, int operands)
{
	bool open_ended = o->exe != NULL || o->all;
	const struct rule rules[] = {
		{ operands == 0 && !open_ended, "--at needs a process id, --exe, --all or -- COMMAND" },
		{ operands > 0 && open_ended, "--exe and --all take no operands" },
		{ o->policy != STOP_RUNNING || o->max_hold_ns != 0,
		    "--stop, --no-stop and --max-hold do not go with --at, which stops nothing" },
		{ o->interval_ns != 0, "-i does not go with --at" },
		{ o->locals != 0, "-l does not go with --at, which does not copy the values of variables" },
		{ o->exec != NULL || o->sysroot != NULL,
		    "-e and --sysroot are for core files, not for --at" },
		{ o->dirs[0] != NULL || o->debuginfod, "-L and --debuginfod do not go with --at" },
		{ o->tasks, "-a does not go with --at" },
		{ o->memory != 0, "--memory does not go with --at, which has --buffer" },
		{ o->idle || o->no_bpf, "--idle and --no-bpf need -i" },
		{ o->every_ns != 0 && o->output == COUNTS_FOLDED, "--every does not go with -o folded" },
		{ o->top != 0 && !o->counting, "-t needs -c" },
	};

	return FIRST_BROKEN(rules);
}

/* Options that sampling or --at has a use for, without either of them. */
static const char *dump_conflict(const struct options *o, int operands)
{
	bool found = o->exe != NULL || o->all;
	const struct rule rules[] = {
		{ o->duration_ns != 0, "-d needs -i or --at" },
		{ o->samples != 0, "-N needs -i or --at" },
		{ o->idle || o->no_bpf, "--idle and --no-bpf need -i" },
		{ o->top != 0 && !o->counting, "-t needs -c or -i" },
		{ found && operands > 0, "--exe and --all take no operands" },
		{ found && (o->exec != NULL || o->sysroot != NULL),
		    "-e and --sysroot are for core files, not for --exe and --all" },
		{ found && o->children, "-r needs process ids, not --exe or --all" },
		{ o->source && !found && operands == 0 && o->counting && o->coredump == NULL,
		    "--source needs a process or core file" },
		{ !found && operands == 0 && o->children, "-r needs process ids" },
		{ !found && operands == 0 && !o->counting && o->coredump == NULL, "" },
	};

	return FIRST_BROKEN(rules);
}

const char *options_conflict(const struct options *o, int operands)
{
	bool at = o->at[0] != NULL;
	const struct rule rules[] = {
		{ o->policy == STOP_ALL && o->max_hold_ns < 0, "--stop does not go with --max-hold 0" },
		{ o->exec != NULL && o->sysroot != NULL, "-e and --sysroot exclude each other" },
		{ o->exe != NULL && o->all, "--exe and --all exclude each other" },
		{ o->list != NULL && (at || o->counting || o->output != COUNTS_TEXT),
		    "--list does not go with --at, nor with options of counts or output" },
		{ o->coredump != NULL && (operands > 0 || o->exe != NULL || o->all || o->children),
		    "--coredump takes no operands, nor --exe, --all or -r" },
		{ o->coredump != NULL && (at || o->interval_ns != 0),
		    "--coredump is for cores, not for --at or -i" },
		{ !at && o->min_ns != 0, "--min needs --at" },
		{ !at && o->when != NULL, "--when needs --at" },
		{ !at && o->every_ns != 0, "--every needs --at" },
		{ !at && o->sum != NULL, "--sum needs --at" },
		{ !at && o->buffer != 0, "--buffer needs --at" },
		{ o->tasks && o->interval_ns != 0, "-a does not go with -i" },
		{ o->tasks && !at && operands == 0 && !o->all && o->exe == NULL && o->coredump == NULL,
		    "-a needs a process or core file" },
		{ !at && o->locals != 0 && o->interval_ns != 0,
		    "-l does not go with -i, which counts stacks that are the same" },
		{ !at && o->locals != 0 && o->counting,
		    "-l does not go with -c, -o count and -o folded, which count stacks that are the same" },
		{ o->source && o->output == COUNTS_FOLDED,
		    "--source does not go with -o folded, which has no room for source lines" },
		{ !at && o->interval_ns != 0 && (operands != 1 || o->children || o->all || o->exe != NULL),
		    "-i samples one process, whose id is needed" },
	};
	const char *why = FIRST_BROKEN(rules);

	if (why != NULL || o->list != NULL)
		return why;
	if (at)
		return at_conflict(o, operands);
	return o->interval_ns != 0 ? NULL : dump_conflict(o, operands);
}
