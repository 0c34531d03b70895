# Completion of pystack's options and operands (process IDs and files) for bash.
_pystack()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	case $before in
	-m | --mode)
		mapfile -t COMPREPLY < <(compgen -W 'auto cfi libunwind fp' -- "$word")
		return
		;;
	-o | --output)
		mapfile -t COMPREPLY < <(compgen -W 'count folded' -- "$word")
		return
		;;
	-e | --exec)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--sysroot)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	-d | --duration | -i | --interval | -n | --frames | -N | --samples | -t | --top)
		return
		;;
	esac
	case $word in
	-*)
		mapfile -t COMPREPLY < <(compgen -W '-c --count -d --duration -e --exec -F --force --idle -i --interval
			-m --mode -n --frames -N --samples --no-stop -o --output -p --python --stop --sysroot
			-t --top -v --verbose --help --version' -- "$word")
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
