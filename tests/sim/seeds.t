#!/bin/sh
# A few random worlds; the first twice, which must give the same history.
ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export ASAN_OPTIONS
exec "$TOP_BUILDDIR/tests/sim/seeds" 1 4
