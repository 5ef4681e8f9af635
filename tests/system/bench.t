#!/bin/sh
# The benchmark in small, for what does not depend on the machine: requests
# and connections. Its figures for a person: tests/bench/issue.
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/lib/tap.sh"
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a <= b) }'; }
measure() {
	said=$("$top/tests/bench/issue" "${N:-100}" 16 2>&1)
	printf '%s\n' "$said" | diag
	requests= connections=
	eval "$(printf '%s\n' "$said" | sed -n 's/^bench: //p')"
}
few() { at_most "$requests" 8; }
# A CA that gets no time to work is asked too early: the best of three.
measure
few || measure
few || measure
is "at most 8 requests for a certificate" few
is "at most 2 connections in all" at_most "$connections" 2
tap_done
