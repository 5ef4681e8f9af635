#!/bin/sh
# Some random worlds, every tenth twice, which must give the same history.
# EVERLEAF_SEEDS says how many; `make soak` plays thousands.
ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export ASAN_OPTIONS
exec "$TOP_BUILDDIR/tests/sim/seeds" 1 "${EVERLEAF_SEEDS:-25}"
