#!/bin/sh
# Some random worlds, every tenth twice, which must give the same history.
# EVERLEAF_SEEDS says how many; `make soak` plays thousands. A build with
# sanitizers is ten times slower and plays fewer.
some=25
grep -q '^#define SANITIZERS' "$TOP_BUILDDIR/config.h" && some=4
ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export ASAN_OPTIONS
exec "$TOP_BUILDDIR/tests/sim/seeds" 1 "${EVERLEAF_SEEDS:-$some}"
