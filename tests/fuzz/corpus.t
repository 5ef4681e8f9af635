#!/bin/sh
# Every fuzz target survives its corpus. A target T is tests/fuzz/T (built
# from tests/fuzz/T.c) with its inputs in tests/fuzz/T.in/.
n=0
for dir in "$TOP_SRCDIR"/tests/fuzz/*.in; do
	t=$(basename "$dir" .in)
	n=$((n + 1))
	if out=$("$TOP_BUILDDIR/tests/fuzz/$t" "$dir" 2>&1); then
		echo "ok $n - $t: $(ls "$dir" | wc -l) inputs"
	else
		echo "not ok $n - $t"
		echo "$out" | tail -20 | sed 's/^/# /'
	fi
done
echo "1..$n"
