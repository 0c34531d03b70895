# Completion of pystack's options and operands (process IDs and files) for bash.

# Probes that begin with $1. Where bash takes a colon for the end of a word, what is offered begins
# after the last one.
_pystack_probe()
{
	case $1 in
	syscall:*:* | tracepoint:*)
		mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" --list="$1*" 2>/dev/null)
		;;
	syscall:*)
		mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" --list="$1*" 2>/dev/null | grep -v ':return$')
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W 'syscall: tracepoint: profile:97 profile:997 off-cpu
			uprobe: uretprobe: usdt: python:gc-start python:gc-done python:function-entry' -- "$1")
		[[ ${COMPREPLY[*]} == *: ]] && compopt -o nospace
		;;
	esac
	[[ $1 != *:* || $1 == "${COMP_WORDS[COMP_CWORD]}" ]] || COMPREPLY=("${COMPREPLY[@]#"${1%:*}:"}")
}

_pystack()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local probe=$word i=$COMP_CWORD k

	COMPREPLY=()
	for ((k = 1; k < COMP_CWORD; k++)); do
		if [[ ${COMP_WORDS[k]} == -- && " ${COMP_WORDS[*]:1:k} " == *' --at '* ]]; then
			if ((k + 1 == COMP_CWORD)); then
				mapfile -t COMPREPLY < <(compgen -c -- "$word")
			else
				compopt -o filenames
				mapfile -t COMPREPLY < <(compgen -f -- "$word")
			fi
			return
		fi
	done
	while ((i > 1)) && [[ ${COMP_WORDS[i]} == : || ${COMP_WORDS[i - 1]} == : ]]; do
		probe=${COMP_WORDS[--i]}$probe
	done
	if [[ ${COMP_WORDS[i - 1]} == --at ]]; then
		_pystack_probe "$probe"
		return
	fi
	case $before in
	-m | --mode)
		mapfile -t COMPREPLY < <(compgen -W 'auto cfi libunwind fp' -- "$word")
		return
		;;
	-o | --output)
		mapfile -t COMPREPLY < <(compgen -W 'count folded json text' -- "$word")
		return
		;;
	--color)
		mapfile -t COMPREPLY < <(compgen -W 'always auto never' -- "$word")
		return
		;;
	-e | --exec)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-L | --library-path | --sysroot)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	--coredump)
		mapfile -t COMPREPLY < <(compgen -W 'last' -- "$word")
		return
		;;
	-d | --duration | --every | --sum | --buffer | --exe | -i | --interval | --max-hold | --memory | --min | -n | --frames | -N | --samples | -t | --timeout | --top | --when)
		return
		;;
	esac
	case $word in
	-*)
		mapfile -t COMPREPLY < <(compgen -W '-a --all --at --buffer -c --children --color --coredump --count --debuginfod -d --duration -e --every --exec --exe -F --force -g --native-source --idle -i --interval
			-L --library-path -l --list --locals --max-hold --memory --min -m --mode -n --frames -N --samples --no-bpf --no-demangle --no-stop -o --output -p --python -r --source --stop --sum --sysroot --tasks --when
			-t --timeout --top -v --verbose --help --version' -- "$word")
		;;
	*)
		compopt -o filenames
		mapfile -t COMPREPLY < <(
			compgen -W "$(cd /proc && echo [0-9]*)" -- "$word"
			compgen -f -- "$word"
		)
		;;
	esac
}
complete -F _pystack pystack
