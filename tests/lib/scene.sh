# A scene: a folder of its own, and the processes that play in it. Whatever
# happens, scene_end stops them by their process ids and removes the folder.
# Sourced by tests and by contrib/demo; sets $scene.

# EVERLEAF_SCENE begins its name, for who wants to find it again.
# The folder is short (Unix sockets have 107 bytes), on a disk, and below
# folders that only its owner can write: a hook elsewhere would be refused.
scene_begin() {
	local base
	base=/var/cache
	[ "$(id -u)" -eq 0 ] || base=${XDG_CACHE_HOME:-$HOME/.cache}
	mkdir -p "$base"
	scene=$(mktemp -d "$base/everleaf.${EVERLEAF_SCENE:-}XXXXXX") ||
		exit 99
	chmod 755 "$scene"
	mkdir "$scene/pids" "$scene/log" "$scene/ports"
	trap scene_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

scene_end() {
	scene_status=$?
	trap - EXIT
	for p in $(ls -t "$scene/pids"); do
		stop "$p" TERM 5 || stop "$p" KILL 5
	done
	[ -n "${scene_keeps:-}" ] || rm -rf "$scene"
	exit $scene_status
}

# --- processes ---------------------------------------------------------------
spawn() {	# spawn NAME COMMAND...: its output goes to $scene/log/NAME
	local name
	name=$1
	shift
	"$@" >>"$scene/log/$name" 2>&1 </dev/null &
	echo $! >"$scene/pids/$name"
}

pid_of() { cat "$scene/pids/$1" 2>/dev/null; }

# A process that has ended but was not waited for (state Z) is not alive.
alive_pid() {
	case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" \
	    2>/dev/null) in
	'' | Z* | X*) return 1 ;;
	esac
}
alive() { alive_pid "$(pid_of "$1")"; }

gone_pid() { ! alive_pid "$1"; }

# Ends a process; fails if it is still there after so many seconds.
stop() {	# stop NAME [SIGNAL [SECONDS]]
	local pid
	pid=$(pid_of "$1")
	[ -n "$pid" ] || return 0
	kill -s "${2:-TERM}" "$pid" 2>/dev/null
	within "${3:-10}" gone_pid "$pid" || return 1
	wait "$pid" 2>/dev/null
	rm -f "$scene/pids/$1"
}

# The children of a process whose name is as given, one id a line. By cat: an awk
# may give up at the first process that has just gone.
child_of() {	# child_of PID [NAME]
	cat /proc/[0-9]*/stat 2>/dev/null |
		awk -v parent="$1" -v name="${2:-}" '
		{ pid = $1
		  comm = $0; sub(/^[^(]*\(/, "", comm)
		  sub(/\)[^)]*$/, "", comm)
		  rest = $0; sub(/^.*\) /, "", rest); split(rest, f, " ")
		  if (f[2] == parent && f[1] != "Z" &&
		      (name == "" || index(comm, name))) print pid }'
}

# --- waiting, always bounded ------------------------------------------------
within() {	# within SECONDS COMMAND...: until it succeeds
	local tries_left
	tries_left=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		tries_left=$((tries_left - 1))
		[ $tries_left -gt 0 ] || return 1
		sleep 0.1
	done
}

# A TCP port of ours on loopback: none that anybody listens on, none that the
# kernel gives to clients, none that this scene has had before.
free_port() {
	local port
	while :; do
		port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
		[ -e "$scene/ports/$port" ] && continue
		port_used $port && continue
		: >"$scene/ports/$port"
		echo $port
		return
	done
}

port_used() {	# port_used PORT: does somebody listen there?
	awk -v hex="$(printf ':%04X' "$1")" '
		$4 == "0A" && substr($2, length($2) - 4) == hex { found = 1 }
		END { exit !found }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}
