#!/bin/sh
# The power fails between any two system calls of an install or a prune, and
# whatever was not fsynced may be there or not: what `live` leads to is always
# one whole generation (security.md section 5). And each fsync that could be
# left out is found missing, so that the test can fail.
. "$TOP_SRCDIR/tests/lib/tap.sh"
tools=$TOP_BUILDDIR/tests/system
box=$(mktemp -d "${TMPDIR:-/tmp}/everleaf-power.XXXXXX") || exit 99
trap 'rm -rf "$box"' EXIT
# LeakSanitizer cannot work in a traced process.
export ASAN_OPTIONS=detect_leaks=0

strace -o "$box/try" true 2>/dev/null && command -v python3 >/dev/null || {
	skip "power failures" "needs strace and python3"
	tap_done
	exit
}
mkdir "$box/state"

record() {	# record NAME WHAT GENERATION
	cp -a "$box/state" "$box/before-$1"
	strace -f -s 0 -o "$box/log-$1" "$tools/install" "$2" "$box/state" "$3"
}
power() {	# power WHAT NAME LIVE
	python3 "$TOP_SRCDIR/tests/system/power.py" "$1" "$box/state" \
		"$box/before-$2" "$box/log-$2" "gen/$3"
}
found() { power MUTANTS "$1" "$2" | grep -vc 'nothing is found'; }

is "a first install is recorded" record first install 1
is "a second" record second install 2
is "a prune" record prune prune 1
for what in "first 000001" "second 000002" "prune 000002"; do
	is "K3 power failures in: ${what% *}" power CHECK $what
	power CHECK $what | diag
done
# The first makes every name; later ones only those of the generation.
same "first: so many fsyncs are missed when left out" "$(found first 000001)" 14
same "second: so many" "$(found second 000002)" 9
power MUTANTS first 000001 | diag
tap_done
