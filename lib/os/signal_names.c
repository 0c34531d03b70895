/* Signals of illumos: numbers of <sys/iso/signal_iso.h>, names of sig2str(3C). */
#include "os/signals.h"

const char *signal_of_illumos(int signo)
{
	static const char names[][8] = { "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "EMT", "FPE",
		"KILL", "BUS", "SEGV", "SYS", "PIPE", "ALRM", "TERM", "USR1", "USR2", "CLD", "PWR", "WINCH",
		"URG", "POLL", "STOP", "TSTP", "CONT", "TTIN", "TTOU", "VTALRM", "PROF", "XCPU", "XFSZ",
		"WAITING", "LWP", "FREEZE", "THAW", "CANCEL", "LOST", "XRES", "JVM1", "JVM2", "INFO" };

	if (signo <= 0 || (size_t)signo >= sizeof(names) / sizeof(names[0]))
		return NULL;
	return names[signo];
}
