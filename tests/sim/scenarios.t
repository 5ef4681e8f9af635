#!/bin/sh
# Every scenario, on the memory store.
cd "$TOP_SRCDIR/tests/sim/scenarios" || exit 99
ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export ASAN_OPTIONS
exec "$TOP_BUILDDIR/tests/sim/scn" ./*.scn
