#!/bin/sh
# Deaths and recovery on the real store, not only on the one in memory.
cd "$TOP_SRCDIR/tests/sim/scenarios" || exit 99
SIM_SQLITE=1 ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export SIM_SQLITE ASAN_OPTIONS
exec "$TOP_BUILDDIR/tests/sim/scn" happy-path.scn crash-everywhere.scn \
	processing-and-crash.scn one-of-three-is-bad.scn \
	remove-purge-crash.scn
