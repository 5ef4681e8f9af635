#!/bin/sh
# Fifty random worlds, the first, eleventh ... of them twice.
ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export ASAN_OPTIONS
exec "$TOP_BUILDDIR/tests/sim/seeds" 1 50
