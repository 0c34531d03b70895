/* Messages for G_ codes, and process names made safe for a terminal. */
#include <libproc.h>
#include <stdio.h>

const char *Pgrab_error(int code)
{
	/* The messages of illumos's libproc, so that scripts that expect them work. */
	static const char *const texts[] = {
		[G_NOPROC] = "no such process",
		[G_NOCORE] = "no such core file",
		[G_NOPROCORCORE] = "no such process or core file",
		[G_NOEXEC] = "cannot find executable file",
		[G_ZOMB] = "zombie process",
		[G_PERM] = "permission denied",
		[G_BUSY] = "process is traced",
		[G_SYS] = "system process",
		[G_SELF] = "attempt to grab self",
		[G_INTR] = "operation interrupted",
		[G_LP64] = "program is _LP64, self is not",
		[G_FORMAT] = "file is not an ELF core file",
		[G_ELF] = "libelf error",
		[G_NOTE] = "core file is corrupt or missing required data",
		[G_ISAINVAL] = "wrong ELF machine type",
		[G_BADLWPS] = "bad lwp specification",
		[G_NOFD] = "too many open files",
	};

	if (code == G_STRANGE)
		return "unanticipated system error";
	if (code <= 0 || (size_t)code >= sizeof(texts) / sizeof(texts[0]))
		return "unknown error";
	return texts[code];
}

/* Replace unprintable bytes by spaces, and those above ASCII too: a name truncated at a fixed
 * length may end inside a character, and the two-byte controls of UTF-8 are as harmful as the
 * one-byte ones. */
static void blank_unprintable(char *text, size_t n)
{
	for (size_t i = 0; i < n && text[i] != '\0'; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = ' ';
	text[n - 1] = '\0';
}

int proc_initstdio(void)
{
	return 0;
}

int proc_flushstdio(void)
{
	return fflush(stdout) == 0 && fflush(stderr) == 0 ? 0 : -1;
}

int proc_finistdio(void)
{
	return proc_flushstdio();
}

rd_agent_t *Prd_agent(struct ps_prochandle *P)
{
	return (rd_agent_t *)P;
}

void proc_unctrl_psinfo(psinfo_t *psinfo)
{
	blank_unprintable(psinfo->pr_fname, sizeof(psinfo->pr_fname));
	blank_unprintable(psinfo->pr_psargs, sizeof(psinfo->pr_psargs));
	blank_unprintable(psinfo->pr_lwp.pr_fname, sizeof(psinfo->pr_lwp.pr_fname));
}
