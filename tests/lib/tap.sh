# TAP, the test output that automake and tests/run read: one line a finding.
# Usage: `is NAME COMMAND...` as often as needed, then tap_done. A function's
# local variables are seen by the commands that it calls, hence the prefix.
tap_n=0
tap_bad=0

verdict() {	# verdict STATUS NAME: 0 is good
	tap_n=$((tap_n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_n - $2"
	else
		tap_bad=$((tap_bad + 1))
		echo "not ok $tap_n - $2"
	fi
	return "$1"
}

# The name comes first, so that a test reads as a sentence. What the command
# says on the way is shown only when it fails.
is() {		# is NAME COMMAND...
	local tap_name tap_said tap_status
	tap_name=$1
	shift
	tap_said=$("$@" 2>&1)
	tap_status=$?
	[ $tap_status -eq 0 ] || tap_status=1
	verdict $tap_status "$tap_name" && return 0
	printf '%s\n' "$* ended with an error:" "$tap_said" | diag
	return 1
}

isnt() {	# isnt NAME COMMAND...: good if it fails
	local tap_name
	tap_name=$1
	shift
	if "$@" >/dev/null 2>&1; then
		verdict 1 "$tap_name"
	else
		verdict 0 "$tap_name"
	fi
}

same() {	# same NAME GOT WANTED
	[ "$2" = "$3" ] && { verdict 0 "$1"; return 0; }
	verdict 1 "$1"
	printf 'got:    %s\nwanted: %s\n' "$2" "$3" | diag
	return 1
}

findings() {	# findings NAME FOUND: good if that is nothing
	[ -z "$2" ] && { verdict 0 "$1"; return 0; }
	verdict 1 "$1"
	printf '%s\n' "$2" | diag
	return 1
}

# A reason that begins with "needs" is the want of a tool: those tests/run
# counts apart, and CI=true does not let them pass.
skip() {	# skip NAME REASON
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

diag() { sed 's/^/# /'; }

bail() {	# bail REASON: the rest makes no sense
	echo "Bail out! $*"
	exit 99
}

tap_done() {
	echo "1..$tap_n"
	[ "$tap_bad" -eq 0 ]
}
