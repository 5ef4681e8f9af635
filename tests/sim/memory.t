#!/bin/sh
# K1 Memory runs out at one allocation after the other: at some of all that the
# engine makes while it plays what must survive a crash after each commit.
# EVERLEAF_ALLOCATIONS says how many lie between two; 1 is each of them.
cd "$TOP_SRCDIR/tests/sim/scenarios" || exit 99
some=499
grep -q '^#define SANITIZERS' "$TOP_BUILDDIR/config.h" && some=4993
SIM_ALLOCATIONS=${EVERLEAF_ALLOCATIONS:-$some}
ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export SIM_ALLOCATIONS ASAN_OPTIONS
# What an operator asks for may be lost before it is kept, so one can't be played.
exec "$TOP_BUILDDIR/tests/sim/scn" $(grep -l '^each-commit' ./*.scn |
	grep -v remove-purge-crash)
