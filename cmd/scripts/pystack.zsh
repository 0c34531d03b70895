#compdef pystack
# Completion of pystack's options and operands (process IDs and files) for zsh.

_pystack_probes() {
	local -a names
	case $PREFIX in
	syscall:* | tracepoint:*)
		names=(${(f)"$(_call_program probes pystack --list=${(q)PREFIX}'\*' 2>/dev/null)"})
		_wanted probes expl probe compadd -a - names
		;;
	*)
		names=(syscall: tracepoint: uprobe: uretprobe: usdt:)
		_wanted probes expl probe compadd -S '' -a - names
		names=(profile:97 profile:997 off-cpu python:gc-start python:gc-done python:function-entry)
		_wanted probes expl probe compadd -a - names
		;;
	esac
}

_pystack_targets() {
	_alternative 'pids:process ID:_pids' 'files:core file:_files'
}

_pystack_operands() {
	if (( ${words[(I)--at]} && ${words[(I)--]} )); then
		_normal
	else
		_pystack_targets
	fi
}

_arguments -s -S \
	'(-a --tasks)'{-a,--tasks}'[tasks of asyncio and Trio, and greenlets, too]' \
	'--all[every Python that one may look at]' \
	'*--at=[print the stack at each event of a probe]:probe:_pystack_probes' \
	'--buffer=[bytes between the kernel and pystack]:size' \
	'(-c --count)'{-c,--count}'[each distinct stack once, with its count]' \
	'--color=[colours]:when:(auto always never)' \
	'--coredump=[a core that systemd-coredump has stored]:which:(last)' \
	'--debuginfod[fetch missing files from debuginfod servers]' \
	'(-d --duration)'{-d,--duration=}'[stop after this time]:time' \
	'(-e --exec)'{-e,--exec=}'[executable for the core files]:file:_files' \
	'--every=[print the counts of each interval]:time' \
	'--exe=[every process of an executable]:name' \
	'(-F --force)'{-F,--force}'[accept a core file that lacks stacks or data]' \
	'(-g --native-source)'{-g,--native-source}'[source lines of native frames, and inlined functions]' \
	'--idle[include waiting threads]' \
	'(-i --interval)'{-i,--interval=}'[sample a process at this interval]:time' \
	'(-L --library-path)'{-L,--library-path=}'[directories with missing files]:directories:_dir_list' \
	'*'{-l,--locals}'[values of arguments and local variables]' \
	'--list=-[print the names of probes]::pattern:_pystack_probes' \
	'--max-hold=[how long a stop may last]:time' \
	'--memory=[take this much memory at most]:size' \
	'--min=[leave out shorter times]:time' \
	'(-m --mode)'{-m,--mode=}'[unwinder]:mode:(auto cfi libunwind fp)' \
	'(-n --frames)'{-n,--frames=}'[native frames per thread at most]:number' \
	'(-N --samples)'{-N,--samples=}'[stop after as many samples or events]:number' \
	'--no-bpf[sample from outside, even where the kernel could]' \
	'--no-demangle[names of C++ and Rust functions as the linker has them]' \
	'(--stop)--no-stop[never stop the target]' \
	'(-o --output)'{-o,--output=}'[format]:format:(count folded json text)' \
	'(-p --python)'{-p,--python}'[only the Python frames]' \
	'(-r --children)'{-r,--children}'[descendants as well]' \
	'--source[source lines of Python frames]' \
	'(--no-stop)--stop[stop all threads together, even blocked ones]' \
	'--sum=[count, and sum a value]:value:(retval duration)' \
	'--sysroot=[directory with the files named in the core]:directory:_files -/' \
	'--timeout=[take this time at most for each operand]:time' \
	'(-t --top)'{-t,--top=}'[only the most frequent stacks]:number' \
	'(-v --verbose)'{-v,--verbose}'[qualified function names, all messages about files]' \
	'--when=[only events for which an expression is true]:expression' \
	'(- *)--help[print the options]' \
	'(- *)--version[print version and build options]' \
	'*:target:_pystack_operands'
