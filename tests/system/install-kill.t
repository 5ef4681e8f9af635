#!/bin/bash
# kill -9 at every system call of an install and of a prune: what is live is
# always one whole generation, no key is ever wider than it may be, and doing
# the same again mends all (security.md section 5). Then an error from every
# call.
. "$TOP_SRCDIR/tests/lib/tap.sh"

tools=$TOP_BUILDDIR/tests/system
# In memory if that is to be had: some ten thousand fsyncs follow.
[ -w /dev/shm ] && TMPDIR=/dev/shm
box=$(mktemp -d "${TMPDIR:-/tmp}/everleaf-kill.XXXXXX") || exit 99
trap 'rm -rf "$box"' EXIT
# LeakSanitizer cannot work in a traced process.
export ASAN_OPTIONS=detect_leaks=0

install() { "$tools/install" "$@"; }

fresh() {	# fresh FROM: a copy of that state
	rm -rf "$box/state"
	cp -a "$1" "$box/state"
}

survived() {	# survived MIN MAX, after a kill
	install check "$box/state" "$1" "$2" &&
		install recover "$box/state" &&
		install clean "$box/state" &&
		install check "$box/state" "$1" "$2"
}

# Kills COMMAND at call 1, 2, 3 ... until it ends by itself.
sweep() {	# sweep FROM MIN AGAIN... : sets points
	local from min n status
	from=$1
	min=$2
	shift 2
	for ((n = 1; n < 2000; n++)); do
		fresh "$from"
		"$tools/killat" $n "$tools/install" "$@"
		status=$?
		[ $status -eq 1 ] && break
		[ $status -eq 0 ] && survived "$min" 2 && install "$@" &&
			install check "$box/state" 2 2 ||
			{ echo "at call $n"; return 1; }
	done
	points=$((n - 1))
	[ $points -gt 40 ]
}

mkdir "$box/one"
install install "$box/one" 1 || bail 'nothing can be installed'
"$tools/killat" 1 "$tools/install" check "$box/one" 1
[ $? -eq 2 ] && { skip 'K3 kill sweep' 'needs ptrace'; tap_done; exit; }

points=0
sweep "$box/one" 1 install "$box/state" 2 >"$box/said" 2>&1
verdict $? "K3 kill -9 at each of $points calls of an install" ||
	diag <"$box/said"
cp -a "$box/one" "$box/two"
install install "$box/two" 2
sweep "$box/two" 2 prune "$box/state" 1 >"$box/said" 2>&1
verdict $? "K3 kill -9 at each of $points calls of a prune" ||
	diag <"$box/said"

mkdir "$box/errors"
install errors "$box/errors" >"$box/said"
while read -r good number dash name; do
	case $good$number in
	ok*) verdict 0 "$name" ;;
	not*) verdict 1 "${name#- }" ;;
	*) echo "$good $number $dash $name" | grep '^#' ;;
	esac
done <"$box/said"
for row in "G1 ENOSPC" "G2 EROFS" "G3 EIO" "G4 EINTR" "G4 short writes"; do
	is "$row was among them" grep -q "ok .* $row" "$box/said"
done
same 'the sweep over errors is complete' "$(grep -c 'ok ' "$box/said")" 10
tap_done
